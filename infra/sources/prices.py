"""What the chart API needs to know of a price source, simulated or read from a file.

Days are those of the London exchange, stamped as Yahoo does: a daily bar carries the time of the opening, 08:00 local.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Protocol
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Kind = Literal["simulated", "file"]

EXCHANGE_TIMEZONE = "Europe/London"
OPENING = time(8, 0)
CLOSING = time(16, 30)
HALF_DAY_CLOSING = time(12, 30)
EXCHANGE_ZONE = ZoneInfo(EXCHANGE_TIMEZONE)

TradingDays = Callable[[str, date, date], list[date]]
"""``marketlake.calendars.trading_days``: open days of a named calendar, both ends included."""


def stamp(day: date, at: time = OPENING) -> int:
    """Unix time of ``at`` o'clock in London on ``day``."""
    return int(datetime.combine(day, at, EXCHANGE_ZONE).timestamp())


def is_half_day(day: date) -> bool:
    """Whether ``day`` is the last open one before Christmas or before the New Year, when London closes early
    (https://www.londonstockexchange.com/equities-trading/business-days)."""
    if day.month != 12 or day.weekday() > 4:
        return False
    later = timedelta(days=3 if day.weekday() == 4 else 1)
    return day.day <= 24 < (day + later).day or (day + later).year > day.year


def closing(day: date) -> time:
    """When continuous trading ends on ``day``."""
    return HALF_DAY_CLOSING if is_half_day(day) else CLOSING


def gmt_offset(day: date) -> int:
    """Seconds that London is ahead of UTC at the opening of ``day``."""
    offset = datetime.combine(day, OPENING, EXCHANGE_ZONE).utcoffset()
    return int(offset.total_seconds()) if offset else 0


@dataclass(frozen=True)
class Timeline:
    """Ascending days, with the Unix time of each one's opening."""

    days: Sequence[date]
    stamps: list[int]

    @classmethod
    def of(cls, days: Sequence[date]) -> Timeline:
        """The timeline of ``days``."""
        return cls(days, [stamp(day) for day in days])

    def after(self, first: int) -> Timeline:
        """The timeline from position ``first`` on."""
        return Timeline(self.days[first:], self.stamps[first:]) if first else self

    def since(self, first: date) -> int:
        """Position of the first day that is not before ``first``."""
        return bisect_left(self.days, first)

    def window(self, period1: int, period2: int) -> tuple[int, int]:
        """Positions (from, to) of the bars stamped in ``[period1, period2)``, Yahoo's half-open window."""
        return bisect_left(self.stamps, period1), bisect_left(self.stamps, period2)


class Split(msgspec.Struct, frozen=True, array_like=True):
    """``numerator`` new shares for ``denominator`` old ones; a pair in JSON."""

    numerator: Annotated[int, msgspec.Meta(ge=1)]
    denominator: Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True)
class Series:
    """All bars of one symbol, in the unit of ``currency`` and adjusted for splits, as Yahoo's are.

    ``adj_close`` is adjusted for dividends too. Arrays are as long as ``timeline``; the keys of ``dividends`` and
    ``splits`` are positions in it. A dividend is in its own currency where ``dividend_currencies`` names one.
    """

    symbol: str
    name: str
    currency: str
    instrument: str
    timeline: Timeline
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: npt.NDArray[np.int64]
    dividends: Mapping[int, float] = field(default_factory=dict)
    dividend_currencies: Mapping[int, str] = field(default_factory=dict)
    splits: Mapping[int, Split] = field(default_factory=dict)


class PriceBook(Protocol):
    """A source of series."""

    kind: Kind
    first_day: date
    """First day for which any symbol has a bar."""
    last_day: date
    """Last day for which any symbol has a bar."""

    def series(self, symbol: str) -> Series | None:
        """All bars of ``symbol``; None when it is unknown."""

    def describe(self) -> dict[str, Any]:
        """For ``/health``: where the prices come from."""
