"""Reads one answer of Yahoo's chart API for what yfinance does not tell: why a symbol failed, and its currency.

``yfinance.download`` turns every failure into an empty frame and drops repeated days in silence; the answer itself
still tells a throttled symbol from a delisted one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from fetch.sources.yahoo_bars import Bars, Unreadable, read_bars
from marketlake.errors import TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from marketlake.strict_json import unique_names

NO_CURRENCY = "Yahoo's metadata names no currency, so its unit is unknown"
NO_BARS = "no bar in the days asked for"
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ABSENT = ("No data found", "Data doesn't exist")
"""How Yahoo says that a symbol, or the symbol in this window, is unknown for good."""


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
