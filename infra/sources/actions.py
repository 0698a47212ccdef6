"""Splits and dividends that a test makes appear: the history before each is rewritten, as Yahoo does it.

Yahoo divides all earlier prices by a split's ratio, and takes a dividend's share of the close before it off all earlier
adjusted closes (https://help.yahoo.com/kb/SLN28256.html).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import reduce
from typing import Any

import numpy as np

from infra.sources.prices import Floats, Kind, PriceBook, Series, Split

DIGITS = 6
"""Decimals of a rewritten price: finer than any quoted one, as Yahoo's are."""


class BadAction(ValueError):
    """An action that cannot be understood; the message says what is accepted."""


@dataclass(frozen=True)
class Action:
    """What happened to ``symbol`` before the opening of ``day``: new shares for old ones, or a dividend (as quoted)."""

    symbol: str
    day: date
    split: Split | None = None
    dividend: float = 0.0

    @classmethod
    def of(cls, document: Any) -> Action:
        """An action from its JSON: ``{"symbol", "day", "split": [new, old]}`` or ``"dividend": amount``.

        Raises:
            BadAction: anything else.
        """
        known = {item.name for item in fields(cls)}
        if not isinstance(document, dict) or not {"symbol", "day"} < set(document) <= known:
            raise BadAction(f"an action is an object with symbol, day, and split or dividend; not {document!r:.80}")
        try:
            split = Split(*(int(part) for part in document["split"])) if "split" in document else None
            dividend = float(document.get("dividend", 0.0))
            action = cls(str(document["symbol"]), date.fromisoformat(document["day"]), split, dividend)
        except (TypeError, ValueError) as error:
            raise BadAction(f"bad value in the action of {document['symbol']!r:.40}: {error}") from error
        if dividend < 0 or (split and min(split.numerator, split.denominator) < 1):
            raise BadAction("a dividend and the two numbers of a split are positive")
        return action


class ActedPrices:
    """``prices`` as they are after the actions told so far. Safe to use from many threads."""

    def __init__(self, prices: PriceBook) -> None:
        self._prices = prices
        self._lock = threading.Lock()
        self._actions: list[Action] = []  # replaced, never changed: readers need no lock

    def add(self, documents: Any) -> int:
        """Adds actions from a JSON list; all or none. Returns how many there are now.

        Raises:
            BadAction: not a list, or a bad action in it.
        """
        if not isinstance(documents, list):
            raise BadAction("POST a JSON list of actions")
        actions = [Action.of(document) for document in documents]
        with self._lock:
            together = [*self._actions, *actions]
            for symbol in {action.symbol for action in actions}:
                if self._rewritten(symbol, together) is None:
                    raise BadAction(f"there are no prices of {symbol!r:.40}")
            self._actions = together
            return len(together)

    def clear(self) -> None:
        """Takes all actions back: the prices are again what they were."""
        with self._lock:
            self._actions = []

    @property
    def kind(self) -> Kind:
        """That of the prices."""
        return self._prices.kind

    @property
    def first_day(self) -> date:
        """That of the prices."""
        return self._prices.first_day

    @property
    def last_day(self) -> date:
        """That of the prices."""
        return self._prices.last_day

    def describe(self) -> dict[str, Any]:
        """That of the prices, and how many actions there are."""
        return {**self._prices.describe(), **({"actions": len(self._actions)} if self._actions else {})}

    def series(self, symbol: str) -> Series | None:
        """All bars of ``symbol``, rewritten by its actions one after the other."""
        return self._rewritten(symbol, self._actions)

    def _rewritten(self, symbol: str, actions: Sequence[Action]) -> Series | None:
        series = self._prices.series(symbol)
        of_symbol = [action for action in actions if action.symbol == symbol]
        return None if series is None else reduce(rewritten, of_symbol, series)


def rewritten(series: Series, action: Action) -> Series:
    """``series`` after ``action``, which falls on the first bar that is not before its day; as it was if there is none,
    or nothing before it.

    Raises:
        BadAction: a dividend of more than the price.
    """
    at = series.timeline.since(action.day)
    if not 0 < at < len(series.timeline.days):
        return series
    if action.split:
        series = _split(series, at, action.split)
    return _paid(series, at, action.dividend) if action.dividend else series


def _split(series: Series, at: int, split: Split) -> Series:
    """All bars in new shares: those before, because history is rewritten, and those after, because that is how the
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
