"""Prices from a CSV file of closes: a date column, then one column of closes in pence a ticker, or of an index in
points (``^FTSE``).

A close is all the file knows: open, high and low are set to it, the volume to 0. It has neither dividends nor splits,
so ``adj_close`` equals the close. An empty cell means that there is no bar that day.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

import numpy as np

from infra.sources.prices import Kind, Series, Timeline


class PriceFileError(ValueError):
    """The file of closes cannot be read; the message names the file, the line and the column."""


class FilePrices:
    """Closes of a file, served as bars in pence. Tickers may be written with or without ``.L``."""

    def __init__(self, path: Path, names: dict[str, str] | None = None) -> None:
        self._path = path
        self._names = names or {}
        self._days, self._closes = read_closes(path)
        self._cache: dict[str, Series] = {}
        self.kind: Kind = "file"
        self.first_day, self.last_day = self._days[0], self._days[-1]

    def describe(self) -> dict[str, Any]:
        """Name of the file and number of symbols."""
        return {"file": self._path.name, "symbols": len(self._closes)}

    def series(self, symbol: str) -> Series | None:
        """All bars of ``symbol``."""
        if symbol in self._closes and symbol not in self._cache:
            self._cache[symbol] = self._make(symbol)
        return self._cache.get(symbol)

    def _make(self, symbol: str) -> Series:
        pairs = [(day, close) for day, close in zip(self._days, self._closes[symbol], strict=True) if close]
        close = np.asarray([close for _, close in pairs], dtype=np.float64)
        index = is_index(symbol)
        return Series(
            symbol=symbol,
            name=f"{self._names.get(symbol, symbol)} (closes of {self._path.name})",
            currency="GBP" if index else "GBp",
            instrument="INDEX" if index else "EQUITY",
            timeline=Timeline.of([day for day, _ in pairs]),
            open=close,
            high=close,
            low=close,
            close=close,
            adj_close=close,
            volume=np.zeros(len(close), dtype=np.int64),
        )


def yahoo_symbol(column: str) -> str:
    """``BARC`` and ``barc.l`` -> ``BARC.L``; a trailing dot of a London ticker (``BP.``) goes, as Yahoo writes it."""
    name = column.strip().upper()
    return name if name.endswith(".L") or is_index(name) else name.rstrip(".") + ".L"


def is_index(symbol: str) -> bool:
    """Whether ``symbol`` is one of Yahoo's indices, which are quoted in points."""
    return symbol.startswith("^")


def read_closes(path: Path) -> tuple[list[date], dict[str, list[float | None]]]:
    """Ascending days, and per symbol a close or None for each of them.

    Raises:
        PriceFileError: unreadable, no ticker column, a bad or repeated date, a cell that is not a positive number.
    """
    with _opened(path) as lines:
        rows = csv.reader(lines)
        header = next(rows, [])
        symbols = [yahoo_symbol(name) for name in header[1:]]
        if not symbols or len(set(symbols)) != len(symbols):
            raise PriceFileError(f"{path}: the header needs a date column and one column a ticker, each once")
        table = {_day(row[0], path, rows.line_num): _closes(row, symbols, path, rows.line_num) for row in rows if row}
        if not table or len(table) != rows.line_num - 1:
            raise PriceFileError(f"{path}: no lines below the header, or a date twice or an empty line")
    days = sorted(table)
    return days, {symbol: [table[day][at] for day in days] for at, symbol in enumerate(symbols)}


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
            yield lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise PriceFileError(f"cannot read the prices {path}: {error}") from error


def _day(text: str, path: Path, line: int) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise PriceFileError(f"{path}, line {line}: {text!r} is not an ISO date") from error


def _closes(row: list[str], symbols: list[str], path: Path, line: int) -> list[float | None]:
    if len(row) != len(symbols) + 1:
        raise PriceFileError(f"{path}, line {line}: {len(row)} cells where the header has {len(symbols) + 1}")
    try:
        closes = [float(cell) if cell.strip() else None for cell in row[1:]]
    except ValueError as error:
        raise PriceFileError(f"{path}, line {line}: {error}") from error
    kept = [None if close is None or math.isnan(close) else close for close in closes]
    for symbol, close in zip(symbols, kept, strict=True):
        if close is not None and not 0 < close < math.inf:
            raise PriceFileError(f"{path}, line {line}, {symbol}: {close} is not a price")
    return kept
