"""From yfinance's frame to the raw objects: one CSV a day, sorted by ticker, values as quoted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from fetch.sources.yahoo_chart import ChartAnswer

HEADER = "ticker,open,high,low,close,adj_close,volume,dividend,split_ratio,currency\n"
FIELDS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
_CLOSE, _VOLUME, _DIVIDEND = FIELDS.index("Close"), FIELDS.index("Volume"), FIELDS.index("Dividends")


Lines = dict[str, str]
"""Ticker -> CSV line; of the days before, several lines in the order of the days."""


class Rows:
    """What came, bar by bar.

    Attributes:
        days: wanted day -> lines.
        before: all lines per symbol before the first wanted day.
        without_close: wanted day -> symbols whose bar had no close.
        seen: all symbols that had any bar.
    """

    def __init__(self, wanted: Sequence[date]) -> None:
        self._wanted = frozenset(wanted)
        self._first = min(wanted)
        self.days: dict[date, Lines] = defaultdict(dict)
        self.before: Lines = {}
        self.without_close: dict[date, list[str]] = defaultdict(list)
        self.seen: set[str] = set()

    def add(self, day: date, symbol: str, bar: Sequence[float], currency: str) -> None:
        """Takes in the bar of one day, in the order of the days."""
        self.seen.add(symbol)
        closed = math.isfinite(bar[_CLOSE])
        if day in self._wanted and closed:
            self.days[day][symbol] = line(symbol, bar, currency)
        elif day in self._wanted:
            self.without_close[day].append(symbol)
        elif day < self._first and closed:
            self.before[symbol] = self.before.get(symbol, "") + line(symbol, bar, currency)


def document(lines: Lines) -> bytes:
    """A raw object: the header, then the lines by ticker."""
    return (HEADER + "".join(text for _, text in sorted(lines.items()))).encode()


def read_frame(frame: Any, answers: Mapping[str, ChartAnswer], rows: Rows) -> None:
    """Adds to ``rows`` the bars that ``frame`` has of the symbols in ``answers``, which all have bars.

    A bar to which yfinance moved a dividend or split of another day counts as one without a close: its own values can
    no longer be told from those.
    """
    days = [stamp.date() for stamp in frame.index]
    places = {name: at for at, name in enumerate(frame.columns)}
    values = frame.to_numpy(dtype=float)
    for symbol, answer in answers.items():
        columns = [places.get((symbol, name)) for name in FIELDS]
        if answer.bars is None or None in columns:
            continue
        for day, bar in zip(days, values[:, columns].tolist(), strict=True):
            # yfinance writes a dividend, 0 mostly, on the symbol's own days only; other rows are other symbols' days.
            if math.isnan(bar[_DIVIDEND]):
                continue
            if day in answer.bars.without_volume:
                bar[_VOLUME] = math.nan
            if day in answer.bars.misdated:
                bar[_CLOSE] = math.nan
            rows.add(day, symbol, bar, answer.currency)


def line(symbol: str, bar: Sequence[float], currency: str) -> str:
    """One line: floats by ``repr``, the volume as an integer, empty for what is missing."""
    cells = ["" if not math.isfinite(value) else repr(value) for value in bar]
    cells[_VOLUME] = "" if not math.isfinite(bar[_VOLUME]) else str(int(bar[_VOLUME]))
    return f"{symbol},{','.join(cells)},{currency}\n"
