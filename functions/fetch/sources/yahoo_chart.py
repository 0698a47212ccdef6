"""Reads one answer of Yahoo's chart API for what yfinance does not report: why a symbol failed, and its currency.

``yfinance.download`` turns every failure into an empty frame and drops repeated days in silence; the answer itself
still distinguishes a throttled symbol from a delisted one. yfinance also makes numbers of whatever it finds, text and
true and false among it, and fills what is absent; so the bars and events of an answer are checked here first.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketlake.errors import TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from marketlake.strict_json import unique_names

NO_CURRENCY = "Yahoo's metadata names no currency, so its unit is unknown"
NO_BARS = "no bar in the days asked for"
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ABSENT = ("No data found", "Data doesn't exist")
"""How Yahoo says that a symbol, or the symbol in this window, is unknown for good."""
QUOTED = ("open", "high", "low", "close", "volume")
WORDS = ("Infinity", "-Infinity", "NaN")
"""Yahoo writes an adjusted close beyond any float as text; yfinance reads it, and no value comes of it."""
EXACT = 2**53
"""Up to here a float holds every integer, and yfinance holds volumes as floats."""


class Unreadable(ValueError):
    """The answer is not what the API promises; the message says in which way."""


@dataclass(frozen=True)
class Bars:
    """What an answer's bars are, and where yfinance would read something else than it says.

    Attributes:
        first: day of the first bar.
        repeated: days with more than one bar.
        without_volume: days whose bar names no volume, for which yfinance writes 0.
        misdated: days of bars to which yfinance would move a dividend or split of a later day without a bar.
    """

    first: date
    repeated: tuple[date, ...]
    without_volume: frozenset[date]
    misdated: frozenset[date]


@dataclass(frozen=True)
class ChartAnswer:
    """What one answer says of a symbol.

    ``reason`` says why it has no usable bars, and ``failure`` is the transient error that this amounts to; a reason
    without a failure is final. ``currency``, ``symbol`` and ``zone`` are those of its metadata.
    """

    currency: str = ""
    symbol: str = ""
    zone: str = ""
    bars: Bars | None = None
    reason: str = ""
    failure: type[TransientError] | None = None


def read_chart(status: int, text: str) -> ChartAnswer:
    """Judges an answer by its status and body."""
    if status == 429:
        return ChartAnswer(failure=UpstreamThrottled, reason="status 429, too many requests")
    if status >= 500 or "Will be right back" in text:
        return ChartAnswer(failure=UpstreamUnavailable, reason=f"status {status}: {text[:60]!r}")
    if status in (401, 403):
        return ChartAnswer(failure=UpstreamUnavailable, reason=f"status {status}, Yahoo refuses this client")
    try:
        return _judged(status, _chart(text))
    except Unreadable as error:
        return ChartAnswer(failure=UpstreamMalformed, reason=f"status {status}, {error}")


def _chart(text: str) -> dict[str, Any]:
    if not text.strip():
        raise Unreadable("an empty answer")
    if text.lstrip().startswith("<"):
        raise Unreadable("an HTML page instead of JSON")
    try:
        document = json.loads(text, object_pairs_hook=unique_names)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"truncated, ambiguous or invalid JSON ({len(text)} characters)") from error
    chart = document.get("chart") if isinstance(document, dict) else None
    if not isinstance(chart, dict):
        raise Unreadable("JSON without a chart")
    return chart


def _judged(status: int, chart: dict[str, Any]) -> ChartAnswer:
    if error := chart.get("error"):
        description = str(error.get("description") if isinstance(error, dict) else error)
        if status == 404 or description.startswith(_ABSENT):
            return ChartAnswer(reason=description)
        raise Unreadable(f"Yahoo's error {description!r}")
    results = chart.get("result")
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        raise Unreadable("a chart with neither result nor error")
    meta = results[0].get("meta")
    if not isinstance(meta, dict):
        raise Unreadable("a chart without metadata")
    if not results[0].get("timestamp"):
        return ChartAnswer(reason=NO_BARS)
    currency = meta.get("currency")
    if not currency:
        return ChartAnswer(reason=NO_CURRENCY)
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise Unreadable(f"the currency {currency!r}")
    bars = read_bars(results[0], meta)
    return ChartAnswer(currency, f"{meta.get('symbol')}".upper(), f"{meta['exchangeTimezoneName']}", bars)


def read_bars(result: dict[str, Any], meta: dict[str, Any]) -> Bars:
    """The bars of one result of a chart, which has at least one time stamp.

    Raises:
        Unreadable: time stamps, zone, columns or events are not of the promised shape.
    """
    days = _days(result["timestamp"], meta)
    volumes = _columns(result.get("indicators"), len(days))["volume"]
    order = sorted(range(len(days)), key=result["timestamp"].__getitem__)
    kept = [days[at] for at in _without_live(order, result["timestamp"], days, meta)]
    have = sorted(set(days))
    events = {day for day in _event_days(result.get("events", {}), meta) if have[0] < day < have[-1]}
    return Bars(
        first=have[0],
        repeated=tuple(day for day, times in Counter(kept).items() if times > 1),
        without_volume=frozenset(day for day, volume in zip(days, volumes, strict=True) if volume is None),
        misdated=frozenset(have[bisect(have, day) - 1] for day in events - set(have)),
    )


def _days(stamps: Any, meta: dict[str, Any]) -> list[date]:
    """Days at the exchange. A bar that a change of clocks put at 22 or 23 hours is the next day's, as yfinance reads
    it."""
    try:
        if not all(type(at) is int for at in stamps):
            raise TypeError("not all are integers")
        zone = ZoneInfo(meta["exchangeTimezoneName"])
        times = [datetime.fromtimestamp(at, zone) for at in stamps]
        return [(time + timedelta(hours=2) if time.minute == 0 else time).date() for time in times]
    except (KeyError, TypeError, ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as error:
        raise Unreadable(f"unusable time stamps or time zone: {error!r}") from error


def _without_live(order: list[int], stamps: Sequence[int], days: Sequence[date], meta: dict[str, Any]) -> Iterable[int]:
    """``order`` without the bar that the live one replaces. Yahoo sends the current day twice while its bar is live,
    the second time stamped with the time of the last trade; yfinance knows that and keeps the second."""
    if len(order) > 1:
        older, newest = order[-2:]
        live = stamps[older] < stamps[newest] == meta.get("regularMarketTime")
        if live and days[older] == days[newest]:
            return [*order[:-2], newest]
    return order


def _columns(indicators: Any, count: int) -> dict[str, list[Any]]:
    try:
        columns = {name: indicators["quote"][0][name] for name in QUOTED}
        if "adjclose" in indicators:
            columns["adjclose"] = indicators["adjclose"][0]["adjclose"]
    except (KeyError, IndexError, TypeError) as error:
        raise Unreadable(f"bars without a column: {error!r}") from error
    for name, values in columns.items():
        if not isinstance(values, list) or len(values) != count:
            raise Unreadable(f"{name} is not a list of {count} values, as there are time stamps")
        wrong = [value for value in values if not (value is None or value in WORDS or is_number(value))]
        if wrong:
            raise Unreadable(f"{name} has {wrong[0]!r}, which is not a number")
    inexact = [v for v in columns["volume"] if v is not None and (v in WORDS or v % 1 or abs(v) > EXACT)]
    if inexact:
        raise Unreadable(f"volume has {inexact[0]!r}, which is not a count of shares")
    return columns


def is_number(value: Any) -> bool:
    """Whether ``value`` is a number of JSON that a float can hold, true and false not among them."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False


def _event_days(events: Any, meta: dict[str, Any]) -> list[date]:
    try:
        dividends = list(events.get("dividends", {}).values())
        splits = list(events.get("splits", {}).values())
        amounts = [event["amount"] for event in dividends]
        ratios = [split[name] for split in splits for name in ("numerator", "denominator")]
        stamps = [event["date"] for event in [*dividends, *splits]]
    except (AttributeError, KeyError, TypeError) as error:
        raise Unreadable(f"a dividend or split without its members: {error!r}") from error
    if not all(map(is_number, [*amounts, *ratios])) or not all(ratio > 0 for ratio in ratios):
        raise Unreadable("a dividend or split that is not a number")
    return _days(stamps, meta)
