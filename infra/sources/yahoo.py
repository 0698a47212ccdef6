"""What yfinance asks of Yahoo: the chart API v8, and the cookie, consent and crumb calls around it.

yfinance speaks to five hosts (query1, query2, fc, guce and consent.yahoo.com); their paths do not collide, so one
prefix serves them all.
"""

from __future__ import annotations

from datetime import date, timedelta
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from infra.faults.rules import Rule
from infra.sources.chart_faults import changed_chart
from infra.sources.http_messages import HTML, TEXT, Response, as_json
from infra.sources.prices import EXCHANGE_TIMEZONE, PriceBook, Series, closing, gmt_offset, stamp

CHART = "/v8/finance/chart/"
CRUMB = "simulated"
CONSENT = "/v2/collectConsent"
AGREE = "/copyConsent"
VALID_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
_MONTHS = {"1mo": 1, "3mo": 3, "6mo": 6, "1y": 12, "2y": 24, "5y": 60, "10y": 120}
_YEAR = timedelta(days=365)


class YahooApi:
    """Answers requests below the prefix that stands for Yahoo's hosts."""

    def __init__(self, prices: PriceBook) -> None:
        self._prices = prices

    def answer(self, path: str, query: dict[str, str], fault: Rule | None) -> Response:
        """The response to ``path`` (what follows the prefix), its data changed by ``fault``."""
        if path == AGREE and "done" in query:
            return _moved(query["done"])
        if path == CONSENT and "done" in query:
            return Response(200, _form(query["done"]), HTML)
        if path.startswith(CHART):
            if fault and fault.kind == "consent":
                return _moved(f"../../..{CONSENT}?{urlencode({'done': f'{path[1:]}?{urlencode(query)}'})}")
            return self._chart(path.removeprefix(CHART).upper(), query, fault)
        if path == "/v1/test/getcrumb":
            return Response(200, CRUMB.encode(), TEXT)
        if path in ("", "/", "/consent", AGREE, CONSENT):
            return Response(200, b"<!doctype html><title>simulated</title>", HTML)
        refusal = {"code": "Not Found", "description": f"the simulated Yahoo has no {path}"}
        return as_json({"finance": {"result": None, "error": refusal}}, 404)

    def _chart(self, symbol: str, query: dict[str, str], fault: Rule | None) -> Response:
        source = self._prices.kind
        if query.get("interval", "1d") != "1d":
            return as_json(chart_error("Bad Request", "the simulated Yahoo knows interval=1d only"), 400, source)
        series = self._prices.series(symbol)
        if series is None or (fault and fault.kind == "dead"):
            return as_json(chart_error("Not Found", "No data found, symbol may be delisted"), 404, source)
        try:
            first, end = _positions(series, query)
        except ValueError as error:
            return as_json(chart_error("Bad Request", f"Invalid input - {error}"), 400, source)
        if "period2" in query and int(query["period2"]) <= series.timeline.stamps[0]:
            text = f"Data doesn't exist for startDate = {query.get('period1')}, endDate = {query['period2']}"
            return as_json(chart_error("Bad Request", text), 400, source)
        document = chart_document(series, first, end, query.get("range", ""))
        return as_json(changed_chart(document, fault), 200, source)


def _moved(to: str) -> Response:
    """On to another path, relative to the one asked for: only the client knows by which host it came."""
    return Response(302, b"", HTML, headers={"Location": quote(to, safe="/?&=%.-")})


def _form(done: str) -> bytes:
    """The page to be agreed to: yfinance sends its first form, and then reads what ``done`` answers."""
    action = escape(f"..{AGREE}?{urlencode({'done': done})}")
    return (
        f'<!doctype html><title>simulated consent</title><form method="post" action="{action}">'
        '<input type="hidden" name="csrfToken" value="simulated"><input type="hidden" name="sessionId" value="1">'
        '<button name="agree" value="agree">Accept all</button></form>'
    ).encode()


def _positions(series: Series, query: dict[str, str]) -> tuple[int, int]:
    """Bars asked for, by ``period1`` and ``period2`` (Unix times) or by ``range``, which counts back from the end."""
    if "range" not in query:
        return series.timeline.window(int(query.get("period1", 0)), int(query.get("period2", 2**40)))
    asked, total = query["range"], len(series.timeline.days)
    if asked not in VALID_RANGES:
        raise ValueError(f"range={asked}")
    if asked in ("1d", "5d"):
        return max(total - int(asked[0]), 0), total
    if asked == "max":
        return 0, total
    last = series.timeline.days[-1]
    since = date(last.year, 1, 1) if asked == "ytd" else last - timedelta(days=365 * _MONTHS[asked] // 12)
    return series.timeline.since(since), total


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
    """Each dividend names its currency, which need not be that of the prices: Yahoo's have the members date, amount and
    currency (https://github.com/ranaroussi/yfinance/pull/2868)."""
    stamps, currencies = series.timeline.stamps, series.dividend_currencies
    dividends = {
        str(stamps[at]): {"amount": amount, "date": stamps[at], "currency": currencies.get(at, series.currency)}
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
    offset = gmt_offset(today)
    hours = {"timezone": "BST" if offset else "GMT", "gmtoffset": offset}
    session = {**hours, "start": stamp(today), "end": stamp(today, closing(today))}
    return {
        "currency": series.currency,
        "symbol": series.symbol,
        "exchangeName": "LSE" if series.instrument == "EQUITY" else "FGI",
        "fullExchangeName": "LSE" if series.instrument == "EQUITY" else "FTSE Index",
        "instrumentType": series.instrument,
        "firstTradeDate": series.timeline.stamps[0],
        "regularMarketTime": stamp(today, closing(today)),
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
