"""The HTTP session of yfinance: judges the chart answers as they pass, and knows when to stop asking.

It is curl_cffi's, yfinance's own default, for Yahoo, a mirror and the simulated sources alike. yfinance makes its
requests as ever; what it would make of the answers is prevented here in three places:

* On any status of 400 or more it changes its way of getting a cookie, gets one, and asks again at once. Of these
  statuses it sees only 401 and 403, which another cookie may help.
* It asks for a cookie and a crumb before each chart as long as it has none, and charts need neither
  (https://github.com/ranaroussi/yfinance/pull/2953): these requests have a short timeout, and end with the first one
  that runs into it.
* It goes on after 429. The session refuses all requests after a few of these in a row, or when more symbols failed
  than a batch may lose.
"""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from curl_cffi import CurlOpt
from curl_cffi import requests as curl

from fetch.sources.base import is_loopback
from fetch.sources.yahoo_chart import ChartAnswer, described, read_chart
from marketlake.errors import UpstreamThrottled, UpstreamUnavailable

CHART = "/v8/finance/chart/"
THROTTLED_IN_A_ROW = 4
"""So many 429 one after the other are a closed door. With four requests at a time, three more are under way by then;
with two for a cookie and a crumb before them, that makes nine at most."""
ASIDE_SECONDS = 3.0
"""Timeout of a request for a cookie, a crumb or consent, which take a fraction of a second when they work."""
MOST_ASIDES = 12
"""Requests for cookie, crumb and consent in one pass: both of yfinance's ways to a crumb take six."""
LONGEST_WAIT = 7 * 86_400
"""Seconds; what asks for more is not believed."""


class NotAsked(OSError):
    """A request that the session did not make. An OSError, so that yfinance goes on without a cookie."""


class ChartResponse(curl.Response):
    """An answer that is parsed already, where ``document`` is."""

    document: dict[str, Any] | None = None

    def json(self, **options: Any) -> Any:
        """The document."""
        return super().json(**options) if self.document is None else self.document  # type: ignore[no-untyped-call]


class WatchingSession(curl.Session[ChartResponse]):
    """Remembers what the last answer says of each symbol, over one pass.

    Attributes:
        answers: symbol -> the last answer.
        retry_after: seconds that Yahoo asks to wait, the longest of all answers; None where it asks for none.
    """

    def __init__(self, base_url: str | None, limit: float, tolerated: int, proxy: str | None) -> None:
        options: dict[CurlOpt, Any] = {}
        if base_url is not None and is_loopback(base_url):
            # Neither a proxy of the environment nor the given one can reach a server on this machine's loopback.
            options[CurlOpt.NOPROXY] = "*"
        super().__init__(impersonate="chrome", proxy=proxy, curl_options=options, response_class=ChartResponse)
        self._target = base_url
        self._limit = limit
        self._tolerated = tolerated
        self._lock = threading.Lock()
        self._throttled = 0
        self._asides = 0
        self._passing: set[str] = set()
        self._shut: ChartAnswer | None = None
        self._without_asides = ""
        self.answers: dict[str, ChartAnswer] = {}
        self.retry_after: float | None = None

    @property
    def throttled(self) -> bool:
        """Whether any symbol was refused with 429."""
        return any(answer.failure is UpstreamThrottled for answer in self.answers.values())

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> ChartResponse:
        """The request itself; a failure is noted, then raised for yfinance to deal with.

        Raises:
            NotAsked: the session refuses the request.
        """
        symbol = chart_symbol(url)
        self._admit(symbol)
        # yfinance leaves its cookie and crumb requests at 30 s whatever timeout it was given.
        limit = self._limit if symbol else min(self._limit, ASIDE_SECONDS)
        kwargs["timeout"] = min(kwargs.get("timeout") or limit, limit)
        target = retarget(url, self._target) if self._target else url
        try:
            response = super().request(method, target, *args, **kwargs)
        except Exception as error:
            self._failed(symbol, error)
            raise
        return self._judged(symbol, response)

    def _admit(self, symbol: str | None) -> None:
        with self._lock:
            if self._shut and symbol:
                self.answers[symbol] = self._shut
            if self._shut:
                raise NotAsked(self._shut.reason)
            if symbol is None:
                self._asides += 1
                if self._without_asides or self._asides > MOST_ASIDES:
                    raise NotAsked(self._without_asides or f"more than {MOST_ASIDES} requests for cookie and crumb")

    def _failed(self, symbol: str | None, error: Exception) -> None:
        late = isinstance(error, curl.exceptions.Timeout)
        reason = f"{'no answer in time' if late else 'no complete answer'} ({described(error)})"
        if symbol:
            self._note(symbol, ChartAnswer(failure=UpstreamUnavailable, reason=reason))
        elif late:
            self._without_asides = f"an earlier request for a cookie or crumb had {reason}"

    def _judged(self, symbol: str | None, response: ChartResponse) -> ChartResponse:
        """The answer as yfinance is to see it."""
        self._count(response)
        # After Yahoo's consent form, which yfinance sends, the chart comes as the answer to another address.
        symbol = symbol or chart_symbol(response.url)
        if symbol is None:
            return response
        answer = read_chart(response.status_code, response.text)
        # Where yfinance asks for the range of a day, it is for the symbol's own time zone.
        response.document = None if "range=" in urlsplit(response.url).query else answer.document
        self._note(symbol, replace(answer, document=None))
        if response.status_code not in (401, 403):
            response.status_code = 200
        return response

    def _count(self, response: ChartResponse) -> None:
        """Takes note of 429, whatever was asked for."""
        with self._lock:
            throttled = response.status_code == 429
            self._throttled = self._throttled + 1 if throttled else 0
            if throttled and (wait := seconds_to_wait(response.headers.get("Retry-After"))) is not None:
                self.retry_after = max(wait, self.retry_after or 0.0)
            if self._throttled >= THROTTLED_IN_A_ROW:
                self._shut = self._shut or read_chart(429, "")

    def _note(self, symbol: str, answer: ChartAnswer) -> None:
        with self._lock:
            self.answers[symbol] = answer
            (self._passing.add if answer.passing else self._passing.discard)(symbol)
            if len(self._passing) > self._tolerated:
                self._shut = self._shut or answer


def chart_symbol(url: str) -> str | None:
    """The symbol whose chart ``url`` asks for."""
    try:
        head, found, symbol = urlsplit(url).path.partition(CHART)
    except ValueError:  # where a redirect leads is Yahoo's to say
        return None
    return unquote(symbol).upper() if found and not head else None


def retarget(url: str, base_url: str) -> str:
    """``url`` with scheme and host replaced by ``base_url``, whose path goes before its own.

    yfinance knows five hosts of Yahoo; all of them are mapped, so that no request leaves for another server.
    """
    parts = urlsplit(url)
    return base_url.rstrip("/") + parts.path + (f"?{parts.query}" if parts.query else "")


def seconds_to_wait(retry_after: str | None, now: datetime | None = None) -> float | None:
    """The header ``Retry-After`` (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after: seconds, or a date) in
    seconds from ``now``; None without the header, or where it cannot be meant."""
    text = (retry_after or "").strip()
    try:
        if re.fullmatch(r"[0-9]{1,9}", text):
            wait = float(text)
        else:
            wait = (parsedate_to_datetime(text) - (now or datetime.now(UTC))).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return wait if 0 <= wait <= LONGEST_WAIT else None
