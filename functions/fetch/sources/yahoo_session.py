"""HTTP sessions for yfinance that watch the chart answers and can be pointed at another server.

yfinance accepts sessions of curl_cffi, its default, and of requests. Both get the same mixin: the real library makes
its requests unchanged, and what came back for each symbol is judged as it passes.
"""

from __future__ import annotations

import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from curl_cffi import requests as curl

from fetch.sources.base import is_loopback
from fetch.sources.yahoo_chart import ChartAnswer, read_chart
from marketlake.errors import UpstreamUnavailable

_DAY = 86_400
CHART = "/v8/finance/chart/"


def retarget(url: str, base_url: str) -> str:
    """``url`` with scheme and host replaced by ``base_url``, whose path goes before its own.

    yfinance knows five hosts of Yahoo; all of them are mapped, so that no request leaves for another server.
    """
    parts = urlsplit(url)
    return base_url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


class ChartWatcher:
    """Mixin before a Session class: rewrites the host, bounds the time, remembers the last answer per symbol."""

    base_url: str | None = None
    limit: float = 10.0

    def watch(self, base_url: str | None, limit: float) -> None:
        """Start with no answers. ``limit``: seconds, an upper bound of yfinance's own timeouts."""
        self.base_url = base_url
        self.limit = limit
        self.answers: dict[str, ChartAnswer] = {}
        self._lock = threading.Lock()

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """The request itself; a failure is noted, then raised for yfinance to deal with."""
        symbol = chart_symbol(url)
        # yfinance leaves its cookie and crumb requests at 30 s whatever timeout download() was given.
        kwargs["timeout"] = min(kwargs.get("timeout") or self.limit, self.limit)
        target = retarget(url, self.base_url) if self.base_url else url
        try:
            response = super().request(method, target, *args, **kwargs)  # type: ignore[misc]
        except OSError as error:
            self._note(symbol, ChartAnswer(failure=UpstreamUnavailable, reason=_reason(error)))
            raise
        if symbol:
            self._note(symbol, read_chart(response.status_code, response.text))
        return response

    def _note(self, symbol: str | None, answer: ChartAnswer) -> None:
        if symbol:
            with self._lock:
                self.answers[symbol] = answer


def chart_symbol(url: str) -> str | None:
    """The symbol whose chart ``url`` asks for."""
    head, found, symbol = urlsplit(url).path.partition(CHART)
    return unquote(symbol).upper() if found and not head else None


def _reason(error: OSError) -> str:
    name = type(error).__name__
    return f"no answer in time ({name})" if "timeout" in name.lower() else f"no complete answer ({name})"


class RequestsSession(ChartWatcher, requests.Session):  # type: ignore[misc]  # "request" takes Any
    """For a server that is not Yahoo: plain HTTP, one pool of connections for all threads."""


class CurlSession(ChartWatcher, curl.Session[curl.Response]):
    """For Yahoo itself, which wants a client that looks like a browser: yfinance's own default."""


def open_session(base_url: str | None, limit: float) -> RequestsSession | CurlSession:
    """A watching session: yfinance's default for Yahoo (``base_url`` None), plain requests for any other server."""
    session: RequestsSession | CurlSession
    if base_url is None:
        session = CurlSession(impersonate="chrome")
    else:
        session = RequestsSession()
        # A proxy from the environment cannot reach a server on this machine's loopback.
        session.trust_env = not is_loopback(base_url)
        # Without a cookie of Yahoo's, which no other server can set, yfinance asks for one before each chart.
        session.cookies.set("A3", "retargeted", domain=".yahoo.com", path="/", expires=int(time.time()) + _DAY)
    session.watch(base_url, limit)
    return session
