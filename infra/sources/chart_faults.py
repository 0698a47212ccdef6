"""What each kind of data fault does to a chart document. Days are those of the rule, or the answer's last one."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from infra.faults.kinds import DATA
from infra.faults.rules import Rule
from infra.sources.data_faults import chosen, reordered
from infra.sources.prices import EXCHANGE_ZONE, closing, stamp

Document = dict[str, Any]
Columns = dict[str, list[Any]]
PRICES = ("open", "high", "low", "close", "adjclose")
CANDLE = ("open", "high", "low")
RENAMED = "RENAMED.L"
SPIKE = 1.5
DOLLARS_A_PENNY = 0.013
EUROS_A_PENNY = 0.0115
NOISE = 2e-6
"""Relative: the sixth digit of an adjusted close."""


def changed_chart(document: Document, fault: Rule | None) -> Document:
    """A chart document with a data fault; one without bars can only have another symbol or currency."""
    if fault is None:
        return document
    result = document["chart"]["result"][0]
    if fault.kind in _LINES:
        _LINES[fault.kind](result, fault)
    elif result.get("timestamp"):
        _change_bars(result, fault)
    return document


def _change_bars(result: Document, fault: Rule) -> None:
    days = [datetime.fromtimestamp(at, UTC).date() for at in result["timestamp"]]
    if fault.kind in _ANSWERS:
        _ANSWERS[fault.kind](result, fault, days)
    elif fault.kind in _BARS:
        columns = _columns(result)
        for at in chosen(days, fault):
            _BARS[fault.kind](columns, at, fault)
    elif fault.kind in DATA:
        _rearrange(result, reordered(len(days), chosen(days, fault), fault.kind))


def _columns(result: Document) -> Columns:
    return {**result["indicators"]["quote"][0], **result["indicators"]["adjclose"][0]}


def _rearrange(result: Document, order: list[int]) -> None:
    for values in (result["timestamp"], *_columns(result).values()):
        values[:] = [values[at] for at in order]


def _in_euro(result: Document, _: Rule) -> None:
    result["meta"]["currency"] = "EUR"
    if result.get("timestamp"):
        columns = _columns(result)
        for at in range(len(result["timestamp"])):
            _scale(columns, at, EUROS_A_PENNY)


def _renamed(result: Document, fault: Rule) -> None:
    result["meta"]["symbol"] = fault.symbol or RENAMED


_LINES: dict[str, Callable[[Document, Rule], None]] = {
    "no_currency": lambda result, _: result["meta"].update(currency=None),
    "pence_for_pounds": lambda result, _: result["meta"].update(currency="GBP"),
    "in_euro": _in_euro,
    "renamed": _renamed,
}


def _scale(columns: Columns, at: int, factor: float, names: tuple[str, ...] = PRICES) -> None:
    for name in names:
        columns[name][at] = round(columns[name][at] * factor, 4)


def _evening_candle(columns: Columns, at: int, _: Rule) -> None:
    """The candle of the continuous session, before an auction that went on in the day's direction."""
    rose = columns["close"][at] >= columns["open"][at]
    edge, apart = ("high", 0.998) if rose else ("low", 1.002)
    _scale(columns, at, apart * columns["close"][at] / columns[edge][at], CANDLE)


def _without(*names: str) -> Callable[[Columns, int, Rule], None]:
    def change(columns: Columns, at: int, _: Rule) -> None:
        for name in names:
            columns[name][at] = None

    return change


def _fraction(columns: Columns, at: int, _: Rule) -> None:
    columns["volume"][at] += 0.5


def _infinity(columns: Columns, at: int, _: Rule) -> None:
    """Yahoo writes a number that no float holds as text."""
    columns["close"][at] = columns["adjclose"][at] = "Infinity"


_BARS: dict[str, Callable[[Columns, int, Rule], None]] = {
    "nan_bar": _without(*PRICES, "volume"),
    "null_close": _without("close", "adjclose"),
    "scale100": lambda columns, at, _: _scale(columns, at, 100),
    "scale001": lambda columns, at, _: _scale(columns, at, 0.01),
    "spike": lambda columns, at, fault: _scale(columns, at, fault.factor or SPIKE),
    "evening_candle": _evening_candle,
    "fractional_volume": _fraction,
    "infinity": _infinity,
}


def _second_bar(result: Document, fault: Rule, days: list[date]) -> None:
    """Another bar on a day that is over, by default the one before the last, stamped with its closing."""
    for at in sorted(chosen(days, fault, -2), reverse=True):
        _rearrange(result, [*range(at + 1), *range(at, len(result["timestamp"]))])
        result["timestamp"][at + 1] = stamp(days[at], closing(days[at]))
        _scale(_columns(result), at + 1, 1.002)


def _live_bar(result: Document, fault: Rule, days: list[date]) -> None:
    """The day's bar again, with a little more volume
    (https://github.com/ranaroussi/yfinance/blob/main/yfinance/utils.py, fix_Yahoo_returning_live_separate)."""
    last = len(days) - 1
    if last not in chosen(days, fault):
        return
    _rearrange(result, [*range(last + 1), last])
    ended = stamp(days[last], closing(days[last]))
    result["meta"]["regularMarketTime"] = ended
    result["timestamp"][-1] = ended - (420 if fault.kind == "live_bar_off" else 0)
    columns = _columns(result)
    columns["volume"][-1] = columns["volume"][-1] * 101 // 100
    _scale(columns, last + 1, 1.0005)


def _split_zero(result: Document, fault: Rule, days: list[date]) -> None:
    splits = result.setdefault("events", {}).setdefault("splits", {})
    for at in (result["timestamp"][place] for place in chosen(days, fault)):
        splits[str(at)] = {"date": at, "numerator": 0.0, "denominator": 1.0, "splitRatio": "0:1"}


def _adj_noise(result: Document, fault: Rule, _: list[date]) -> None:
    """Another noise at each asking, as much as single precision makes."""
    rng = random.Random(f"{fault.nth}/{result['meta']['symbol']}")  # noqa: S311 - repeatable, not secret
    values = result["indicators"]["adjclose"][0]["adjclose"]
    values[:] = [round(value * (1 + NOISE * rng.uniform(-1, 1)), 6) for value in values]


def _adj_hundredth(result: Document, fault: Rule, _: list[date]) -> None:
    """Adjusted closes as if a hundredth of each dividend had been paid, where the close before is in the answer."""
    columns, stamps = _columns(result), result["timestamp"]
    adjusted, close = columns["adjclose"], columns["close"]
    for event in _dividends(result, fault):
        if event["date"] in stamps[1:]:
            at = stamps.index(event["date"])
            kept = adjusted[at - 1] / adjusted[at] * close[at] / close[at - 1]
            wrong = (1 - (1 - kept) / 100) / kept
            adjusted[:at] = [round(value * wrong, 6) for value in adjusted[:at]]


def _dividends(result: Document, fault: Rule) -> list[Document]:
    """The dividends of the rule's days, or all of the answer."""
    events: list[Document] = list(result.get("events", {}).get("dividends", {}).values())
    days = [datetime.fromtimestamp(event["date"], EXCHANGE_ZONE).date() for event in events]
    return [event for event, day in zip(events, days, strict=True) if not fault.names_days or fault.is_on(day)]


def _change_dividends(result: Document, fault: Rule, _: list[date]) -> None:
    """The amount in another unit than the currency that the event names, or no currency."""
    factor = {"dividend_pounds": 0.01, "dividend_scale100": 100.0, "dividend_dollars": DOLLARS_A_PENNY}
    for event in _dividends(result, fault):
        if fault.kind == "dividend_unnamed":
            del event["currency"]
        else:
            event["amount"] = round(event["amount"] * factor[fault.kind], 6)


_ANSWERS: dict[str, Callable[[Document, Rule, list[date]], None]] = {
    "second_bar": _second_bar,
    "live_bar": _live_bar,
    "live_bar_off": _live_bar,
    "split_zero": _split_zero,
    "adj_noise": _adj_noise,
    "adj_hundredth": _adj_hundredth,
    "dividend_pounds": _change_dividends,
    "dividend_scale100": _change_dividends,
    "dividend_dollars": _change_dividends,
    "dividend_unnamed": _change_dividends,
}
