"""One symbol's bars as Yahoo's chart API v8 writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from infra.sources.prices import Series
from infra.sources.timeline import CLOSING, EXCHANGE_TIMEZONE, gmt_offset, stamp

VALID_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
_YEAR = timedelta(days=365)


def chart_error(code: str, description: str) -> dict[str, Any]:
    """Yahoo's way of saying no."""
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def chart_document(series: Series, first: int, end: int, asked_range: str = "") -> dict[str, Any]:
    """The answer for the bars at positions ``[first, end)``; without bars it has no timestamps, as Yahoo's."""
    result: dict[str, Any] = {"meta": _meta(series, first, asked_range)}
    if first < end:
        result["timestamp"] = series.timeline.stamps[first:end]
        if events := _events(series, first, end):
            result["events"] = events
    result["indicators"] = _indicators(series, first, end)
    return {"chart": {"result": [result], "error": None}}


def _indicators(series: Series, first: int, end: int) -> dict[str, Any]:
    if first >= end:
        return {"quote": [{}], "adjclose": [{}]}
    names = ("high", "close", "volume", "low", "open")
    quote = {name: getattr(series, name)[first:end].tolist() for name in names}
    return {"quote": [quote], "adjclose": [{"adjclose": series.adj_close[first:end].tolist()}]}


def _events(series: Series, first: int, end: int) -> dict[str, Any]:
    stamps = series.timeline.stamps
    dividends = {
        str(stamps[at]): {"amount": amount, "date": stamps[at]}
        for at, amount in series.dividends.items()
        if first <= at < end
    }
    splits = {
        str(stamps[at]): {
            "date": stamps[at],
            "numerator": float(split.numerator),
            "denominator": float(split.denominator),
            "splitRatio": f"{split.numerator}:{split.denominator}",
        }
        for at, split in series.splits.items()
        if first <= at < end
    }
    return {name: found for name, found in (("dividends", dividends), ("splits", splits)) if found}


def _meta(series: Series, first: int, asked_range: str) -> dict[str, Any]:
    """Facts of the symbol as of its last bar; the year's extremes are those of the 365 days up to it."""
    days, last = series.timeline.days, len(series.timeline.days) - 1
    today = days[last]
    year = series.timeline.since(today - _YEAR)
    hours = {"timezone": _abbreviation(series), "gmtoffset": gmt_offset(today)}
    session = {**hours, "start": stamp(today), "end": stamp(today, CLOSING)}
    return {
        "currency": series.currency,
        "symbol": series.symbol,
        "exchangeName": "LSE" if series.instrument == "EQUITY" else "FGI",
        "fullExchangeName": "LSE" if series.instrument == "EQUITY" else "FTSE Index",
        "instrumentType": series.instrument,
        "firstTradeDate": series.timeline.stamps[0],
        "regularMarketTime": stamp(today, CLOSING),
        "hasPrePostMarketData": False,
        **hours,
        "exchangeTimezoneName": EXCHANGE_TIMEZONE,
        "regularMarketPrice": float(series.close[last]),
        "fiftyTwoWeekHigh": float(series.high[year:].max()),
        "fiftyTwoWeekLow": float(series.low[year:].min()),
        "regularMarketDayHigh": float(series.high[last]),
        "regularMarketDayLow": float(series.low[last]),
        "regularMarketVolume": int(series.volume[last]),
        "longName": series.name,
        "shortName": series.name,
        "chartPreviousClose": float(series.close[max(first - 1, 0)]),
        "priceHint": 2,
        "currentTradingPeriod": {"pre": dict(session), "regular": dict(session), "post": dict(session)},
        "dataGranularity": "1d",
        "range": asked_range,
        "validRanges": VALID_RANGES,
    }


def _abbreviation(series: Series) -> str:
    return "BST" if gmt_offset(series.timeline.days[-1]) else "GMT"
