"""The compact form by year holds what the days' objects hold, whoever wrote them and in whatever order."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.batch_rows import PARQUET, to_parquet
from marketlake.errors import StorageUnavailable
from marketlake.layout import clean_key, year_key
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket, PreconditionFailed, Stored
from tests.unit.lake import RATES, Lake
from transform.compact import ATTEMPTS, compact_years, read_year
from transform.days import StoredDay

FIRST = date(2022, 12, 29)


def write(lake: Lake, day: date, rate: float) -> StoredDay:
    """The day's object, with two rows."""
    rows = [("EUR", "GBP", rate), ("EUR", "USD", rate + 1)]
    frame = pl.DataFrame(rows, schema=polars_schema(RATES), orient="row")
    return StoredDay(frame, lake.clean.put(clean_key(RATES.name, day), to_parquet(frame), PARQUET))


def table(lake: Lake, year: int) -> list[tuple[Any, ...]]:
    return pl.read_parquet(io.BytesIO(lake.clean.get(year_key(RATES.name, year)).body)).rows()


def test_a_year_is_the_rows_of_its_days_sorted_by_key_and_day(lake: Lake) -> None:
    written = {day: write(lake, day, rate) for day, rate in ((FIRST, 1.0), (date(2023, 1, 2), 2.0))}
    assert compact_years(RATES, lake.clean, written) == 2
    assert table(lake, 2022) == [("2022-12-29", "EUR", "GBP", 1.0), ("2022-12-29", "EUR", "USD", 2.0)]
    assert table(lake, 2023) == [("2023-01-02", "EUR", "GBP", 2.0), ("2023-01-02", "EUR", "USD", 3.0)]


def test_nothing_is_written_where_nothing_changed(lake: Lake) -> None:
    written = {FIRST: write(lake, FIRST, 1.0)}
    compact_years(RATES, lake.clean, written)
    assert compact_years(RATES, lake.clean, written) == 0


def test_a_day_that_the_year_lacks_or_outlived_is_found_by_whoever_writes_next(lake: Lake) -> None:
    gone, lost = FIRST - timedelta(2), FIRST - timedelta(1)
    compact_years(RATES, lake.clean, {gone: write(lake, gone, 1.0)})
    write(lake, lost, 2.0)  # as by a function that was killed before it came to the year
    lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key(RATES.name, gone))
    compact_years(RATES, lake.clean, {FIRST: write(lake, FIRST, 3.0)})
    assert sorted({row[0] for row in table(lake, 2022)}) == [f"{lost}", f"{FIRST}"]


def test_an_object_of_another_version_of_the_contract_is_made_anew(lake: Lake) -> None:
    old = to_parquet(pl.DataFrame({"dt": ["2022-12-29"]}), metadata={"marketlake.contract_version": "0"})
    lake.clean.put(year_key(RATES.name, 2022), old, PARQUET)
    compact_years(RATES, lake.clean, {FIRST: write(lake, FIRST, 1.0)})
    assert len(table(lake, 2022)) == 2


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
        compact_years(RATES, lake.clean, {other: write(lake, other, 2.0)})

    mine = {FIRST: write(lake, FIRST, 1.0)}
    compact_years(RATES, Meddled(lake.clean, [meddle]), mine)
    assert sorted({row[0] for row in table(lake, 2022)}) == [f"{FIRST}", f"{other}"]


def test_a_day_that_another_wrote_meanwhile_is_read_as_it_is(lake: Lake) -> None:
    mine = {FIRST: write(lake, FIRST, 1.0)}
    theirs = write(lake, FIRST, 9.0)
    compact_years(RATES, lake.clean, mine)
    held = read_year(RATES, lake.clean, 2022)
    assert held is not None
    assert held.days == {FIRST: theirs.etag}
    assert table(lake, 2022)[0][-1] == 9.0


def test_writers_that_always_lose_give_up_with_a_transient_error(lake: Lake) -> None:
    def lose() -> None:
        raise PreconditionFailed

    mine = {FIRST: write(lake, FIRST, 1.0)}
    with pytest.raises(StorageUnavailable, match="run these days again"):
        compact_years(RATES, Meddled(lake.clean, [lose] * ATTEMPTS), mine)


class Counting(Bucket):
    """Remembers what was read."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(bucket.name, bucket._client)
        self.read: list[str] = []

    def get(self, key: str) -> Stored:
        self.read.append(key)
        return super().get(key)


def test_neither_the_days_just_written_nor_those_that_the_year_holds_are_read_again(lake: Lake) -> None:
    days = {FIRST - timedelta(back): write(lake, FIRST - timedelta(back), 1.0) for back in (1, 2, 3)}
    clean = Counting(lake.clean)
    compact_years(RATES, clean, days)
    assert clean.read == []
    compact_years(RATES, clean, {FIRST: write(lake, FIRST, 2.0)})
    assert clean.read == [year_key(RATES.name, 2022)]
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
            compact_years(RATES, lake.clean, pending)
    compact_years(RATES, lake.clean, pending)
    years = {day.year for day in pending}
    found = {year: lake.clean.get(year_key(RATES.name, year)).body for year in years}
    for year in years:
        lake.client.delete_object(Bucket=lake.clean.name, Key=year_key(RATES.name, year))
    compact_years(RATES, lake.clean, pending)
    assert {year: lake.clean.get(year_key(RATES.name, year)).body for year in years} == found
