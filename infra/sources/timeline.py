"""The days of the London exchange as Yahoo stamps them: a daily bar carries the time of the opening, 08:00 local."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

EXCHANGE_TIMEZONE = "Europe/London"
OPENING = time(8, 0)
CLOSING = time(16, 30)
_ZONE = ZoneInfo(EXCHANGE_TIMEZONE)

TradingDays = Callable[[str, date, date], list[date]]
"""``marketlake.calendars.trading_days``: open days of a named calendar, both ends included."""


def stamp(day: date, at: time = OPENING) -> int:
    """Unix time of ``at`` o'clock in London on ``day``."""
    return int(datetime.combine(day, at, _ZONE).timestamp())


def gmt_offset(day: date) -> int:
    """Seconds that London is ahead of UTC at the opening of ``day``."""
    offset = datetime.combine(day, OPENING, _ZONE).utcoffset()
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
