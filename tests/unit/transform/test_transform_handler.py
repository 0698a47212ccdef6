from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from marketlake.errors import DataQualityError, RawChanged, StorageUnavailable
from marketlake.layout import clean_key, raw_key
from marketlake.manifest import ValidatedDay, read_written, write_manifest
from marketlake.raw_frames import RawDay
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


def transform(symbols: Sequence[str] = (), recheck: bool = False) -> dict[str, Any]:
    context: Any = Context()
    batch = batch_of(PRICES, ["2023-01-03/2023-01-04"], symbols, recheck=recheck)
    validated = {"manifest": "manifests/run-1/0-validated.json"}
    return handler({"task": task_of("Transform"), "batch": batch, "validated": validated}, context)


def table(lake: Lake, day: date) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("ftse100_prices", day)).body))


def test_each_accepted_day_becomes_one_object_and_one_entry_of_the_manifest(lake: Lake) -> None:
    stored(lake, dict.fromkeys(DAYS, BARS), dropped=["B.L"])
    found = transform()
    assert found == {"written": 2, "rows": 2, "manifest": "manifests/run-1/0-written.json"}
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
