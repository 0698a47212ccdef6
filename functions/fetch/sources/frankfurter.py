"""Reference rates of the ECB from Frankfurter's v1 API (https://frankfurter.dev/v1/), one request a batch."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from typing import Any, Never

import httpx

from fetch.sources.base import FetchedDays, FetchRequest, is_loopback
from marketlake.errors import InvalidRequest, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from marketlake.strict_json import unique_names

DEFAULT_BASE_URL = "https://api.frankfurter.dev/v1"
USER_AGENT = "marketlake"
HINT = "the batch is retried; if it stays so, check FRANKFURTER_BASE_URL and the service's status"

RatesOfDays = dict[date, dict[str, str]]
"""Day -> currency code -> rate, as the digits that were received."""

_CODE = re.compile(r"[A-Z]{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class FrankfurterSource:
    """Rates of one base currency. ``timeout`` is in seconds, for connecting and for each read.

    An interval that starts on a day without rates is answered from the last published day before it, and days that the
    ECB did not publish are simply not there: what was not wanted is used as context only.
    """

    def __init__(self, base_url: str = DEFAULT_BASE_URL, base: str = "EUR", timeout: float = 20.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._base = base
        self._timeout = timeout

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`."""
        symbols = [symbol for symbol in request.symbols if symbol != self._base]
        url = f"{self._base_url}/{request.start}..{request.end}"
        response = self._get(url, {"base": self._base, **({"symbols": ",".join(symbols)} if symbols else {})})
        return self._split(request, symbols, _rates_of(response, self._base))

    def _get(self, url: str, parameters: dict[str, str]) -> httpx.Response:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        # A proxy from the environment cannot reach a server on this machine's loopback.
        options: dict[str, Any] = {"timeout": self._timeout, "trust_env": not is_loopback(url)}
        try:
            with httpx.Client(headers=headers, follow_redirects=True, **options) as client:
                return client.get(url, params=parameters)
        except httpx.TimeoutException as error:
            raise UpstreamUnavailable(f"Frankfurter did not answer in {self._timeout:g} s at {url}; {HINT}") from error
        except (httpx.DecodingError, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise UpstreamMalformed(f"Frankfurter's answer cannot be decoded or followed: {error}; {HINT}") from error
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise UpstreamUnavailable(f"no complete answer from Frankfurter at {url}: {reason}; {HINT}") from error

    def _split(self, request: FetchRequest, symbols: list[str], rates: RatesOfDays) -> FetchedDays:
        wanted = [day for day in request.days if rates.get(day)]
        earlier = [day for day in rates if day < request.days[0] and rates[day]]
        quoted = {code for day in wanted for code in rates[day]}
        return FetchedDays(
            days={day: raw_document(self._base, day, rates[day]) for day in wanted},
            before=raw_document(self._base, max(earlier), rates[max(earlier)]) if earlier else None,
            missing_symbols={symbol: "no rate in the days asked for" for symbol in symbols if symbol not in quoted},
            rows={day: len(rates[day]) for day in wanted},
        )


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
    document = _parsed(text)
    if not isinstance(document, dict) or not isinstance(document.get("rates"), dict):
        raise ValueError(f"not an object with rates: {text[:80]!r}")
    if document.get("base") != base:
        raise ValueError(f"about base {document.get('base')!r}, not {base!r}")
    amount = document.get("amount")
    if not isinstance(amount, Digits) or float(amount) != 1:
        raise ValueError(f"for the amount {amount!r}, not 1")
    return {_day(day): _rates(day, rates) for day, rates in document["rates"].items()}


def _parsed(text: str) -> Any:
    if not text.strip():
        raise ValueError("empty")
    if text.lstrip().startswith("<"):
        raise ValueError(f"an HTML page, not JSON: {text.strip()[:80]!r}")
    try:
        return json.loads(
            text, parse_float=Digits, parse_int=Digits, parse_constant=_refused, object_pairs_hook=unique_names
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"truncated or not JSON: {error} in {len(text)} characters") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


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


def raw_document(base: str, day: date, rates: dict[str, str]) -> bytes:
    """The raw object of one day: what the API answers for a single day, compact, sorted by code, digits untouched."""
    quoted = ",".join(f'"{code}":{rate}' for code, rate in sorted(rates.items()))
    return f'{{"amount":1.0,"base":"{base}","date":"{day}","rates":{{{quoted}}}}}'.encode()
