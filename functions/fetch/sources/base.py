"""What a source is asked and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol


@dataclass(frozen=True)
class FetchRequest:
    """Days wanted, ascending; symbols asked (none means all the source has, where it can tell); ``context_days``:
    calendar days before the first wanted day that are asked for too, to know what is usual before it."""

    days: Sequence[date]
    symbols: list[str]
    context_days: int

    @property
    def start(self) -> date:
        """First day to ask the source for."""
        return self.days[0] - timedelta(days=self.context_days)

    @property
    def end(self) -> date:
        """Last day to ask the source for, included."""
        return self.days[-1]


@dataclass
class FetchedDays:
    """Raw objects per wanted day, and all that was asked for and did not come.

    Attributes:
        days: wanted day -> raw object; a day for which nothing came is not there.
        before: raw object of the bars in the days before the first wanted one, each symbol's in order, or of the last
            rates before it; None when there are none.
        missing_symbols: symbol -> why nothing of it came.
        missing_days: wanted days for which nothing came at all.
        rows: wanted day -> number of rows in its object.
        missing_bars: wanted day -> symbols whose bar came without a close; such a bar is in no object.
    """

    days: dict[date, bytes] = field(default_factory=dict)
    before: bytes | None = None
    missing_symbols: dict[str, str] = field(default_factory=dict)
    missing_days: list[date] = field(default_factory=list)
    rows: dict[date, int] = field(default_factory=dict)
    missing_bars: dict[date, list[str]] = field(default_factory=dict)


class Source(Protocol):
    """An upstream source of daily data."""

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """All wanted days in one pass.

        Raises:
            UpstreamThrottled, UpstreamUnavailable, UpstreamMalformed: the answer is not complete, for a reason that
                may pass; nothing of it is given out.
            InvalidRequest: the source refuses the arguments; asking again would not help.
        """
