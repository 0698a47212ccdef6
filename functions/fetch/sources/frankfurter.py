"""Reference rates of the ECB from Frankfurter's v1 API (https://frankfurter.dev/v1/), one request a batch."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from typing import Any, Never

import httpx

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.rates import RatesOfDays, ask, asked_symbols, fetched_days
from marketlake.errors import InvalidRequest, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from marketlake.strict_json import unique_names

HINT = "the batch is retried; if it stays so, check FRANKFURTER_BASE_URL and the service's status"

_CODE = re.compile(r"[A-Z]{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class FrankfurterSource:
    """Rates of one base currency. ``timeout``: seconds, for connecting and for each read; ``proxy``: a URL, or empty.

    An interval that starts on a day without rates is answered from the last published day before it, and days that the
    ECB did not publish are simply not there: what was not wanted is used as context only.
    """

    def __init__(self, base_url: str, base: str = "EUR", timeout: float = 20.0, proxy: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        self._base = base
        self._timeout = timeout
        self._proxy = proxy

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`."""
        return fetched_days(self._base, request, self.rates(request))

    def rates(self, request: FetchRequest) -> RatesOfDays:
        """See :class:`fetch.sources.rates.RatesSource`."""
        symbols = asked_symbols(request, self._base)
        url = f"{self._base_url}/{request.start}..{request.end}"
        parameters = {"base": self._base, **({"symbols": ",".join(symbols)} if symbols else {})}
        response = ask(
            "Frankfurter",
            url,
            parameters,
            accept="application/json",
            timeout=self._timeout,
            proxy=self._proxy,
            hint=HINT,
        )
        return _rates_of(response, self._base)


def _rates_of(response: httpx.Response, base: str) -> RatesOfDays:
    """Rates of an answer; empty where the service says, in its own words, that it has no rates."""
    # JSON is UTF-8, whatever the headers say of its encoding (RFC 8259, section 8.1).
    status, text = response.status_code, response.content.decode("utf-8", "replace")
    shown = f"status {status}: {text[:120]!r}"
    if status == 429:
        raise UpstreamThrottled(f"Frankfurter answered status 429, too many requests; {HINT}")
    if status >= 500:
        raise UpstreamUnavailable(f"Frankfurter answered {shown}; {HINT}")
    if status == 404 and "not found" in text and text.lstrip().startswith("{"):
        return {}
    if status in (400, 422):
        raise InvalidRequest(f"Frankfurter refuses {response.url}, {shown}; check the base currency and the symbols")
    if status in (401, 403):
        raise UpstreamUnavailable(f"Frankfurter refuses this client, {shown}; {HINT}")
    if status != 200:
        raise UpstreamMalformed(f"Frankfurter answered {shown}; {HINT}")
    try:
        return parse_interval(text, base)
    except ValueError as error:
        raise UpstreamMalformed(f"Frankfurter's answer is {error}; {HINT}") from error


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


def parse_interval(text: str, base: str) -> RatesOfDays:
    """Rates of each day of an interval's answer.

    Raises:
        ValueError: it is not such a document; the message continues "the answer is ...".
    """
    if not text.strip():
        raise ValueError("empty")
    if text.lstrip().startswith("<"):
        raise ValueError(f"an HTML page, not JSON: {text.strip()[:80]!r}")
    try:
        document = json.loads(
            text, parse_float=Digits, parse_int=Digits, parse_constant=_refused, object_pairs_hook=unique_names
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"truncated or not JSON: {error} in {len(text)} characters") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(document, dict) or not isinstance(document.get("rates"), dict):
        raise ValueError(f"not an object with rates: {text[:80]!r}")
    if document.get("base") != base:
        raise ValueError(f"about base {document.get('base')!r}, not {base!r}")
    amount = document.get("amount")
    if not isinstance(amount, Digits) or float(amount) != 1:
        raise ValueError(f"for the amount {amount!r}, not 1")
    return {_day(day): _rates(day, rates) for day, rates in document["rates"].items()}


def _refused(constant: str) -> Never:
    raise ValueError(f"unusable: it has {constant} where a rate belongs")


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError(f"unusable: {text!r} is not a date")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"unusable: {text!r} is not a date") from error


def _rates(day: str, rates: Any) -> dict[str, str]:
    if not isinstance(rates, dict):
        raise ValueError(f"unusable: {day} has {rates!r} where an object of rates belongs")
    for code, rate in rates.items():
        if not _CODE.fullmatch(code):
            raise ValueError(f"unusable: {day} names a currency {code!r}")
        if not isinstance(rate, Digits) or not 0 < float(rate) < math.inf:
            raise ValueError(f"unusable: {day} has the rate {rate!r} for {code}, not a positive number")
    return rates
