from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from marketlake.errors import DataQualityError, RawChanged, StorageUnavailable, UnexpectedError
from marketlake.layout import before_key, clean_key, raw_key
from marketlake.manifest import ValidatedDay, read_written, write_manifest
from marketlake.raw_frames import RawDay
from marketlake.rewrites import read_rewrites
from tests.unit.lake import PRICES, Bar, Context, Lake, at, batch_of, prices_csv, task_of
from transform import existing
from transform import handler as transform_handler
from transform.handler import handler

DAYS = [date(2023, 1, 3), date(2023, 1, 4)]
BARS = [at("A.L", 100), at("B.L", 200)]


def stored(
    lake: Lake, bars: dict[date, Sequence[Bar]], symbols: Sequence[str] = (), dropped: Sequence[str] = ()
) -> None:
    """Raw objects, and what Validate says of them."""
    days = []
    for day, of_day in bars.items():
        body = prices_csv(of_day)
        lake.raw.put(raw_key(PRICES, day, symbols), body, "text/csv")
        days.append(ValidatedDay(day, RawDay(day, body).sha256, len(of_day) - len(dropped), list(dropped)))
    write_manifest(lake.clean, "manifests/run-1/0-validated.json", days)


def transform(symbols: Sequence[str] = (), recheck: bool = False, execution: str = "run-1") -> dict[str, Any]:
    context: Any = Context()
    days = ["2023-01-03/2023-01-04"]
    event = {
        "task": task_of("Transform", execution),
        "batch": batch_of(PRICES, days, symbols, recheck=recheck),
        "fetched": {"days": days, "before": False},
        "validated": {"manifest": "manifests/run-1/0-validated.json", "accepted_days": days, "rejections": []},
    }
    return handler(event, context)


def table(lake: Lake, day: date) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("ftse100_prices", day)).body))


def test_each_accepted_day_becomes_one_object_and_one_entry_of_the_manifest(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS), dropped=["B.L"])
    found = transform()
    assert found == {"written": 2, "rows": 2, "rewrites": 0, "manifest": "manifests/run-1/0-written.json"}
    first, second = read_written(lake.clean, found["manifest"])
    assert (first.dt, second.dt) == tuple(DAYS)
    assert first.etag == lake.clean.get(clean_key("ftse100_prices", DAYS[0])).etag
    assert (first.rows, first.quarantined, first.changed_rows) == (1, 1, None)
    assert list(first.ranges["close"] or ()) == [1.0, 1.0]
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.0)]


def test_the_same_again_is_the_same_bytes(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    before = lake.everything()
    stored(lake, {day: list(reversed(BARS)) for day in DAYS})
    transform()
    keys = [key for key in before if key.startswith("clean/")]
    assert len(keys) == 2
    assert all(lake.everything()[key] == before[key] for key in keys)


def test_a_correction_says_how_many_rows_it_changed(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    stored(lake, {DAYS[0]: [at("A.L", 100), at("B.L", 222)], DAYS[1]: BARS})
    found = transform(recheck=True)
    assert [day.changed_rows for day in read_written(lake.clean, found["manifest"])] == [1, 0]


def test_some_symbols_are_put_into_the_day_that_is_there(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    stored(lake, {DAYS[0]: [at("B.L", 210)]}, symbols=["B.L"])
    found = transform(symbols=["B.L"])
    assert found["rows"] == 2
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.0), ("B.L", 2.1)]
    (day,) = read_written(lake.clean, found["manifest"])
    assert (day.rows, day.changed_rows) == (2, 1)


def test_of_two_requests_for_symbols_of_a_day_at_once_neither_is_lost(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    stored(lake, {DAYS[0]: [at("A.L", 110)]}, symbols=["A.L"])
    transform(symbols=["A.L"])
    key = clean_key("ftse100_prices", DAYS[0])
    rival, read = lake.clean.get(key).body, existing.stored_days
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()

    def read_then_lose(*arguments: Any) -> Any:
        found = read(*arguments)
        lake.clean.put(key, rival, "x/parquet")
        return found

    stored(lake, {DAYS[0]: [at("B.L", 210)]}, symbols=["B.L"])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(transform_handler, "stored_days", read_then_lose)
        with pytest.raises(StorageUnavailable, match="was written by another execution meanwhile; try again"):
            transform(symbols=["B.L"])
    transform(symbols=["B.L"])
    assert table(lake, DAYS[0]).select("ticker", "close").rows() == [("A.L", 1.1), ("B.L", 2.1)]


def test_some_symbols_are_not_written_where_there_is_no_day(lake: Lake) -> None:
    stored(lake, {DAYS[0]: [at("B.L", 210)]}, symbols=["B.L"])
    with pytest.raises(DataQualityError, match="run the day without symbols first"):
        transform(symbols=["B.L"])
    assert not any(key.startswith("clean/") for key in lake.everything())


def test_raw_bytes_that_changed_since_they_were_validated_are_not_written(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    lake.raw.put(raw_key(PRICES, DAYS[1]), prices_csv([at("A.L", -1)]), "text/csv")
    with pytest.raises(RawChanged, match=r"raw objects changed since they were validated \(2023-01-04\)"):
        transform()
    assert not any(key.startswith("clean/") for key in lake.everything())


SPLIT = [at("A.L", 50), at("B.L", 200)]
"""``BARS`` after two shares of A.L were made of one."""


def noticed(lake: Lake, execution: str) -> list[tuple[str, str, str, str]]:
    found = read_rewrites(lake.clean, execution)
    return [(rewrite.symbol, rewrite.event, rewrite.first, rewrite.last) for rewrite in found]


def test_a_rewritten_history_is_kept_before_the_days_are_written_over(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    stored(lake, dict.fromkeys(DAYS, SPLIT))
    with monkeypatch.context() as killed:
        # The first attempt ends after its last clean write, before it can answer.
        killed.setattr("transform.handler.ranges_of", lambda *_: 1 / 0)
        with pytest.raises(UnexpectedError):
            transform(recheck=True, execution="run-2")
    assert table(lake, DAYS[0])["close"].to_list() == [0.5, 2.0]
    assert transform(recheck=True, execution="run-2")["rewrites"] == 0
    assert noticed(lake, "run-2") == [("A.L", "split", "2023-01-03", "2023-01-04")]


def test_days_that_are_asked_for_again_are_expected_to_change(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    stored(lake, dict.fromkeys(DAYS, SPLIT[:1]), symbols=["A.L"])
    assert transform(symbols=["A.L"])["rewrites"] == 0
    stored(lake, dict.fromkeys(DAYS, SPLIT))
    assert transform()["rewrites"] == 0
    assert noticed(lake, "run-1") == []


def test_the_day_before_the_batch_tells_of_a_rewrite_during_a_gap(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    later = batch_of(PRICES, ["2023-01-05/2023-01-06"])
    body = prices_csv(SPLIT)
    # Of all the bars before the batch the last is the day that the lake has.
    bars = [at("A.L", 40), at("A.L", 45), SPLIT[0], at("B.L", 100), at("B.L", 150), SPLIT[1]]
    lake.raw.put(before_key(PRICES, date(2023, 1, 6)), prices_csv(bars), "text/csv")
    lake.raw.put(raw_key(PRICES, date(2023, 1, 6)), body, "text/csv")
    manifest = "manifests/run-2/0-validated.json"
    write_manifest(lake.clean, manifest, [ValidatedDay(date(2023, 1, 6), RawDay(date(2023, 1, 6), body).sha256, 2)])
    event = {
        "task": task_of("Transform", "run-2"),
        "batch": later,
        "fetched": {"days": ["2023-01-06"], "before": True},
        "validated": {"manifest": manifest, "accepted_days": ["2023-01-06"], "rejections": []},
    }
    context: Any = Context()
    assert handler({**event, "batch": {**later, "continues": True}}, context)["rewrites"] == 0
    assert handler(event, context)["rewrites"] == 1
    assert noticed(lake, "run-2") == [("A.L", "split", "2023-01-03", "2023-01-04")]


def test_a_correction_after_days_that_came_unchanged_is_no_rewrite(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS))
    transform()
    stored(lake, {DAYS[1]: SPLIT})
    context: Any = Context()
    event = {
        "task": task_of("Transform", "run-2"),
        "batch": batch_of(PRICES, ["2023-01-03/2023-01-04"], recheck=True),
        "fetched": {"days": ["2023-01-03/2023-01-04"], "before": False},
        "validated": {
            "manifest": "manifests/run-1/0-validated.json",
            "accepted_days": ["2023-01-04"],
            "rejections": [],
        },
    }
    assert handler(event, context)["rewrites"] == 0
    # Had the day before it been rejected, it would say nothing.
    stored(lake, {DAYS[1]: BARS})
    event["validated"]["rejections"] = [{"days": ["2023-01-03"]}]
    assert handler(event, context)["rewrites"] == 1
