from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import polars as pl
import pytest

from marketlake.batch_rows import write_batch_rows
from marketlake.errors import DataQualityError, UnexpectedError
from marketlake.layout import batch_rows_key, clean_key, raw_key, year_key
from marketlake.manifest import manifest_keys, read_manifest
from marketlake.restatements import read_restatements
from marketlake.storage import Bucket
from tests.unit.frames import clean_frames, handed_on
from tests.unit.lake import PRICES, Bar, Context, Lake, at, batch_of, prices_csv, task_of
from transform import days as transform_days
from transform import handler as transform_handler
from transform.actions import read_actions
from transform.handler import handler
from validate.raw import RawDay

DAYS = [date(2023, 1, 3), date(2023, 1, 4)]
BARS = [at("A.L", 100), at("B.L", 200)]


def accepted(
    lake: Lake,
    bars: dict[date, Sequence[Bar]],
    before: Sequence[Bar] = (),
    unchanged: Sequence[date] = (),
    bad: Sequence[str] = (),
) -> None:
    """The rows that Validate hands on, of days with ``bars``, those of the tickers ``bad`` quarantined."""
    days = [RawDay(day, prices_csv(of_day)) for day, of_day in bars.items()]
    (last,) = clean_frames(PRICES, [RawDay(date(2023, 1, 2), prices_csv(before))])
    found = handed_on(PRICES, days, last, unchanged, bad)
    write_batch_rows(lake.clean, batch_rows_key("run-1", 0), found)


def transform(
    symbols: Sequence[str] = (),
    execution: str = "run-1",
    days: Sequence[str] = ("2023-01-03/2023-01-04",),
    **more: Any,
) -> dict[str, Any]:
    context: Any = Context()
    validated = {"accepted": 2, "unchanged": 0, "rejected": 0, "rejected_rows": 0}
    event = {
        "task": task_of("Transform", execution),
        "batch": batch_of(PRICES, days, symbols, **more),
        "validated": {**validated, "manifest": batch_rows_key("run-1", 0)},
    }
    return handler(event, context)


def table(lake: Lake, day: date) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("ftse100_prices", day)).body))


def test_each_accepted_day_becomes_one_object_and_one_entry_of_the_manifest(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS), bad=["B.L"])
    found = transform()
    assert found == {"written": 2, "rows": 2, "manifest": "manifests/run-1/0-written.json"}
    first, second = read_manifest(lake.clean, found["manifest"])
    assert (first.dt, second.dt) == tuple(DAYS)
    assert first.etag == lake.clean.get(clean_key("ftse100_prices", DAYS[0])).etag
    assert (first.rows, first.quarantined, first.changed_rows) == (1, 1, None)
    assert list(first.ranges["close"] or ()) == [1.0, 1.0]
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.0)]


def test_the_same_again_is_the_same_bytes(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    before = lake.everything()
    accepted(lake, {day: list(reversed(BARS)) for day in DAYS})
    transform()
    keys = [key for key in before if key.startswith("clean/")]
    assert len(keys) == 2
    assert all(lake.everything()[key] == before[key] for key in keys)


def test_a_correction_says_how_many_rows_it_changed(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, {DAYS[0]: [at("A.L", 100), at("B.L", 222)], DAYS[1]: BARS})
    found = transform(recheck=True, execution="run-2")
    assert [day.changed_rows for day in read_manifest(lake.clean, found["manifest"])] == [1, 0]


def test_some_symbols_are_put_into_the_day_that_is_there(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, {DAYS[0]: [at("B.L", 210)]})
    found = transform(symbols=["B.L"], execution="run-2")
    assert found["rows"] == 2
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.0), ("B.L", 2.1)]
    (day,) = read_manifest(lake.clean, found["manifest"])
    assert (day.rows, day.changed_rows) == (2, 1)


def test_rows_that_the_source_forgot_for_an_evening_stay(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, {DAYS[0]: BARS[:1], DAYS[1]: BARS}, bad=["B.L"])
    before = lake.everything()
    found = transform(recheck=True, execution="run-2")
    days = read_manifest(lake.clean, found["manifest"])
    assert [(day.rows, day.changed_rows, day.kept_rows, day.same) for day in days] == [(2, 0, 1, True)] * 2
    assert (found["written"], found["rows"]) == (0, 0)
    written = {key for key, body in lake.everything().items() if before.get(key) != body}
    assert all(key.startswith("manifests/run-2/") for key in written)


def test_a_forced_load_of_a_day_that_expired_costs_no_other_day(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    for day in DAYS:
        lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key("ftse100_prices", day))
    accepted(lake, {DAYS[0]: [at("A.L", 110)]})
    found = transform(execution="run-2")
    (one,) = read_manifest(lake.clean, found["manifest"])
    assert (one.rows, one.changed_rows, one.kept_rows) == (2, 1, 1)
    year = pl.read_parquet(io.BytesIO(lake.clean.get(year_key("ftse100_prices", 2023)).body))
    assert year.select("dt", "ticker", "close").rows() == [
        (f"{DAYS[0]}", "A.L", 1.1),
        (f"{DAYS[1]}", "A.L", 1.0),
        (f"{DAYS[0]}", "B.L", 2.0),
        (f"{DAYS[1]}", "B.L", 2.0),
    ]


def test_of_two_requests_for_symbols_of_a_day_at_once_neither_is_lost(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, {DAYS[0]: [at("A.L", 110)]})
    transform(symbols=["A.L"], execution="run-a")
    key = clean_key("ftse100_prices", DAYS[0])
    rival, read = lake.clean.get(key).body, transform_days.with_first_changes
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform(execution="run-b")

    def read_then_lose(*arguments: Any) -> Any:
        found = read(*arguments)
        lake.clean.put(key, rival, "x/parquet")
        return found

    accepted(lake, {DAYS[0]: [at("B.L", 210)]})
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(transform_handler, "with_first_changes", read_then_lose)
        transform(symbols=["B.L"], execution="run-2")
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.1), ("B.L", 2.1)]


def test_some_symbols_are_not_written_where_there_is_no_day(lake: Lake) -> None:
    accepted(lake, {DAYS[0]: [at("B.L", 210)]})
    with pytest.raises(DataQualityError, match="run the day without symbols first"):
        transform(symbols=["B.L"])
    assert not any(key.startswith("clean/") for key in lake.everything())


def test_raw_bytes_that_changed_since_they_were_validated_change_nothing(lake: Lake) -> None:
    body = prices_csv(BARS)
    accepted(lake, dict.fromkeys(DAYS, BARS))
    for day in DAYS:
        lake.raw.put(raw_key(PRICES, day), prices_csv([at("A.L", 999)]), "text/csv")
    found = transform()
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.0), ("B.L", 2.0)]
    hashes = [day.raw_sha256 for day in read_manifest(lake.clean, found["manifest"])]
    assert hashes == [RawDay(day, body).sha256 for day in DAYS], "of the bytes that the rows came from"


SPLIT = [at("A.L", 50), at("B.L", 200)]
"""``BARS`` after two shares of A.L were made of one."""


def noticed(lake: Lake, execution: str) -> list[tuple[str, str, str, str]]:
    found = read_restatements(lake.clean, manifest_keys(lake.clean, execution))
    return [(restatement.symbol, restatement.event, restatement.first, restatement.last) for restatement in found]


def test_a_restatement_is_kept_before_the_days_are_written_over(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, dict.fromkeys(DAYS, SPLIT))
    with monkeypatch.context() as killed:
        # The first attempt ends after its last clean write, before it can answer.
        killed.setattr("transform.days.measured", lambda *_: 1 / 0)
        with pytest.raises(UnexpectedError):
            transform(recheck=True, execution="run-2")
    assert table(lake, DAYS[0])["close"].to_list() == [0.5, 2.0]
    transform(recheck=True, execution="run-2")
    assert noticed(lake, "run-2") == [("A.L", "split", "2023-01-03", "2023-01-04")]


def test_days_that_are_asked_for_again_are_expected_to_change(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, dict.fromkeys(DAYS, SPLIT[:1]))
    transform(symbols=["A.L"], execution="run-2")
    accepted(lake, dict.fromkeys(DAYS, SPLIT))
    transform(execution="run-3")
    assert [noticed(lake, f"run-{number}") for number in (1, 2, 3)] == [[], [], []]


def test_the_day_before_the_batch_shows_a_restatement_during_a_gap(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, {date(2023, 1, 6): SPLIT}, before=SPLIT)
    later = ["2023-01-05/2023-01-06"]
    transform(execution="run-2", days=later, continues=True)
    assert noticed(lake, "run-2") == []
    transform(execution="run-2", days=later)
    assert noticed(lake, "run-2") == [("A.L", "split", "2023-01-03", "2023-01-04")]


def test_a_correction_after_days_that_came_unchanged_is_no_restatement(lake: Lake) -> None:
    accepted(lake, dict.fromkeys(DAYS, BARS))
    transform()
    accepted(lake, {DAYS[1]: SPLIT}, unchanged=DAYS[:1])
    transform(execution="run-2", recheck=True)
    assert noticed(lake, "run-2") == []
    # Had the day before it been rejected, it would say nothing.
    accepted(lake, {DAYS[1]: BARS})
    transform(execution="run-2", recheck=True)
    assert len(noticed(lake, "run-2")) == 1


PAYING = [replace(at("A.L", 100), dividend=2.0, dividend_currency="GBp"), at("B.L", 200)]


class Killed(BaseException):
    """The process has ended."""


def test_a_function_killed_after_any_write_leaves_with_the_next_attempt_what_an_undisturbed_one_leaves(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform_handler, "today", lambda: date(2023, 1, 5))
    plain, wanted, kills = Bucket.put, None, 0
    for last in (99, *range(8, 0, -1)):
        for key in lake.everything():
            lake.client.delete_object(Bucket=lake.clean.name, Key=key)
        accepted(lake, dict.fromkeys(DAYS, BARS))
        transform()
        accepted(lake, {DAYS[0]: BARS, DAYS[1]: PAYING})
        writes = count(1)

        def put(bucket: Bucket, *given: Any, last: int = last, writes: Iterator[int] = writes, **named: Any) -> str:
            etag = plain(bucket, *given, **named)
            if next(writes) == last:
                raise Killed
            return etag

        with monkeypatch.context() as killed:
            killed.setattr(Bucket, "put", put)
            try:
                transform(recheck=True, execution="run-2")
            except Killed:
                kills += 1
        transform(recheck=True, execution="run-2")
        left = {key: body for key, body in lake.everything().items() if not key.startswith("manifests/run-1/")}
        wanted = wanted or left
        assert left == wanted
    assert kills >= 4, "the day, the year, the actions, and what is handed on"
    _, actions = read_actions(PRICES, lake.clean)
    assert actions is not None
    assert actions.rows() == [("2023-01-04", "A.L", "dividend", 0.02, "GBP", "2023-01-05", None)]


def test_an_action_is_first_seen_on_the_day_of_the_execution(lake: Lake) -> None:
    accepted(lake, {DAYS[0]: BARS, DAYS[1]: PAYING})
    before = datetime.now(UTC).date()
    transform()
    _, actions = read_actions(PRICES, lake.clean)
    assert actions is not None
    assert before <= date.fromisoformat(actions["first_seen"].item()) <= datetime.now(UTC).date()
