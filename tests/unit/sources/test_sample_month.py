"""The month in assets/sample_data against its sources, read without the pipeline; its size and provenance."""

from __future__ import annotations

import json
from datetime import date

import pyarrow.parquet as pq
import pytest

from infra.sources.frankfurter import EcbRates
from infra.sources.simulated import SimulatedPrices
from marketlake.calendars import trading_days
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import marker_key, year_key
from tests.sample_data import FOLDER, MARKED, MONTH

FIRST, LAST = (date.fromisoformat(MONTH[name]) for name in ("start", "end"))
SEED = 7


def month_of(dataset: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.ParquetFile(FOLDER / year_key(dataset, FIRST.year)).read().to_pylist()
    return rows


@pytest.mark.parametrize("dataset", dataset_names())
def test_the_month_has_every_open_day_and_no_other(dataset: str) -> None:
    days = {str(row["dt"]) for row in month_of(dataset)}
    assert days == {f"{day}" for day in load_contract(dataset).days(FIRST, LAST)}
    marker = json.loads((FOLDER / marker_key(dataset, MARKED)).read_text("utf-8"))
    assert marker["rows"] == sum(row["dt"] == f"{MARKED}" for row in month_of(dataset))


def test_the_values_of_the_index_are_the_simulated_ones() -> None:
    series = SimulatedPrices({}, SEED, date(2022, 12, 30), trading_days).series("^FTSE")
    assert series is not None
    closes = {f"{day}": float(close) for day, close in zip(series.timeline.days, series.close, strict=True)}
    assert all(row["close"] == pytest.approx(closes[str(row["dt"])], rel=1e-6) for row in month_of("ftse100_index"))


def test_the_rates_are_the_ecb_s_own() -> None:
    published = EcbRates()
    days = [day for day in published.days if FIRST <= day <= LAST]
    found = {(row["dt"], row["target_currency"]): row["rate"] for row in month_of("fx_rates")}
    assert found == {(f"{day}", code): float(rate) for day in days for code, rate in published.on(day).items()}


def test_it_is_small_and_says_where_it_is_from() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_500_000
    said = (FOLDER / "README.md").read_text("utf-8")
    assert all(word in said for word in ("European Central Bank", "**simulated**", f"seed {SEED}", "Not market data"))
