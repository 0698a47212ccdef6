"""Reads one answer of Yahoo's chart API for what yfinance does not tell: why a symbol failed, and its currency.

``yfinance.download`` turns every failure into an empty frame and drops repeated days in silence; the answer itself
still tells a throttled symbol from a delisted one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketlake.errors import TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable

NO_CURRENCY = "Yahoo's metadata names no currency, so its unit is unknown"
NO_BARS = "no bar in the days asked for"
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ABSENT = ("No data found", "Data doesn't exist")
"""How Yahoo says that a symbol, or the symbol in this window, is unknown for good."""


@dataclass(frozen=True)
class ChartAnswer:
    """What one answer says of a symbol.

    ``reason`` says why it has no usable bars, and ``failure`` is the transient error that this amounts to; a reason
    without a failure is final. ``first`` is the day of the first bar, ``repeated`` are days with more than one.
    """

    currency: str = ""
    first: date | None = None
    repeated: tuple[date, ...] = ()
    reason: str = ""
    failure: type[TransientError] | None = None


class Unreadable(ValueError):
    """The answer is not what the API promises; the message says in which way."""


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
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"truncated or invalid JSON ({len(text)} characters)") from error
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
    stamps = results[0].get("timestamp") or []
    if not stamps:
        return ChartAnswer(reason=NO_BARS)
    currency = meta.get("currency")
    if not currency:
        return ChartAnswer(reason=NO_CURRENCY)
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise Unreadable(f"the currency {currency!r}")
    days = _days(stamps, meta)
    return ChartAnswer(
        currency=currency,
        first=min(days),
        repeated=tuple(day for day, times in Counter(days).items() if times > 1),
    )


def _days(stamps: Any, meta: dict[str, Any]) -> list[date]:
    """Days of the bars at the exchange. Yahoo tells the current day twice while its bar is live, the second time
    stamped with the time of the last trade; yfinance knows that and keeps the second."""
    try:
        zone = ZoneInfo(meta["exchangeTimezoneName"])
        live = len(stamps) > 1 and stamps[-1] == meta.get("regularMarketTime")
        return [datetime.fromtimestamp(at, zone).date() for at in (stamps[:-1] if live else stamps)]
    except (KeyError, TypeError, ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as error:
        raise Unreadable(f"unusable time stamps or time zone: {error!r}") from error
