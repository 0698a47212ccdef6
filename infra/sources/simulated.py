"""Simulated prices: a seeded geometric random walk a symbol. They are not market data and are named as simulated.

A bar depends on the seed, the symbol and the calendar only, never on the window that asks or on the last day known:
draws are laid out weekday by weekday from ``EPOCH``. Only integer sums, products and roundings are used, no ``exp`` or
``log``, so that the bars are the same to the last digit on every processor.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.sources.contract_lists import Constituent
from infra.sources.prices import Floats, Kind, Series, Split, Timeline, TradingDays

EPOCH = date(1999, 1, 4)
INDICES = {"^FTSE": "FTSE 100", "^FTMC": "FTSE 250"}
"""Indices are quoted in points with the currency GBP, pay nothing and never split."""

WALK, GAP, HIGH, LOW, TURNOVER = slice(0, 8), slice(8, 12), slice(12, 15), slice(15, 18), slice(18, 22)
WORDS_A_DAY = 6
_STEP = 65536
_LEVELS = (90, 140, 210, 320, 480, 640, 850, 1100, 1500, 2100, 2900, 4200)
_RATIOS = (Split(2, 1), Split(3, 1), Split(5, 1), Split(1, 4), Split(10, 1))
_QUARTER = 63


class SimulatedPrices:
    """Prices of every constituent from its ``valid_from``, and of ``INDICES``, up to ``last_day``."""

    def __init__(
        self, constituents: dict[str, Constituent], seed: int, last_day: date, trading_days: TradingDays
    ) -> None:
        self._constituents = constituents
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
        count = int(self._weekdays[-1]) + 1
        walk = _walk(traits, _draws(self.seed, symbol, count))
        bars = {name: values[self._weekdays] for name, values in walk.items()}
        dividends = traits.dividends(self._weekdays, bars["close"])
        bars["adj_close"] = _adjusted(bars["close"], dividends)
        member = self._constituents.get(symbol)
        start = self.timeline.since(max(member.valid_from, EPOCH)) if member else 0
        name = member.company if member else INDICES[symbol]
        return Series(
            symbol=symbol,
            name=f"{name} (simulated)",
            currency="GBp" if member else "GBP",
            instrument="EQUITY" if member else "INDEX",
            timeline=self.timeline.after(start),
            volume=bars.pop("volume")[start:].astype(np.int64),
            dividends={at - start: amount for at, amount in dividends.items() if at >= start},
            splits={at - start: split for at, split in traits.splits(self._weekdays).items() if at >= start},
            **{name: values[start:] for name, values in bars.items()},
        )


@dataclass(frozen=True)
class _Traits:
    """What makes one symbol differ from another."""

    level: float
    sigma: float
    drift: float
    turnover: int
    yearly_yield: float
    split: Split | None
    split_weekday: int
    dividend_seed: str

    @classmethod
    def of(cls, seed: int, symbol: str) -> _Traits:
        rng = random.Random(_key(seed, symbol))  # noqa: S311 - repeatable, not secret
        index = symbol in INDICES
        sigma = 0.006 if index else rng.uniform(0.007, 0.012)
        return cls(
            level=6500.0 if index else rng.choice(_LEVELS) * rng.uniform(0.9, 1.2),
            sigma=sigma,
            drift=sigma * sigma / 2 + rng.uniform(-0.00005, 0.0001),
            turnover=rng.randrange(200_000, 15_000_000),
            yearly_yield=0.0 if index or rng.random() < 0.15 else rng.uniform(0.01, 0.06),
            split=rng.choice(_RATIOS) if not index and rng.random() < 0.2 else None,
            split_weekday=rng.randrange(500, 7000),
            dividend_seed=f"{seed}/{symbol}/dividends",
        )

    def dividends(self, weekdays: npt.NDArray[np.int64], close: Floats) -> dict[int, float]:
        """Position of the ex-day -> amount: about one a quarter, three in ten of them left out."""
        rng = random.Random(self.dividend_seed)  # noqa: S311 - repeatable, not secret
        first = rng.randrange(5, _QUARTER)
        found: dict[int, float] = {}
        for weekday in range(first, int(weekdays[-1]) + 1, _QUARTER):
            paid, share = rng.random() > 0.3, rng.uniform(0.8, 1.2) * self.yearly_yield / 4
            at = int(np.searchsorted(weekdays, weekday))
            amount = round(float(close[at - 1]) * share, 2)
            if paid and amount > 0:
                found[at] = amount
        return found

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


def _draws(seed: int, symbol: str, count: int) -> npt.NDArray[np.int64]:
    """16-bit integers, 24 a weekday. NumPy promises the stream of a bit generator for good (NEP 19), not that of its
    distributions, which is why the normal deviates below are sums of these."""
    words = np.random.PCG64(_key(seed, symbol)).random_raw(count * WORDS_A_DAY)
    return words.astype("<u8").view("<u2").astype(np.int64).reshape(count, WORDS_A_DAY * 4)


def _normal(draws: npt.NDArray[np.int64], part: slice) -> Floats:
    """Standard deviates by the central limit: sums of uniforms, centred and scaled by their known variance."""
    terms = part.stop - part.start
    centred = draws[:, part].sum(axis=1) - terms * (_STEP - 1) / 2
    return np.asarray(centred / (_STEP * math.sqrt(terms / 12)), dtype=np.float64)


def _uniform(draws: npt.NDArray[np.int64], part: slice) -> Floats:
    """Means of a few uniforms, in [0, 1)."""
    return np.asarray(draws[:, part].sum(axis=1) / ((part.stop - part.start) * _STEP), dtype=np.float64)


def _walk(traits: _Traits, draws: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """Bars a weekday, rounded to 0.01: rounding is monotone, so low <= open, close <= high survives it."""
    exact = traits.level * np.cumprod(1 + traits.drift + traits.sigma * _normal(draws, WALK))
    before = np.concatenate(([traits.level], exact[:-1]))
    opened = before * (1 + traits.sigma * 0.25 * _normal(draws, GAP))
    high = np.maximum(opened, exact) * (1 + traits.sigma * 0.8 * _uniform(draws, HIGH))
    low = np.minimum(opened, exact) * (1 - traits.sigma * 0.8 * _uniform(draws, LOW))
    prices = {"open": opened, "high": high, "low": low, "close": exact}
    bars = {name: np.maximum(np.round(values, 2), 0.01) for name, values in prices.items()}
    return {**bars, "volume": np.floor(traits.turnover * (0.25 + 1.5 * _uniform(draws, TURNOVER) ** 2))}


def _adjusted(close: Floats, dividends: dict[int, float]) -> Floats:
    """Closes times the product of ``1 - dividend / close before`` of all later ex-days, as Yahoo's "Adj Close"
    (https://help.yahoo.com/kb/SLN28256.html)."""
    factors = np.ones(len(close))
    for at, amount in dividends.items():
        factors[at - 1] = 1 - amount / close[at - 1]
    return np.asarray(np.round(close * np.cumprod(factors[::-1])[::-1], 4), dtype=np.float64)
