"""What yfinance asks of Yahoo: the chart API, and the cookie, consent and crumb calls around it.

yfinance speaks to five hosts (query1, query2, fc, guce and consent.yahoo.com); their paths do not collide, so one
prefix serves them all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from infra.sources.chart_document import VALID_RANGES, chart_document, chart_error
from infra.sources.http_types import HTML, TEXT, Request, Response, as_json
from infra.sources.prices import PriceBook, Series

CHART = "/v8/finance/chart/"
CRUMB = "replay"
Change = Callable[[dict[str, Any]], dict[str, Any]]
"""A fault: changes the chart document before it is written down."""
_MONTHS = {"1mo": 1, "3mo": 3, "6mo": 6, "1y": 12, "2y": 24, "5y": 60, "10y": 120}


class YahooApi:
    """Answers requests below the prefix that stands for Yahoo's hosts."""

    def __init__(self, prices: PriceBook) -> None:
        self._prices = prices

    def answer(self, path: str, request: Request, change: Change) -> Response:
        """The response to ``path`` (what follows the prefix)."""
        if path.startswith(CHART):
            return self._chart(path.removeprefix(CHART).upper(), request.query, change)
        if path == "/v1/test/getcrumb":
            return Response(200, CRUMB.encode(), TEXT)
        if path in ("", "/", "/consent", "/copyConsent", "/v2/collectConsent"):
            return Response(200, b"<!doctype html><title>replay</title>", HTML)
        refusal = {"code": "Not Found", "description": f"the replay server has no {path}"}
        return as_json({"finance": {"result": None, "error": refusal}}, 404)

    def _chart(self, symbol: str, query: dict[str, str], change: Change) -> Response:
        source = self._prices.kind
        if query.get("interval", "1d") != "1d":
            return as_json(chart_error("Bad Request", "the replay server knows interval=1d only"), 400, source)
        series = self._prices.series(symbol)
        if series is None:
            return as_json(chart_error("Not Found", "No data found, symbol may be delisted"), 404, source)
        try:
            first, end = _positions(series, query)
        except ValueError as error:
            return as_json(chart_error("Bad Request", f"Invalid input - {error}"), 400, source)
        if "period2" in query and int(query["period2"]) <= series.timeline.stamps[0]:
            text = f"Data doesn't exist for startDate = {query.get('period1')}, endDate = {query['period2']}"
            return as_json(chart_error("Bad Request", text), 400, source)
        document = chart_document(series, first, end, query.get("range", ""))
        return as_json(change(document), 200, source)


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
