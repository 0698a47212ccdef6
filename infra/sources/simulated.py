"""Simulated prices: a seeded geometric random walk a symbol. They are not market data and are named as simulated.

A bar depends on the seed, the symbol and the calendar only, never on the window that asks or on the last day known.

A walk (:mod:`infra.sources.walks`) passes through the levels of its company (:mod:`infra.sources.companies`). A part of
each move is the market's, which is that of the index. Days with large moves have large volumes; half-days, small ones.
A close may lie a little outside the day's high and low, as London's,
which comes from the closing auction, does in Yahoo's candles: of large companies about 2 of 1,327 do.
"""

from __future__ import annotations

import math
import random
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.sources.companies import EPOCH, Company, company, last_level_day
from infra.sources.contract_lists import Constituent
from infra.sources.dividends import adjusted, dividends
from infra.sources.frankfurter import EcbRates
from infra.sources.prices import Floats, Kind, Series, Split, Timeline, TradingDays, is_half_day
from infra.sources.walks import Draws, bars_of, draws_of, key_of, moves_of, weekday_number

INDICES = {"^FTSE": "FTSE 100", "^FTMC": "FTSE 250"}
"""Indices are quoted in points with the currency GBP, pay nothing and never split."""
MARKET = "^FTSE"

OUTSIDE = 2 / 1327
"""Share of the closes that lie outside high and low."""
_RATIOS = (Split(2, 1), Split(3, 1), Split(5, 1), Split(1, 4), Split(10, 1))
_MARKET_SHARE = 0.5
"""Correlation of a company's moves with the market's."""
_HALF_DAY_VOLUME = 0.35
KEPT = 1000
"""Symbols whose bars are kept, 0.6 MB each; they take 3 ms to make."""


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
        self._rates = rates or EcbRates()
        self._cache: dict[str, Series] = {}
        self.seed = seed
        self.timeline = Timeline.of(trading_days("london", EPOCH, last_day))
        self._weekdays = np.asarray([weekday_number(day) for day in self.timeline.days], dtype=np.int64)
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
        found = self._cache.get(symbol)
        if found is None:
            if len(self._cache) >= KEPT:
                self._cache.pop(next(iter(self._cache)), None)
            found = self._cache[symbol] = self._make(symbol)
        return found

    def _make(self, symbol: str) -> Series:
        character, splits = _traits(self.seed, symbol, self._weekdays)
        bars = {name: values[self._weekdays] for name, values in self._walk(symbol, character).items()}
        bars["volume"] = np.floor(bars["volume"] * self._day_lengths)
        paid = dividends(character, f"{self.seed}/{symbol}/dividends", self.timeline, bars["close"], self._rates)
        bars["adj_close"] = adjusted(bars["close"], paid.quoted)
        member = self._constituents.get(symbol)
        start = self.timeline.since(max(member.valid_from, EPOCH)) if member else 0
        name = member.company if member else INDICES[symbol]
        amounts = {at - start: amount for at, amount in paid.amounts.items() if at >= start}
        return Series(
            symbol=symbol,
            name=f"{name} (simulated)",
            currency=character.currency,
            instrument="EQUITY" if member else "INDEX",
            timeline=self.timeline.after(start),
            volume=bars.pop("volume")[start:].astype(np.int64),
            dividends=amounts,
            dividend_currencies=dict.fromkeys(amounts, character.dividend_currency),
            splits={at - start: split for at, split in splits.items() if at >= start},
            **{name: values[start:] for name, values in bars.items()},
        )

    def _walk(self, symbol: str, character: Company) -> dict[str, Floats]:
        """Bars a weekday."""
        draws = self._draws(symbol)
        moves = moves_of(draws)
        if symbol in INDICES:
            return bars_of(character, draws, moves, outside=0.0)
        share = _MARKET_SHARE
        return bars_of(character, draws, share * self._market + math.sqrt(1 - share * share) * moves, OUTSIDE)

    def _draws(self, symbol: str) -> Draws:
        """As far as the last level, even where that is after the last day: the walk is tilted by it."""
        last = max(int(self._weekdays[-1]), weekday_number(last_level_day()))
        return draws_of(self.seed, symbol, last + 1)

    @cached_property
    def _market(self) -> Floats:
        return moves_of(self._draws(MARKET))

    @cached_property
    def _day_lengths(self) -> Floats:
        lengths = [_HALF_DAY_VOLUME if is_half_day(day) else 1.0 for day in self.timeline.days]
        return np.asarray(lengths, dtype=np.float64)


def _traits(seed: int, symbol: str, weekdays: npt.NDArray[np.int64]) -> tuple[Company, dict[int, Split]]:
    """What makes one symbol differ from another: its company, and by position its split, if it ever had one by now."""
    rng = random.Random(key_of(seed, symbol))  # noqa: S311 - repeatable, not secret
    at = int(np.searchsorted(weekdays, rng.randrange(500, 7000)))
    character = company(symbol, rng)
    if symbol in INDICES or rng.random() >= 0.2 or at == len(weekdays):
        return character, {}
    return character, {at: rng.choice(_RATIOS)}
