"""What a source is asked and what it answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol
from urllib.parse import urlsplit

NO_BARS = "no bar in the days asked for"
FAILING_SHARE = 0.1
"""Above this share of symbols that failed for a reason that may pass, the batch fails: more missing rows than that
reject a day (``coverage`` in the contract), and one retry of the batch is cheaper than as many patches."""
FAILING_LEAST = 3
"""So many may fail in a short list too, as long as anything came."""


def tolerated(asked: int) -> int:
    """How many of ``asked`` symbols may fail."""
    return max(FAILING_LEAST, int(FAILING_SHARE * asked))


@dataclass(frozen=True)
class FetchRequest:
    """Days wanted, ascending; symbols asked for (an empty list: all that the source has); ``context_days``:
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
            rates before it; None where there are no such bars.
        missing_symbols: symbol -> why nothing of it came, and will not when asked again soon.
        failed_symbols: symbol -> why nothing of it came this time, while the rest did; asking again later may help.
        lost: symbol -> what of its answer could not be used: single bars, values or events; the rest is stored.
        last_bars: symbol -> last day with a usable bar in all that came, the days before the first wanted one included.
        rows: wanted day -> number of rows in its object.
    """

    days: dict[date, bytes] = field(default_factory=dict)
    before: bytes | None = None
    missing_symbols: dict[str, str] = field(default_factory=dict)
    failed_symbols: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    last_bars: dict[str, date] = field(default_factory=dict)
    rows: dict[date, int] = field(default_factory=dict)


class Source(Protocol):
    """An upstream source of daily data."""

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """All wanted days in one pass.

        Raises:
            UpstreamThrottled, UpstreamUnavailable, UpstreamMalformed: too much of the answer is missing, for a reason
                that may pass; nothing of it is given out.
            InvalidRequest: the source refuses the arguments; asking again would not help.
        """


def is_loopback(url: str) -> bool:
    """Whether ``url`` points at a server on this machine, such as the simulated sources."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
