"""A year's object holds what was ever in its days' objects, whoever wrote them and in whatever order."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.batch_rows import PARQUET, to_parquet
from marketlake.errors import StorageUnavailable
from marketlake.history import history_of, mark_of
from marketlake.layout import clean_key, year_key
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket, PreconditionFailed
from marketlake.stored import StoredDay, read_year, read_years
from tests.unit.lake import RATES, Counting, Lake
from transform.compact import ATTEMPTS, compact_years

FIRST = date(2022, 12, 29)


def write(lake: Lake, day: date, rate: float) -> StoredDay:
    """The day's object, with two rows."""
    rows = [("EUR", "GBP", rate, None), ("EUR", "USD", rate + 1, None)]
    frame = pl.DataFrame(rows, schema=polars_schema(RATES), orient="row")
    return StoredDay(frame, lake.clean.put(clean_key(RATES.name, day), to_parquet(frame), PARQUET))


def compact(lake: Lake, written: dict[date, StoredDay], clean: Bucket | None = None) -> int:
    held = read_years(RATES, lake.clean, {day.year for day in written})
    return compact_years(RATES, clean or lake.clean, held, written)


def table(lake: Lake, year: int) -> list[tuple[Any, ...]]:
    return pl.read_parquet(io.BytesIO(lake.clean.get(year_key(RATES.name, year)).body)).rows()


def test_a_year_is_the_rows_of_its_days_sorted_by_key_and_day(lake: Lake) -> None:
    written = {day: write(lake, day, rate) for day, rate in ((FIRST, 1.0), (date(2023, 1, 2), 2.0))}
    assert compact(lake, written) == 2
    assert table(lake, 2022) == [("2022-12-29", "EUR", "GBP", 1.0, None), ("2022-12-29", "EUR", "USD", 2.0, None)]
    assert table(lake, 2023) == [("2023-01-02", "EUR", "GBP", 2.0, None), ("2023-01-02", "EUR", "USD", 3.0, None)]


def test_nothing_is_written_where_nothing_changed(lake: Lake) -> None:
    written = {FIRST: write(lake, FIRST, 1.0)}
    compact(lake, written)
    assert compact(lake, written) == 0


def test_a_day_that_the_year_lacks_is_found_by_whoever_writes_next(lake: Lake) -> None:
    lost = FIRST - timedelta(1)
    write(lake, lost, 2.0)  # as by a function that was killed before it came to the year
    compact(lake, {FIRST: write(lake, FIRST, 3.0)})
    assert sorted({row[0] for row in table(lake, 2022)}) == [f"{lost}", f"{FIRST}"]


def test_a_day_whose_object_expired_stays_in_its_year(lake: Lake) -> None:
    expired = FIRST - timedelta(2)
    compact(lake, {expired: write(lake, expired, 1.0)})
    lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key(RATES.name, expired))
    compact(lake, {FIRST: write(lake, FIRST, 3.0)})
    assert table(lake, 2022)[0] == (f"{expired}", "EUR", "GBP", 1.0, None)
    assert len(table(lake, 2022)) == 4


def test_the_object_itself_says_which_days_it_holds(lake: Lake) -> None:
    days = [FIRST - timedelta(2), FIRST]
    written = {day: write(lake, day, 1.0) for day in days}
    compact(lake, written)
    found = history_of(lake.clean, RATES.name, None, date.max)
    assert found == {day: mark_of(stored.etag) for day, stored in written.items()}


def test_an_object_that_does_not_say_it_is_written_again(lake: Lake) -> None:
    written = {FIRST: write(lake, FIRST, 1.0)}
    compact(lake, written)
    key = year_key(RATES.name, FIRST.year)
    lake.clean.put(key, lake.clean.get(key).body, PARQUET)
    assert history_of(lake.clean, RATES.name, None, date.max) == {}
    assert compact(lake, written) == 1
    assert list(history_of(lake.clean, RATES.name, None, date.max)) == [FIRST]


class Meddled(Bucket):
    """Another writer is faster, as often as there are ``meddlers``."""

    def __init__(self, bucket: Bucket, meddlers: list[Callable[[], object]]) -> None:
        super().__init__(bucket.name, bucket._client)
        self.meddlers = meddlers

    def put(self, key: str, body: bytes, content_type: str, **condition: Any) -> str:
        if self.meddlers:
            self.meddlers.pop()()
        return super().put(key, body, content_type, **condition)


def test_of_two_writers_neither_loses_the_others_day(lake: Lake) -> None:
    other = FIRST + timedelta(1)

    def meddle() -> None:
        compact(lake, {other: write(lake, other, 2.0)})

    mine = {FIRST: write(lake, FIRST, 1.0)}
    compact(lake, mine, Meddled(lake.clean, [meddle]))
    assert sorted({row[0] for row in table(lake, 2022)}) == [f"{FIRST}", f"{other}"]


def test_many_writers_of_one_year_need_three_attempts_at_most(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the batches of a long list: each with a day of its own, all at the same time, in an order of threads' own."""
    monkeypatch.setattr("transform.compact.ATTEMPTS", 3)
    days = RATES.days(date(2022, 3, 1), date(2022, 3, 23))
    start = threading.Barrier(len(days))

    def one(day: date) -> int:
        written = {day: write(lake, day, 1.0)}
        held = read_years(RATES, lake.clean, {day.year})
        start.wait()
        return compact_years(RATES, lake.clean, held, written)

    with ThreadPoolExecutor(len(days)) as pool:
        changed = sum(pool.map(one, days))
    assert {row[0] for row in table(lake, 2022)} == {f"{day}" for day in days}
    assert 1 <= changed <= len(days)


def test_a_day_that_another_wrote_meanwhile_is_read_as_it_is(lake: Lake) -> None:
    mine = {FIRST: write(lake, FIRST, 1.0)}
    theirs = write(lake, FIRST, 9.0)
    compact(lake, mine)
    held = read_year(RATES, lake.clean, 2022)
    assert held is not None
    assert held.days == {FIRST: theirs.etag}
    assert table(lake, 2022)[0][-2] == 9.0


def test_writers_that_always_lose_give_up_with_a_transient_error(lake: Lake) -> None:
    def lose() -> None:
        raise PreconditionFailed

    mine = {FIRST: write(lake, FIRST, 1.0)}
    with pytest.raises(StorageUnavailable, match="run these days again"):
        compact(lake, mine, Meddled(lake.clean, [lose] * ATTEMPTS))


def test_neither_the_days_just_written_nor_those_that_the_year_holds_nor_the_year_are_read_again(lake: Lake) -> None:
    days = {FIRST - timedelta(back): write(lake, FIRST - timedelta(back), 1.0) for back in (1, 2, 3)}
    clean = Counting(lake.clean)
    compact(lake, days, clean)
    compact(lake, {FIRST: write(lake, FIRST, 2.0)}, clean)
    assert clean.read == []
    assert len(table(lake, 2022)) == 8


STEPS = st.lists(st.tuples(st.integers(0, 6), st.sampled_from([1.0, 2.0, 3.0]), st.booleans()), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_order_of_writes_ends_in_the_same_bytes_as_one_pass(
    lake: Lake, steps: list[tuple[int, float, bool]]
) -> None:
    for key in lake.everything():
        lake.client.delete_object(Bucket=lake.clean.name, Key=key)
    pending: dict[date, StoredDay] = {}
    for offset, rate, changed in steps:
        day = FIRST + timedelta(offset)
        pending[day] = write(lake, day, rate)
        if changed:
            compact(lake, pending)
    compact(lake, pending)
    years = {day.year for day in pending}
    found = {year: lake.clean.get(year_key(RATES.name, year)).body for year in years}
    for year in years:
        lake.client.delete_object(Bucket=lake.clean.name, Key=year_key(RATES.name, year))
    compact(lake, pending)
    assert {year: lake.clean.get(year_key(RATES.name, year)).body for year in years} == found
