"""What happens in a seed: what the sources do (``Happening``), and what people and machines do (``Act``)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from marketlake.calendars import trading_days
from tests.timelapse.world import OF_INDEX, PRICES, RATES, SYMBOLS, TICKERS, Happening, weekdays

Json = dict[str, Any]

STAYING = TICKERS[:-3]
"""Tickers that are never gone for good; the last three may be."""

PER_YEAR = {
    "late": 10,
    "outage": 6,
    "long outage": 1,
    "throttled": 8,
    "missing": 14,
    "gone": 0.5,
    "forgotten": 14,
    "correction": 16,
    "old correction": 6,
    "split": 2,
    "unit": 8,
    "retracted": 2,
    "old force": 3,
    "kill": 14,
    "busy": 8,
    "overlap": 6,
}
"""How often, in twelve months; once at least. Dividends: each ticker twice a year. Backfill and deployment: once."""


@dataclass(frozen=True)
class Act:
    """Something that is done on ``evening``: an execution with ``request``, or by its kind."""

    kind: str
    evening: date
    request: Json | None = None
    number: int = 0
    symbol: str = ""


@dataclass(frozen=True)
class Script:
    """A seed's evenings, its happenings and acts."""

    evenings: list[date]
    happenings: list[Happening]
    acts: list[Act]


def write_script(seed: int, first: date, months: int, keep_days: int) -> Script:
    """The script of ``seed``: ``months`` of evenings from ``first``; daily objects are kept for ``keep_days``."""
    evenings = weekdays(first, first + timedelta(days=round(months * 30.5)))
    writer = _Writer(random.Random(f"script/{seed}"), evenings, keep_days)
    for kind, yearly in PER_YEAR.items():
        write: Callable[[], None] = getattr(writer, kind.replace(" ", "_"))
        for _ in range(max(1, round(yearly * months / 12))):
            write()
    for ticker in TICKERS:
        writer.dividends(ticker)
    writer.once()
    return Script(evenings, writer.happenings, sorted(writer.acts, key=lambda act: act.evening))


class _Writer:
    def __init__(self, rng: random.Random, evenings: Sequence[date], keep_days: int) -> None:
        self._rng, self._evenings, self._keep = rng, evenings, keep_days
        self._backfilled = evenings[len(evenings) // 3]
        self.happenings: list[Happening] = []
        self.acts: list[Act] = []

    def _evening(self, margin: int = 8) -> date:
        return self._rng.choice(self._evenings[margin : -margin or None])

    def _trading_day(self) -> date:
        """An evening on which both markets were open."""
        while True:
            day = self._evening()
            if trading_days("london", day, day) and trading_days("target", day, day):
                return day

    def _dataset(self) -> str:
        return self._rng.choice((PRICES, PRICES, OF_INDEX, RATES))

    def _happens(
        self, kind: str, dataset: str, symbol: str, day: date, since: date, until: date = date.max, factor: float = 1.0
    ) -> None:
        self.happenings.append(Happening(kind, dataset, symbol, day, since, until, factor))

    def _symbol(self, dataset: str) -> str:
        return self._rng.choice(STAYING if dataset == PRICES else SYMBOLS[dataset])

    def late(self) -> None:
        day = self._trading_day()
        self._happens("late", self._dataset(), "", day, day, day + timedelta(days=self._rng.randint(1, 4)))

    def outage(self) -> None:
        since = self._evening()
        self._happens("outage", self._dataset(), "", since, since, since + timedelta(days=self._rng.randint(1, 3)))

    def long_outage(self) -> None:
        since = self._evening(15)
        self._happens("outage", self._dataset(), "", since, since, since + timedelta(days=self._rng.randint(9, 12)))

    def throttled(self) -> None:
        since = self._evening()
        self._happens("throttled", self._dataset(), "", since, since, since + timedelta(days=1))

    def missing(self) -> None:
        since = self._evening()
        self._happens("missing", PRICES, self._symbol(PRICES), since, since, since + timedelta(days=1))

    def gone(self) -> None:
        # One only, and after the backfill: a source that lacks two of these few symbols has no day that can be loaded.
        later = [evening for evening in self._evenings[8:-15] if evening > self._backfilled]
        since, symbol = self._rng.choice(later), self._rng.choice(TICKERS[-3:])
        self._happens("gone", PRICES, symbol, since, since)
        self._act("delist", since + timedelta(days=5), symbol=symbol)

    def forgotten(self) -> None:
        day = self._trading_day()
        since = day + timedelta(days=self._rng.randint(0, 3))
        self._happens(
            "forgotten", PRICES, self._symbol(PRICES), day, since, since + timedelta(days=self._rng.randint(1, 9))
        )

    def correction(self) -> None:
        day, dataset = self._trading_day(), self._dataset()
        since = day + timedelta(days=self._rng.randint(1, 5))
        self._happens("correction", dataset, self._symbol(dataset), day, since, factor=self._rng.choice((0.97, 1.02)))

    def old_correction(self) -> None:
        day, dataset = self._rng.choice(self._evenings[: len(self._evenings) // 2]), self._dataset()
        if not trading_days("target" if dataset == RATES else "london", day, day):
            return self.old_correction()
        since = self._rng.choice([evening for evening in self._evenings if evening > day + timedelta(days=12)])
        self._happens("correction", dataset, self._symbol(dataset), day, since, factor=self._rng.choice((0.97, 1.02)))
        self._act(
            "forced correction", since, {"datasets": [dataset], "start": f"{day}", "end": f"{day}", "force": True}
        )
        return None

    def split(self) -> None:
        day = self._trading_day()
        self._happens("split", PRICES, self._symbol(PRICES), day, day, factor=self._rng.choice((2.0, 3.0, 5.0)))

    def unit(self) -> None:
        day, dataset = self._trading_day(), self._rng.choice((PRICES, OF_INDEX))
        until = day + timedelta(days=self._rng.randint(1, 5))
        self._happens("unit", dataset, self._symbol(dataset), day, day, until)

    def retracted(self) -> None:
        day = self._trading_day()
        while day > self._evenings[-20]:
            day = self._trading_day()
        symbol, since = self._symbol(PRICES), day + timedelta(days=self._rng.randint(10, 20))
        self._happens("retracted", PRICES, symbol, day, since)
        request = {"datasets": [PRICES], "start": f"{day}", "end": f"{day}", "force": True, "drop_missing": True}
        self._act("drop_missing", since, request)

    def old_force(self) -> None:
        """A forced load of one day whose daily object is gone for some time."""
        dataset, oldest = self._dataset(), self._evenings[0]
        late = [evening for evening in self._evenings if evening > oldest + timedelta(days=self._keep + 10)]
        evening = self._rng.choice(late or self._evenings[-5:])
        latest = max(oldest, evening - timedelta(days=self._keep + 5))
        days = trading_days("target" if dataset == RATES else "london", oldest, latest) or [oldest]
        day = self._rng.choice(days)
        self._act("forced old day", evening, {"datasets": [dataset], "start": f"{day}", "end": f"{day}", "force": True})

    def kill(self) -> None:
        self.acts.append(Act("kill", self._evening(), number=self._rng.randrange(60)))

    def busy(self) -> None:
        self.acts.append(Act("busy", self._evening(), number=self._rng.randrange(60)))

    def overlap(self) -> None:
        self.acts.append(Act("overlap", self._evening(), number=self._rng.randrange(12)))

    def dividends(self, ticker: str) -> None:
        first = self._rng.randrange(8, 60)
        for at in range(first, len(self._evenings) - 3, 126):
            day = self._evenings[at]
            if trading_days("london", day, day):
                self._happens("dividend", PRICES, ticker, day, day, factor=round(self._rng.uniform(0.004, 0.03), 4))

    def once(self) -> None:
        """Two years backfilled, and a deployment with a new column."""
        first = self._evenings[0]
        # Two years where eighteen months are played, else as much less.
        back = timedelta(days=round(len(self._evenings) * 7 / 5 * 24 / 18))
        window = {"start": f"{first - back}", "end": f"{first - timedelta(days=1)}"}
        self._act("backfill", self._backfilled, window)
        self.acts.append(Act("deploy", self._evenings[len(self._evenings) * 2 // 3]))

    def _act(self, kind: str, evening: date, request: Json | None = None, symbol: str = "") -> None:
        """Done on ``evening``, or on the next one that there is."""
        at = next((one for one in self._evenings if one >= evening), None)
        if at is not None:
            self.acts.append(Act(kind, at, request, symbol=symbol))
