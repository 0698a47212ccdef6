"""Simulated prices: a seeded geometric random walk a symbol. They are not market data and are named as simulated.

A bar depends on the seed, the symbol and the calendar only, never on the window that asks or on the last day known:
draws are laid out weekday by weekday from ``EPOCH``. Only integer sums, products and roundings are used, no ``exp`` or
``log``, so that the bars are the same to the last digit on every processor.

A walk is tilted so that it passes through the levels of its company (:mod:`infra.sources.companies`); between two of
them by the same factor every day. A part of each move is the market's, which is that of the index. Days with large
moves have large volumes; half-days, small ones. A close may lie a little outside the day's high and low, as London's,
which comes from the closing auction, does in Yahoo's candles: of large companies about 2 of 1,327 do.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.sources.companies import EPOCH, Company, company, last_level_day
from infra.sources.contract_lists import Constituent
from infra.sources.dividends import adjusted, dividends
from infra.sources.frankfurter import EcbRates
from infra.sources.prices import Floats, Kind, Series, Split, Timeline, TradingDays, is_half_day

INDICES = {"^FTSE": "FTSE 100", "^FTMC": "FTSE 250"}
"""Indices are quoted in points with the currency GBP, pay nothing and never split."""
MARKET = "^FTSE"

WALK, GAP, HIGH, LOW, HEAT, AUCTION, EDGE = (
    slice(0, 8),
    slice(8, 12),
    slice(12, 15),
    slice(15, 18),
    slice(18, 22),
    slice(22, 23),
    slice(23, 24),
)
WORDS_A_DAY = 6
OUTSIDE = 2 / 1327
"""Share of the closes that lie outside high and low."""
_STEP = 65536
_HEAT_DEVIATION = 1.06
"""Root of the mean square of :func:`_heat`."""
_RATIOS = (Split(2, 1), Split(3, 1), Split(5, 1), Split(1, 4), Split(10, 1))
_DAYS_A_YEAR = 252
_MARKET_SHARE = 0.5
"""Correlation of a company's moves with the market's."""
_HALF_DAY_VOLUME = 0.35
_GROWTH = 0.04
"""A year's, of all walks; levels tilt it."""

Draws = npt.NDArray[np.uint16]


class SimulatedPrices:
    """Prices of every constituent from its ``valid_from``, and of ``INDICES``, up to ``last_day``."""

    def __init__(
        self,
        constituents: dict[str, Constituent],
        seed: int,
        last_day: date,
        trading_days: TradingDays,
        rates: EcbRates | None = None,
    ) -> None:
        """``rates`` convert dividends of other currencies; by default those that are installed."""
        self._constituents = constituents
        self._rates = rates
        self._cache: dict[str, Series] = {}
        self.seed = seed
        self.timeline = Timeline.of(trading_days("london", EPOCH, last_day))
        self._weekdays = np.asarray([_weekday_number(day) for day in self.timeline.days], dtype=np.int64)
        first = min((member.valid_from for member in constituents.values()), default=EPOCH)
        self.kind: Kind = "simulated"
        self.first_day = self.timeline.days[self.timeline.since(first)]
        self.last_day = self.timeline.days[-1]

    def describe(self) -> dict[str, Any]:
        """Seed and number of symbols."""
        return {"seed": self.seed, "symbols": len(self._constituents), "indices": sorted(INDICES)}

    def series(self, symbol: str) -> Series | None:
        """All bars of ``symbol``, made when first asked for."""
        if symbol not in self._constituents and symbol not in INDICES:
            return None
        if symbol not in self._cache:
            self._cache[symbol] = self._make(symbol)
        return self._cache[symbol]

    def _make(self, symbol: str) -> Series:
        traits = _Traits.of(self.seed, symbol)
        draws = self._market_draws if symbol == MARKET else self._draws(symbol)
        bars = {name: values[self._weekdays] for name, values in self._walk(symbol, traits, draws).items()}
        bars["volume"] = np.floor(bars["volume"] * self._day_lengths)
        paid = dividends(traits.company, f"{self.seed}/{symbol}/dividends", self.timeline, bars["close"], self._rates)
        bars["adj_close"] = adjusted(bars["close"], paid.quoted)
        member = self._constituents.get(symbol)
        start = self.timeline.since(max(member.valid_from, EPOCH)) if member else 0
        name = member.company if member else INDICES[symbol]
        amounts = {at - start: amount for at, amount in paid.amounts.items() if at >= start}
        return Series(
            symbol=symbol,
            name=f"{name} (simulated)",
            currency=traits.company.currency,
            instrument="EQUITY" if member else "INDEX",
            timeline=self.timeline.after(start),
            volume=bars.pop("volume")[start:].astype(np.int64),
            dividends=amounts,
            dividend_currencies=dict.fromkeys(amounts, traits.company.dividend_currency),
            splits={at - start: split for at, split in traits.splits(self._weekdays).items() if at >= start},
            **{name: values[start:] for name, values in bars.items()},
        )

    def _walk(self, symbol: str, traits: _Traits, draws: Draws) -> dict[str, Floats]:
        """Bars a weekday."""
        moves = _moves(draws)
        if symbol in INDICES:
            return _walk(traits, draws, moves, outside=0.0)
        share = _MARKET_SHARE
        return _walk(traits, draws, share * self._market + math.sqrt(1 - share * share) * moves, OUTSIDE)

    def _draws(self, symbol: str) -> Draws:
        """As far as the last level, even where that is after the last day: the walk is tilted by it."""
        last = max(int(self._weekdays[-1]), _weekday_number(last_level_day()))
        return _draws(self.seed, symbol, last + 1)

    @cached_property
    def _market_draws(self) -> Draws:
        return self._draws(MARKET)

    @cached_property
    def _market(self) -> Floats:
        return _moves(self._market_draws)

    @cached_property
    def _day_lengths(self) -> Floats:
        lengths = [_HALF_DAY_VOLUME if is_half_day(day) else 1.0 for day in self.timeline.days]
        return np.asarray(lengths, dtype=np.float64)


@dataclass(frozen=True)
class _Traits:
    """What makes one symbol differ from another."""

    company: Company
    split: Split | None
    split_weekday: int

    @classmethod
    def of(cls, seed: int, symbol: str) -> _Traits:
        rng = random.Random(_key(seed, symbol))  # noqa: S311 - repeatable, not secret
        split_weekday = rng.randrange(500, 7000)
        character = company(symbol, rng)
        splits = symbol not in INDICES and rng.random() < 0.2
        return cls(character, rng.choice(_RATIOS) if splits else None, split_weekday)

    def splits(self, weekdays: npt.NDArray[np.int64]) -> dict[int, Split]:
        """Position of the split, if the symbol ever had one by the last day."""
        at = int(np.searchsorted(weekdays, self.split_weekday))
        return {at: self.split} if self.split and at < len(weekdays) else {}


def _weekday_number(day: date) -> int:
    """Mondays to Fridays since EPOCH, itself a Monday."""
    weeks, rest = divmod((day - EPOCH) // timedelta(days=1), 7)
    return weeks * 5 + rest


def _key(seed: int, symbol: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{symbol}".encode(), digest_size=16).digest(), "big")


def _draws(seed: int, symbol: str, count: int) -> Draws:
    """16-bit integers, 24 rows, a column a weekday. NumPy promises the stream of a bit generator for good (NEP 19), not
    that of its distributions, which is why the normal deviates below are sums of these."""
    words = np.random.PCG64(_key(seed, symbol)).random_raw(count * WORDS_A_DAY)
    days = words.astype("<u8", copy=False).view("<u2").reshape(count, WORDS_A_DAY * 4)
    return np.ascontiguousarray(days.T)  # sums along rows of a day would take twice the time of all the rest


def _normal(draws: Draws, part: slice) -> Floats:
    """Standard deviates by the central limit: sums of uniforms, centred and scaled by their known variance."""
    terms = part.stop - part.start
    centred = draws[part].sum(axis=0, dtype=np.int64) - terms * (_STEP - 1) / 2
    return np.asarray(centred / (_STEP * math.sqrt(terms / 12)), dtype=np.float64)


def _uniform(draws: Draws, part: slice) -> Floats:
    """Means of a few uniforms, in [0, 1)."""
    return np.asarray(draws[part].sum(axis=0, dtype=np.int64) / ((part.stop - part.start) * _STEP), dtype=np.float64)


def _heat(draws: Draws) -> Floats:
    """How lively each day is: 1 on average, seldom 3, never under a half."""
    squared = _uniform(draws, HEAT) ** 2
    return np.asarray(0.66 + 3.57 * squared * squared, dtype=np.float64)


def _moves(draws: Draws) -> Floats:
    """Deviates of unit variance with heavier tails than the normal ones."""
    return np.asarray(_heat(draws) * _normal(draws, WALK) / _HEAT_DEVIATION, dtype=np.float64)


def _walk(traits: _Traits, draws: Draws, moves: Floats, outside: float) -> dict[str, Floats]:
    """Bars a weekday, rounded to 0.01: rounding is monotone, so low <= open, close <= high survives it, save at the
    share ``outside`` of closes."""
    sigma = traits.company.volatility / math.sqrt(_DAYS_A_YEAR)
    drift = _GROWTH / _DAYS_A_YEAR
    exact = _tilted(np.asarray(np.cumprod(1 + drift + sigma * moves), dtype=np.float64), traits.company)
    before = np.concatenate((exact[:1], exact[:-1]))
    heat = _heat(draws)
    opened = before * (1 + sigma * 0.35 * _normal(draws, GAP))
    high = np.maximum(opened, exact) * (1 + sigma * heat * 0.7 * _uniform(draws, HIGH))
    low = np.minimum(opened, exact) * (1 - sigma * heat * 0.7 * _uniform(draws, LOW))
    auction = _uniform(draws, AUCTION) < outside
    edge = sigma * (0.05 + 0.2 * _uniform(draws, EDGE))
    high = np.where(auction & (opened <= exact * (1 - edge)), exact * (1 - edge), high)
    low = np.where(auction & (opened >= exact * (1 + edge)), exact * (1 + edge), low)
    prices = {"open": opened, "high": high, "low": low, "close": exact}
    bars = {name: np.maximum(np.round(values, 2), 0.01) for name, values in prices.items()}
    return {**bars, "volume": traits.company.volume * heat}


def _tilted(walk: Floats, character: Company) -> Floats:
    """``walk`` times factors with which it passes through the levels; after the last of them they stay the
    same."""
    places = [(_weekday_number(day), level) for day, level in character.levels]
    factors = [(at, level / float(walk[at])) for at, level in places]
    tilt = np.full(len(walk), factors[0][1])
    for (start, was), (end, becomes) in pairwise(factors):
        tilt[start + 1 : end] = was * np.cumprod(np.full(end - start - 1, _root(becomes / was, end - start)))
        tilt[end:] = becomes
    return np.asarray(walk * tilt, dtype=np.float64)


def _root(value: float, degree: int) -> float:
    """The factor that ``degree`` times over makes ``value``, by bisection: a library's ``pow`` may differ in the last
    digit from one processor to another, and products do not."""
    low, high = min(value, 1.0), max(value, 1.0)
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _power(middle, degree) < value else (low, middle)
    return low


def _power(base: float, exponent: int) -> float:
    """``base`` times itself, by squares."""
    result = 1.0
    while exponent:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result
