"""Reference rates: what the sources of them share, and the one in which the ECB comes first and Frankfurter second.

Why two, and which wins: docs/decisions/0014-the-ecb-first.md.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

import httpx

from fetch.sources.base import FetchedDays, FetchRequest, is_loopback
from marketlake.errors import TransientError, UpstreamMalformed, UpstreamUnavailable, shorten
from marketlake.telemetry import logger

USER_AGENT = "marketlake"
SHOWN = 5
MAX_REASON_BYTES = 190

RatesOfDays = dict[date, dict[str, str]]
"""Day -> currency code -> rate, as the digits that were received."""


class RatesSource(Protocol):
    """A service that answers for the rates of a window in one request."""

    def rates(self, request: FetchRequest) -> RatesOfDays:
        """All that it has from the request's first day of context to its last day.

        Raises:
            UpstreamThrottled, UpstreamUnavailable, UpstreamMalformed: no complete answer, for a reason that may pass.
            InvalidRequest: the service refuses the arguments.
        """


class ReferenceRates:
    """Rates of one base currency: ``first`` is asked, and ``second`` where that fails or lacks a wanted day.

    Where both have a rate and it differs, it is logged, and ``first`` wins.
    """

    def __init__(self, first: RatesSource, second: RatesSource, base: str) -> None:
        self._first, self._second, self._base = first, second, base

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`."""
        try:
            rates = self._first.rates(request)
        except TransientError as error:
            logger("fetch").warning("the ECB failed, Frankfurter is asked", extra={"reason": str(error)})
            return fetched_days(self._base, request, self._instead(request, error))
        if any(not rates.get(day) for day in request.days):
            rates = self._filled(request, rates)
        return fetched_days(self._base, request, rates)

    def _instead(self, request: FetchRequest, failed: TransientError) -> RatesOfDays:
        """The second source's rates; where it fails too, one error of the kind of the first names both reasons."""
        try:
            return self._second.rates(request)
        except TransientError as error:
            first, second = (shorten(str(one), MAX_REASON_BYTES) for one in (failed, error))
            raise type(failed)(f"{first}; in its place: {second}") from error

    def _filled(self, request: FetchRequest, rates: RatesOfDays) -> RatesOfDays:
        """``rates`` with the days that only the second source has; the two are held against each other."""
        try:
            others = self._second.rates(request)
        except TransientError as error:
            # What the ECB has is right without it; a day that neither has is late, and late days are waited for.
            logger("fetch").warning("the ECB lacks days, and Frankfurter failed", extra={"reason": str(error)})
            return rates
        differing = differences(rates, others)
        if differing:
            logger("fetch").warning(
                "Frankfurter differs from the ECB, whose rates are taken",
                extra={"differing": differing[:SHOWN], "count": len(differing)},
            )
        return others | {day: quoted for day, quoted in rates.items() if quoted}


def differences(first: RatesOfDays, second: RatesOfDays) -> list[str]:
    """What both have and tell differently, as "2026-11-20 USD 1.1 (other source: 1.2)"; 1.10 and 1.1 are the same."""
    return [
        f"{day} {code} {rate} (other source: {second[day][code]})"
        for day in sorted(first.keys() & second.keys())
        for code, rate in sorted(first[day].items())
        if code in second[day] and float(rate) != float(second[day][code])
    ]


def asked_symbols(request: FetchRequest, base: str) -> list[str]:
    """The currencies to name in a request; none: all."""
    return [symbol for symbol in request.symbols if symbol != base]


def fetched_days(base: str, request: FetchRequest, rates: RatesOfDays) -> FetchedDays:
    """Raw objects of the wanted days, and of the last day before them."""
    wanted = [day for day in request.days if rates.get(day)]
    earlier = [day for day in rates if day < request.days[0] and rates[day]]
    quoted = {code for day in wanted for code in rates[day]}
    missing = [symbol for symbol in asked_symbols(request, base) if symbol not in quoted]
    return FetchedDays(
        days={day: raw_document(base, day, rates[day]) for day in wanted},
        before=raw_document(base, max(earlier), rates[max(earlier)]) if earlier else None,
        missing_symbols=dict.fromkeys(missing, "no rate in the days asked for"),
        rows={day: len(rates[day]) for day in wanted},
    )


def raw_document(base: str, day: date, rates: dict[str, str]) -> bytes:
    """The raw object of one day: what Frankfurter answers for one day, compact, sorted by code, digits untouched.

    It is the same whichever source it came from, so that a day which comes from the other one later is no change.
    """
    quoted = ",".join(f'"{code}":{rate}' for code, rate in sorted(rates.items()))
    return f'{{"amount":1.0,"base":"{base}","date":"{day}","rates":{{{quoted}}}}}'.encode()


@lru_cache(maxsize=2)
def _trusted(*, environment: bool) -> ssl.SSLContext:
    """What httpx makes for each client: reading the authorities takes longer than reading a year of rates."""
    return httpx.create_ssl_context(trust_env=environment)


def ask(
    service: str, url: str, parameters: Mapping[str, str], *, accept: str, timeout: float, proxy: str, hint: str
) -> httpx.Response:
    """The answer of ``service`` to one GET, redirects followed; ``proxy``: URL, empty for the environment's.

    Raises:
        UpstreamUnavailable: no complete answer in ``timeout`` seconds (for connecting and for each read).
        UpstreamMalformed: an answer that cannot be decoded, or leads nowhere.
    """
    headers = {"User-Agent": USER_AGENT, "Accept": accept}
    # No proxy, whether given or of the environment, reaches a server on this machine's loopback.
    local = is_loopback(url)
    options: dict[str, Any] = {"timeout": timeout, "trust_env": not local, "proxy": None if local else proxy or None}
    options["verify"] = _trusted(environment=not local)
    try:
        with httpx.Client(headers=headers, follow_redirects=True, **options) as client:
            return client.get(url, params=dict(parameters))
    except httpx.TimeoutException as error:
        raise UpstreamUnavailable(f"{service} did not answer in {timeout:g} s at {url}; {hint}") from error
    except (httpx.DecodingError, httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise UpstreamMalformed(f"{service}'s answer cannot be decoded or followed: {error}; {hint}") from error
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise UpstreamUnavailable(f"no complete answer from {service} at {url}: {reason}; {hint}") from error
