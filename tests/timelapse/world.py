"""What the sources answer on each virtual evening: a pure function of the seed, the evening, and what is to happen.

It stands in for the sources' classes. yfinance takes 0.07 s for these tickers from a local server, four times a run:
with it ten seeds take a quarter of an hour more on two cores. What it and the HTTP client make of answers is tried in
tests/unit/fetch_sources.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.yahoo import csv_lines, raw_objects
from marketlake.calendars import trading_days
from marketlake.contract import Contract
from marketlake.errors import UpstreamThrottled, UpstreamUnavailable
from tests.unit.lake import rates_json

FIRST_DAY: Final = date(2019, 1, 2)
LAST_DAY: Final = date(2026, 6, 30)

TICKERS: Final = (
    "AZN.L", "BARC.L", "BP.L", "DGE.L", "GSK.L", "HSBA.L", "LLOY.L", "RIO.L", "SHEL.L", "TSCO.L", "ULVR.L", "VOD.L",
)  # fmt: skip
INDEX: Final = "^FTSE"
CURRENCIES: Final = ("CHF", "GBP", "JPY", "NOK", "SEK", "USD")
PRICES, RATES, OF_INDEX = "ftse100_prices", "fx_rates", "ftse100_index"
SYMBOLS: Final = {PRICES: TICKERS, OF_INDEX: (INDEX,), RATES: CURRENCIES}

NOISE: Final = 3e-6
"""Relative; Yahoo's adjusted closes differ in the sixth digit between two answers."""

UNSETTLED: Final = 0.97
"""Share of the day's volume that is known on its own evening, of every third ticker."""

Bar = tuple[float, float, float, float, float, float, float, float]
"""Open, high, low, close, adjusted close (pence or points), volume, dividend, split: in the order of yfinance."""


@dataclass(frozen=True)
class Happening:
    """Something about ``symbol`` and ``day`` that the source says from the evening ``since`` until that of ``until``.

    An empty symbol is every symbol. ``factor``: of a correction or split, or the dividend as a share of the close.
    """

    kind: str
    dataset: str
    symbol: str
    day: date
    since: date
    until: date = date.max
    factor: float = 1.0

    def is_so_on(self, evening: date) -> bool:
        """Whether it is so on ``evening``."""
        return self.since <= evening < self.until


@dataclass(frozen=True)
class Answered:
    """One row of an answer; ``values`` are a bar, or one rate. ``good``: whether there is nothing wrong with it."""

    day: date
    symbol: str
    values: Sequence[float]
    good: bool


Hear = Callable[[Contract, FetchRequest, list[Answered]], None]
"""Is given all rows of an answer, those of the days before the wanted ones left out."""


@dataclass
class Series:
    """The true values of one symbol by day: close (after all splits) and volume."""

    close: dict[date, float]
    volume: dict[date, int]
    before: dict[date, float]


class World:
    """The sources of all datasets."""

    def __init__(self, seed: int, happenings: Iterable[Happening]) -> None:
        self._seed = seed
        self.happenings = list(happenings)
        self._of: dict[tuple[str, str, str], list[Happening]] = defaultdict(list)
        for one in self.happenings:
            self._of[one.kind, one.dataset, one.symbol].append(one)
        self._series = {
            (dataset, symbol): _series(seed, dataset, symbol) for dataset in SYMBOLS for symbol in SYMBOLS[dataset]
        }
        self._attempts: Counter[tuple[str, date]] = Counter()

    def answer(self, contract: Contract, request: FetchRequest, evening: date, hear: Hear) -> FetchedDays:
        """What the source of ``contract`` answers on ``evening``.

        Raises:
            UpstreamUnavailable, UpstreamThrottled: the script says so.
        """
        self._attempts[contract.name, evening] += 1
        if any(one.is_so_on(evening) for one in self._of["outage", contract.name, ""]):
            raise UpstreamUnavailable(f"{contract.source} is out")
        first = self._attempts[contract.name, evening] == 1
        if first and any(one.is_so_on(evening) for one in self._of["throttled", contract.name, ""]):
            raise UpstreamThrottled(f"{contract.source} is busy")
        asked = request.symbols or SYMBOLS[contract.name]
        days = contract.days(request.start, request.end)
        rows = [
            answered for symbol in asked for day in days if (answered := self.row(contract.name, symbol, day, evening))
        ]
        hear(contract, request, [row for row in rows if row.day in set(request.days)])
        return _rates(request, rows) if contract.name == RATES else _bars(request, rows, asked)

    def row(self, dataset: str, symbol: str, day: date, evening: date) -> Answered | None:
        """The row of ``symbol`` and ``day`` that the source has on ``evening``."""
        series = self._series.get((dataset, symbol))
        if day > evening or series is None or day not in series.close or self._is_absent(dataset, symbol, day, evening):
            return None
        corrected = 1.0
        for one in self._of["correction", dataset, symbol]:
            if one.day == day and one.is_so_on(evening):
                corrected *= one.factor
        if dataset == RATES:
            return Answered(day, symbol, [round(series.close[day] * corrected, 6)], good=True)
        unit = any(one.day == day and one.is_so_on(evening) for one in self._of["unit", dataset, symbol])
        return Answered(
            day, symbol, self._bar(dataset, symbol, day, evening, corrected * (100 if unit else 1)), not unit
        )

    def _is_absent(self, dataset: str, symbol: str, day: date, evening: date) -> bool:
        return (
            any(one.day == day and one.is_so_on(evening) for one in self._of["late", dataset, ""])
            or any(one.is_so_on(evening) for one in self._of["missing", dataset, symbol])
            or any(one.is_so_on(evening) for one in self._of["gone", dataset, symbol])
            or any(one.day == day and one.is_so_on(evening) for one in self._of["forgotten", dataset, symbol])
            or any(one.day == day and one.is_so_on(evening) for one in self._of["retracted", dataset, symbol])
        )

    def _bar(self, dataset: str, symbol: str, day: date, evening: date, factor: float) -> Bar:
        series, splits = self._series[dataset, symbol], self._of["split", dataset, symbol]
        # A split that is known by now is in all earlier days; one to come is in none.
        basis = 1.0
        for one in splits:
            if one.day > evening:
                basis *= one.factor
        close, before = (round(value * basis * factor, 2) for value in (series.close[day], series.before[day]))
        high, low = round(max(close, before) * 1.006, 2), round(min(close, before) * 0.994, 2)
        adjusted, dividend = float(close), 0.0
        for one in self._of["dividend", dataset, symbol]:
            if day < one.day <= evening:
                adjusted *= 1 - one.factor
            elif one.day == day:
                dividend = round(close * one.factor, 2)
        share = zlib.crc32(f"{self._seed}{symbol}{day}{evening}".encode()) / 2**32
        settled = day < evening or zlib.crc32(symbol.encode()) % 3
        volume = int(series.volume[day] / basis * (1 if settled else UNSETTLED))
        split = next((one.factor for one in splits if one.day == day), 0.0)
        return (before, high, low, close, adjusted * (1 + NOISE * (2 * share - 1)), float(volume), dividend, split)


@dataclass(frozen=True)
class TimelapseSource:
    """A source as Fetch uses it, on the evening that ``evening`` says."""

    world: World
    evening: Callable[[], date]
    hear: Hear
    contract: Contract | None = None

    def about(self, contract: Contract) -> TimelapseSource:
        """The source of ``contract``, which may be another than when the last run began."""
        return replace(self, contract=contract)

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`."""
        assert self.contract is not None
        return self.world.answer(self.contract, request, self.evening(), self.hear)


def _series(seed: int, dataset: str, symbol: str) -> Series:
    rng = random.Random(f"{seed}/{dataset}/{symbol}")
    days = trading_days("target" if dataset == RATES else "london", FIRST_DAY, LAST_DAY)
    price = {PRICES: rng.uniform(300, 3000), OF_INDEX: 7500.0, RATES: rng.uniform(0.8, 12)}[dataset]
    made = Series({}, {}, {})
    for day in days:
        made.before[day] = price
        price *= 1 + rng.gauss(0, 0.008)
        made.close[day] = price
        made.volume[day] = rng.randrange(600_000, 9_000_000, 6)
    return made


def _bars(request: FetchRequest, answered: Iterable[Answered], asked: Sequence[str]) -> FetchedDays:
    bars: dict[str, dict[date, Sequence[float]]] = defaultdict(dict)
    for row in answered:
        bars[row.symbol][row.day] = row.values
    lines = {}
    for symbol, of_symbol in bars.items():
        days = sorted(of_symbol)
        columns = [*zip(*map(of_symbol.__getitem__, days), strict=True)]
        lines[symbol] = csv_lines(symbol, days, columns, "GBP" if symbol == INDEX else "GBp")
    made = raw_objects(request, lines)
    made.missing_symbols = {s: "No data found, symbol may be delisted" for s in asked if s not in lines}
    return made


def _rates(request: FetchRequest, answered: Iterable[Answered]) -> FetchedDays:
    by_day: dict[date, dict[str, object]] = defaultdict(dict)
    for row in answered:
        by_day[row.day][row.symbol] = row.values[0]
    days = [day for day in request.days if day in by_day]
    before = max((day for day in by_day if day < request.days[0]), default=None)
    return FetchedDays(
        days={day: rates_json(day, by_day[day]) for day in days},
        before=rates_json(before, by_day[before]) if before else None,
        rows={day: len(by_day[day]) for day in days},
    )


def weekdays(start: date, end: date) -> list[date]:
    """Mondays to Fridays."""
    span = (start + timedelta(days=offset) for offset in range((end - start).days + 1))
    return [day for day in span if day.weekday() < 5]
