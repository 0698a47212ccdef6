"""Splits and dividends that a test makes appear: the history before each is restated, as Yahoo does it.

Yahoo divides all earlier prices by a split's ratio, and takes a dividend's share of the close before it off all earlier
adjusted closes (https://help.yahoo.com/kb/SLN28256.html).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from typing import Annotated, Any

import msgspec
import numpy as np

from infra.sources.prices import Floats, PriceBook, Series, Split

DIGITS = 6
"""Decimals of a restated price: finer than any quoted one, as Yahoo's are."""


class BadAction(ValueError):
    """An action that has no meaning for its symbol; the message says why."""


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happened to ``symbol`` before the opening of ``day``: new shares for old ones, or a dividend (as quoted)."""

    symbol: str
    day: date
    split: Split | None = None
    dividend: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def __post_init__(self) -> None:
        """Check that something happened.

        Raises:
            ValueError: neither a split nor a dividend.
        """
        if self.split is None and not self.dividend:
            raise ValueError("an action has a split or a dividend")


class ActedPrices:
    """``prices`` as they are after the actions so far. Safe to use from many threads."""

    def __init__(self, prices: PriceBook) -> None:
        self.kind, self.first_day, self.last_day = prices.kind, prices.first_day, prices.last_day
        self._prices = prices
        self._lock = threading.Lock()
        self._actions: list[Action] = []  # replaced, never changed: readers need no lock

    def add(self, actions: Sequence[Action]) -> int:
        """Adds actions; all or none. Returns how many there are now.

        Raises:
            BadAction: one is of an unknown symbol, or of a dividend of more than the price or beside one in
                another currency.
        """
        with self._lock:
            together = [*self._actions, *actions]
            for symbol in {action.symbol for action in actions}:
                if self._restated(symbol, together) is None:
                    raise BadAction(f"there are no prices of {symbol!r:.40}")
            self._actions = together
            return len(together)

    def clear(self) -> None:
        """Takes all actions back: the prices are again what they were."""
        with self._lock:
            self._actions = []

    def describe(self) -> dict[str, Any]:
        """That of the prices, and how many actions there are."""
        return {**self._prices.describe(), **({"actions": len(self._actions)} if self._actions else {})}

    def series(self, symbol: str) -> Series | None:
        """All bars of ``symbol``, restated by its actions one after the other."""
        return self._restated(symbol, self._actions)

    def _restated(self, symbol: str, actions: Sequence[Action]) -> Series | None:
        series = self._prices.series(symbol)
        of_symbol = [action for action in actions if action.symbol == symbol]
        return None if series is None else reduce(restated, of_symbol, series)


def restated(series: Series, action: Action) -> Series:
    """``series`` after ``action``, which falls on the first bar that is not before its day; unchanged if there is no
    such bar, or nothing before it.

    Raises:
        BadAction: a dividend of more than the price, or beside one in another currency.
    """
    at = series.timeline.since(action.day)
    if not 0 < at < len(series.timeline.days):
        return series
    if action.split:
        series = _split(series, at, action.split)
    return _paid(series, at, action.dividend) if action.dividend else series


def _split(series: Series, at: int, split: Split) -> Series:
    """All bars in new shares: those before, because history is restated, and those after, because that is how the
    market trades from then on."""
    ratio = split.numerator / split.denominator
    return replace(
        series,
        open=_scaled(series.open, 1 / ratio),
        high=_scaled(series.high, 1 / ratio),
        low=_scaled(series.low, 1 / ratio),
        close=_scaled(series.close, 1 / ratio),
        adj_close=_scaled(series.adj_close, 1 / ratio),
        volume=np.round(series.volume * ratio).astype(np.int64),
        dividends={day: round(amount / ratio, DIGITS) for day, amount in series.dividends.items()},
        splits={**series.splits, at: split},
    )


def _paid(series: Series, at: int, amount: float) -> Series:
    named = series.dividend_currencies.get(at, series.currency)
    if named != series.currency:
        raise BadAction(f"{series.symbol}: it pays a dividend in {named} on {series.timeline.days[at]} already")
    share = amount / float(series.close[at - 1])
    if share >= 1:
        raise BadAction(f"{series.symbol}: a dividend of {amount} is more than its price")
    return replace(
        series,
        adj_close=np.concatenate((_scaled(series.adj_close[:at], 1 - share), series.adj_close[at:])),
        dividends={**series.dividends, at: series.dividends.get(at, 0.0) + amount},
    )


def _scaled(values: Floats, factor: float) -> Floats:
    return np.asarray(np.round(values * factor, DIGITS), dtype=np.float64)
