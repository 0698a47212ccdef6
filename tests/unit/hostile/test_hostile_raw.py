"""Raw objects as Validate and Transform may find them: refused in our words, or loaded exactly as they read."""

from __future__ import annotations

import io
import math
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, event, example, given, settings

from marketlake.contract import Contract
from marketlake.errors import DataQualityError, MarketlakeError, UpstreamMalformed
from marketlake.layout import clean_key, raw_key
from tests.unit.hostile.outcome import handled
from tests.unit.hostile.profile import EXAMPLES
from tests.unit.hostile.raw_prices import DOUBTFUL, GOOD, PRICE_OBJECTS, cells_by_ticker, in_pounds
from tests.unit.hostile.raw_rates import CODES, RATE_OBJECTS, rates_by_the_book
from tests.unit.hostile.raw_rates import GOOD as RATES_GOOD
from tests.unit.lake import HEADER, PRICES, RATES, SHORT_LIST, Lake, batch_of, task_of
from transform.handler import handler as transform
from validate.handler import handler as validate

DAY = date(2023, 1, 3)
KEPT = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True)
def _ten_symbols(lake: Lake) -> None:
    lake.list_symbols("constituents.csv", SHORT_LIST)
    lines = "".join(f"{code},1999-01-04,\n" for code in CODES)
    lake.list_symbols("currencies.csv", f"symbol,valid_from,valid_to\n{lines}".encode())


def loaded(lake: Lake, contract: Contract, body: bytes) -> list[dict[str, Any]] | None:
    """The clean rows that Validate and Transform make of ``body``; None where they refuse it."""
    for key in (key for key in lake.everything() if not key.startswith("raw/")):  # of the example before
        lake.client.delete_object(Bucket=lake.clean.name, Key=key)
    lake.raw.put(raw_key(contract, DAY), body, "text/plain")
    batch = batch_of(contract, [f"{DAY}"])
    fetched = {"days": [f"{DAY}"], "stored": 1}
    found = handled(validate, {"task": task_of("Validate"), "batch": batch, "fetched": fetched})
    if isinstance(found, MarketlakeError):
        assert isinstance(found, UpstreamMalformed)
        assert f"{contract.name} {DAY}" in str(found)
        return None
    if not found["accepted"]:
        assert [message["error"] for message in found["rejections"]] == [DataQualityError.__name__]
        return None
    written = handled(transform, {"task": task_of("Transform"), "batch": batch, "validated": found})
    assert not isinstance(written, MarketlakeError), written
    frame = pl.read_parquet(io.BytesIO(lake.clean.get(clean_key(contract.name, DAY)).body))
    assert frame.height == written["rows"]
    return frame.to_dicts()


@KEPT
@given(body=PRICE_OBJECTS)
@example(body=GOOD)
@example(body=b"")
@example(body=HEADER.encode())
@example(body=b"\n\n" + GOOD)
@example(body=GOOD.replace(b"A.L", b'""A.L""'))
@example(body=GOOD.replace(b"A.L,500.25", b"A.L, "))
@example(body=GOOD + b" ")
def test_a_price_object_is_refused_or_its_rows_are_what_the_csv_module_reads(lake: Lake, body: bytes) -> None:
    rows = loaded(lake, PRICES, body)
    event("refused" if rows is None else "loaded")
    if rows is None:
        return
    by_the_book = cells_by_ticker(body)
    assert len({row["ticker"] for row in rows}) == len(rows) >= 9
    for row in rows:
        written = in_pounds(by_the_book[row["ticker"]])
        flags = row.pop("flags")
        doubted = [name for name in DOUBTFUL if row[name] is None and written[name] is not None]
        assert row == {**written, **dict.fromkeys(doubted)}
        assert flags is not None or not doubted
        assert row["close"] > 0
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))


@KEPT
@given(body=RATE_OBJECTS)
@example(body=RATES_GOOD.encode())
@example(body=RATES_GOOD.replace('"amount":1.0', '"amount":100').encode())
@example(body=RATES_GOOD.replace("}}", ',"USD":7}}').encode())
def test_a_rate_object_is_refused_or_its_rows_are_what_the_json_module_reads(lake: Lake, body: bytes) -> None:
    rows = loaded(lake, RATES, body)
    event("refused" if rows is None else "loaded")
    if rows is None:
        return
    base, by_the_book = rates_by_the_book(body)
    assert len({row["target_currency"] for row in rows}) == len(rows) >= 9
    for row in rows:
        assert row["base_currency"] == base
        assert row["rate"] == by_the_book[row["target_currency"]]
        assert 0 < row["rate"] < math.inf
