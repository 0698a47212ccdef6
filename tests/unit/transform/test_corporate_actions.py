"""The table of corporate actions follows the days, whoever writes them and however often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.aliases import shipped_aliases
from marketlake.batch_rows import PARQUET, AcceptedDay, to_parquet
from marketlake.errors import ContractViolation, StorageUnavailable
from marketlake.layout import actions_key, clean_key
from marketlake.storage import Bucket
from marketlake.stored import StoredDay
from tests.unit.frames import clean_frames
from tests.unit.lake import PRICES, RATES, Bar, Counting, Lake, at, prices_csv
from transform.actions import ATTEMPTS, read_actions, record_actions
from transform.compact import compact_years
from transform.days import Day
from validate.raw import RawDay

FIRST, EVENING = date(2023, 1, 3), date(2023, 6, 1)


def day(number: int, *bars: Bar) -> Day:
    dt = FIRST + timedelta(days=number)
    (frame,) = clean_frames(PRICES, [RawDay(dt, prices_csv(bars))])
    return Day(AcceptedDay(dt, "sha"), frame, frame, to_parquet(frame))


def paying(ticker: str, dividend: float, currency: str = "GBp") -> Bar:
    return replace(at(ticker, 100), dividend=dividend, dividend_currency=currency)


def write(lake: Lake, *days: Day) -> list[Day]:
    return [replace(one, etag=lake.clean.put(clean_key(PRICES.name, one.dt), one.body, PARQUET)) for one in days]


def record(lake: Lake, *days: Day, evening: int = 0, clean: Bucket | None = None) -> int:
    written = write(lake, *days)
    return record_actions(PRICES, clean or lake.clean, written, EVENING + timedelta(days=evening))


def table(lake: Lake) -> list[tuple[Any, ...]]:
    _, found = read_actions(PRICES, lake.clean)
    assert found is not None
    return found.rows()


def test_dividends_and_splits_are_listed_with_the_day_on_which_they_were_seen(lake: Lake) -> None:
    bars = [paying("A.L", 5.0), paying("B.L", 0.25, "USD"), replace(at("C.L", 100), split_ratio=2.0), at("D.L", 100)]
    assert record(lake, day(0, *bars)) == 3
    assert table(lake) == [
        ("2023-01-03", "A.L", "dividend", 0.05, "GBP", "2023-06-01", None),
        ("2023-01-03", "B.L", "dividend", 0.25, "USD", "2023-06-01", None),
        ("2023-01-03", "C.L", "split", 2.0, None, "2023-06-01", None),
    ]


def test_a_corrected_one_says_when_and_one_that_is_taken_back_has_the_amount_of_none(lake: Lake) -> None:
    record(lake, day(0, paying("A.L", 5.0), paying("B.L", 5.0), replace(at("C.L", 100), split_ratio=2.0)))
    assert record(lake, day(0, paying("A.L", 6.0), at("B.L", 100), at("C.L", 100)), evening=1) == 3
    assert table(lake) == [
        ("2023-01-03", "A.L", "dividend", 0.06, "GBP", "2023-06-01", "2023-06-02"),
        ("2023-01-03", "B.L", "dividend", 0.0, "GBP", "2023-06-01", "2023-06-02"),
        ("2023-01-03", "C.L", "split", 1.0, None, "2023-06-01", "2023-06-02"),
    ]
    assert record(lake, day(0, paying("A.L", 6.0), at("B.L", 100), at("C.L", 100)), evening=2) == 0


def test_a_dividend_in_doubt_has_no_amount(lake: Lake) -> None:
    doubtful = day(0, paying("A.L", 5.0))
    frame = doubtful.frame.with_columns(dividend=pl.lit(None, pl.Float64()))
    record(lake, replace(doubtful, frame=frame, body=to_parquet(frame)))
    assert table(lake)[0][:5] == ("2023-01-03", "A.L", "dividend", None, "GBP")


class Calls(Counting):
    """Counts listings and writes as well."""

    def keys(self, prefix: str, start_after: str = "") -> Any:
        self.read.append(f"list {prefix}")
        return super().keys(prefix, start_after)

    def put(self, key: str, *given: Any, **named: Any) -> str:
        self.read.append(f"put {key}")
        return super().put(key, *given, **named)


def test_where_nothing_is_new_the_table_is_read_once_and_not_written(lake: Lake) -> None:
    record(lake, day(0, paying("A.L", 5.0)))
    calls = Calls(lake.clean)
    record(lake, day(0, paying("A.L", 5.0)), day(1, at("A.L", 100)), clean=calls, evening=1)
    assert calls.read == [actions_key(PRICES.name)]


def test_a_dataset_without_actions_costs_nothing(lake: Lake) -> None:
    calls = Calls(lake.clean)
    assert record_actions(RATES, calls, [], EVENING) == 0
    assert calls.read == []


def test_a_lake_that_has_no_table_gets_one_of_all_that_it_holds(lake: Lake) -> None:
    old = write(lake, day(0, paying("A.L", 5.0)))
    compact_years(PRICES, lake.clean, {}, {one.dt: StoredDay(one.frame, one.etag) for one in old})
    assert record(lake, day(1, paying("B.L", 6.0))) == 2
    assert [row[:2] for row in table(lake)] == [("2023-01-03", "A.L"), ("2023-01-04", "B.L")]
    # And one without any action has an empty one, so that nobody looks for them again.
    lake.client.delete_object(Bucket=lake.clean.name, Key=actions_key(PRICES.name))
    for key, _ in list(lake.clean.keys("by_year/")):
        lake.client.delete_object(Bucket=lake.clean.name, Key=key)
    assert record(lake, day(2, at("A.L", 100))) == 0
    assert table(lake) == []


class Meddled(Bucket):
    """Another execution comes between this one's reading of the table and its write, once or always."""

    def __init__(self, bucket: Bucket, meddle: Any, times: int = 1) -> None:
        super().__init__(bucket.name, bucket._client)
        self.meddle, self.times = meddle, times

    def put(self, key: str, *given: Any, **named: Any) -> str:
        if self.times:
            self.times -= 1
            self.meddle()
        return super().put(key, *given, **named)


def test_of_two_executions_neither_loses_the_others_actions(lake: Lake) -> None:
    record(lake, day(0, at("A.L", 100)))
    meddled = Meddled(lake.clean, lambda: record(lake, day(2, paying("B.L", 6.0))))
    (mine,) = write(lake, day(1, paying("A.L", 5.0)))
    record_actions(PRICES, meddled, [mine], EVENING)
    assert [row[1] for row in table(lake)] == ["A.L", "B.L"]


def test_a_day_that_another_wrote_since_is_that_ones_to_speak_of(lake: Lake) -> None:
    record(lake, day(0, at("A.L", 100)))
    (mine,) = write(lake, day(1, paying("A.L", 5.0)))
    record(lake, day(1, paying("A.L", 7.0)))
    record_actions(PRICES, lake.clean, [mine], EVENING)
    assert [row[3] for row in table(lake)] == [0.07]
    # Also where the other one comes between our look at the day and our write.
    (mine,) = write(lake, day(1, paying("A.L", 5.0)))
    record_actions(PRICES, Meddled(lake.clean, lambda: record(lake, day(1, paying("A.L", 8.0)))), [mine], EVENING)
    assert [row[3] for row in table(lake)] == [0.08]


def test_one_that_always_loses_gives_up_with_a_transient_error(lake: Lake) -> None:
    numbers = iter(range(1, 100))
    meddled = Meddled(lake.clean, lambda: record(lake, day(next(numbers), paying("B.L", 6.0))), ATTEMPTS)
    (mine,) = write(lake, day(0, paying("A.L", 5.0)))
    with pytest.raises(StorageUnavailable, match="run these days again"):
        record_actions(PRICES, meddled, [mine], EVENING)


def test_an_action_of_a_renamed_ticker_is_under_its_name_of_today(lake: Lake) -> None:
    alias = next(iter(shipped_aliases().values()))
    record(lake, day(0, paying(alias.old, 5.0)))
    assert [row[1] for row in table(lake)] == [alias.new]


def test_a_table_that_cannot_be_read_says_what_to_do(lake: Lake) -> None:
    lake.clean.put(actions_key(PRICES.name), b"no Parquet", PARQUET)
    with pytest.raises(ContractViolation, match="remove it: the next run makes it anew"):
        record(lake, day(0, paying("A.L", 5.0)))


DIVIDENDS = st.dictionaries(
    st.tuples(st.integers(0, 3), st.sampled_from(["A.L", "B.L"])), st.sampled_from([0.0, 5.0, 6.0])
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(evenings=st.lists(DIVIDENDS, min_size=1, max_size=5))
def test_after_any_evenings_the_table_says_what_the_days_say(
    lake: Lake, evenings: Sequence[dict[tuple[int, str], float]]
) -> None:
    for key in lake.everything():
        lake.client.delete_object(Bucket=lake.clean.name, Key=key)
    held: dict[tuple[int, str], float] = {}
    ever: dict[tuple[int, str], int] = {}
    for evening, said in enumerate(evenings):
        held |= said
        for place, dividend in said.items():
            if dividend:
                ever.setdefault(place, evening)
        days = [
            day(number, *(paying(ticker, held.get((number, ticker), 0.0)) for ticker in ("A.L", "B.L")))
            for number in sorted({number for number, _ in said})
        ]
        if days:
            record(lake, *days, evening=evening)
    _, found = read_actions(PRICES, lake.clean)
    rows = [] if found is None else found.select("ex_dt", "ticker", "amount", "first_seen").rows()
    wanted = {
        (f"{FIRST + timedelta(number)}", ticker, held[number, ticker] / 100, f"{EVENING + timedelta(evening)}")
        for (number, ticker), evening in ever.items()
    }
    assert set(rows) == wanted
    assert rows == sorted(rows)
