"""One chart and one answer of rates from the live sources, step by step, so that the step which broke has a name.

Small, and apart from Fetch: it goes the way of yfinance (cookie, crumb, chart; curl_cffi as a browser)
without it, so that a change at Yahoo and one in the library can be distinguished.
"""

from __future__ import annotations

import csv
import io
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

YAHOO_URL = "https://query2.finance.yahoo.com"
COOKIE_URL = "https://fc.yahoo.com"
CRUMB_URL = "https://query1.finance.yahoo.com/v1/test/getcrumb"
SYMBOL = "AZN.L"
TIMEOUT = 10.0
MAX_AGE_DAYS = 10
"""Older than the longest closing of London and of the ECB (Easter, Christmas) with a day late."""

ADVICE = {
    "address": "give an address such as https://mirror.example.com/yahoo",
    "proxy": "check that the proxy runs and lets this host through (upstream_proxy; or HTTPS_PROXY of this machine)",
    "dns": "check this machine's network and name server; if others resolve it, wait",
    "tls": "check the clock and the certificates of this machine, and whether something in between breaks TLS open",
    "cookie": "the chart may do without it; wait, or go through another address: upstream_proxy",
    "consent": "Yahoo asks for consent here, as in the EU; go through another address: upstream_proxy",
    "crumb": "Yahoo throttles or refuses this address: wait some hours, or go through another one: upstream_proxy",
    "chart": "Yahoo throttles, refuses or fails: wait; if it stays so, upgrade yfinance or set upstream_proxy",
    "shape": "the source's format has changed: see the newest yfinance, and functions/fetch/sources",
    "symbol": "the share was renamed or left: correct the list of tickers (docs/operations.md)",
    "status": "wait; the other source of rates stands in meanwhile",
}
"""Step -> what to do where it broke."""


class Broken(Exception):
    """A step broke; ``found`` says how."""

    def __init__(self, step: str, found: str) -> None:
        super().__init__(f"{step}: {found}")
        self.step, self.found = step, found


@dataclass(frozen=True)
class Addresses:
    """Base URLs of the sources, as Fetch gets them; ``proxy`` empty: that of this machine's environment, if any."""

    yahoo: str
    ecb: str
    frankfurter: str
    proxy: str = ""


@dataclass(frozen=True)
class Probe:
    """What came of asking one source: ``step`` is empty where nothing broke."""

    source: str
    step: str
    found: str

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE.get(self.step, "")


def probe_all(addresses: Addresses, symbol: str = SYMBOL, today: date | None = None) -> list[Probe]:
    """A chart of ``symbol`` and the rates of the last days, from each live source."""
    day = today or datetime.now(UTC).date()
    proxy = addresses.proxy
    return [
        _probe("Yahoo", lambda: ask_yahoo(addresses.yahoo, symbol, day, proxy)),
        _probe("ECB", lambda: ask_ecb(addresses.ecb, day, proxy)),
        _probe("Frankfurter", lambda: ask_frankfurter(addresses.frankfurter, day, proxy)),
    ]


def _probe(source: str, look: Callable[[], str]) -> Probe:
    try:
        return Probe(source, "", look())
    except Broken as error:
        return Probe(source, error.step, error.found)


def ask_yahoo(base_url: str, symbol: str, today: date, proxy: str = "", own: str = YAHOO_URL) -> str:
    """What the chart has; another ``base_url`` than Yahoo's ``own`` is asked for the chart without cookie and crumb.

    Raises:
        Broken: at address, proxy, dns, tls, cookie, consent, crumb, chart, shape or symbol.
    """
    from curl_cffi import requests as curl  # heavy, and most commands ask nobody

    check_way(base_url, proxy)
    with curl.Session[curl.Response](
        impersonate="chrome", timeout=TIMEOUT, proxy=None if is_local(base_url) else proxy or None
    ) as session:
        session.trust_env = not is_local(base_url)
        crumb = _crumb(session, COOKIE_URL, CRUMB_URL) if base_url.rstrip("/") == own else ""
        asked = f"/v8/finance/chart/{quote(symbol)}?range=5d&interval=1d" + (f"&crumb={quote(crumb)}" if crumb else "")
        answer = _get("chart", session, base_url.rstrip("/") + asked)
    return _read_chart(answer.status_code, answer.text, symbol, today)


def _crumb(session: Any, cookie_url: str, crumb_url: str) -> str:
    """The crumb that goes with the cookie.

    Raises:
        Broken: at cookie, consent or crumb.
    """
    found = _get("cookie", session, cookie_url)  # its status is 404 also where it sets the cookie
    if "consent" in urlsplit(found.url).netloc:
        raise Broken("consent", f"{cookie_url} leads to {urlsplit(found.url).netloc}")
    if not session.cookies:
        raise Broken("cookie", f"{cookie_url} sets none (status {found.status_code})")
    answer = _get("crumb", session, crumb_url)
    text = str(answer.text).strip()
    if answer.status_code != 200 or not text or len(text) > 40 or "<" in text or " " in text:
        raise Broken("crumb", f"status {answer.status_code}: {text[:80]!r}")
    return text


def _get(step: str, session: Any, url: str) -> Any:
    try:
        return session.get(url)
    except OSError as error:  # curl_cffi's errors are, as those of requests
        raise Broken(step, f"no answer from {urlsplit(url).netloc} ({type(error).__name__})") from error


def _read_chart(status: int, text: str, symbol: str, today: date) -> str:
    try:
        document = json.loads(text)
        error = document["chart"]["error"]
        result = (document["chart"]["result"] or [None])[0]
    except (ValueError, KeyError, TypeError, IndexError) as wrong:
        raise Broken("chart" if status != 200 else "shape", f"status {status}: {text[:80]!r}") from wrong
    if result is None and isinstance(error, dict) and error.get("code") == "Not Found":
        raise Broken("symbol", f"{symbol}: {str(error.get('description'))[:100]}")
    if status != 200 or result is None:
        raise Broken("chart", f"status {status}: {str(error)[:100]}")
    try:
        named, currency = result["meta"]["symbol"], result["meta"]["currency"]
        stamps, closes = result.get("timestamp") or [], result["indicators"]["quote"][0].get("close") or []
        bars = [(stamp, close) for stamp, close in zip(stamps, closes, strict=True) if close is not None]
        last = [(datetime.fromtimestamp(stamp, UTC).date(), float(close)) for stamp, close in bars][-1:]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, OSError) as wrong:
        raise Broken("shape", f"the chart has no meta, timestamps and closes as known ({wrong!r:.60})") from wrong
    if named != symbol:
        raise Broken("symbol", f"Yahoo answers for {named!r:.20} instead of {symbol}")
    if not last or last[0][0] < today - timedelta(days=MAX_AGE_DAYS):
        raise Broken("symbol", f"{symbol} has no bar since {last[0][0] if last else 'five days'}")
    return f"{symbol} closed at {last[0][1]:g} {currency} on {last[0][0]}"


def ask_ecb(base_url: str, today: date, proxy: str = "") -> str:
    """The last rate of the dollar in the ECB's data API.

    Raises:
        Broken: at address, proxy, dns, tls, status or shape.
    """
    since = today - timedelta(days=MAX_AGE_DAYS)
    url = f"{base_url.rstrip('/')}/data/EXR/D.USD.EUR.SP00.A?startPeriod={since}&endPeriod={today}&format=csvdata"
    text = _answer(url, proxy)
    try:
        rates = {line["TIME_PERIOD"]: float(line["OBS_VALUE"]) for line in csv.DictReader(io.StringIO(text))}
        day = max(rates)
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise Broken("shape", f"no table of rates: {text[:80]!r}") from error
    return f"1 EUR = {rates[day]:g} USD on {day}"


def ask_frankfurter(base_url: str, today: date, proxy: str = "") -> str:
    """The last rate of the dollar in Frankfurter's v1.

    Raises:
        Broken: at address, proxy, dns, tls, status or shape.
    """
    url = f"{base_url.rstrip('/')}/{today - timedelta(days=MAX_AGE_DAYS)}..{today}?base=EUR&symbols=USD"
    text = _answer(url, proxy)
    try:
        rates = json.loads(text)["rates"]
        day = max(rates)
        return f"1 EUR = {float(rates[day]['USD']):g} USD on {day}"
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Broken("shape", f"no document of rates: {text[:80]!r}") from error


def _answer(url: str, proxy: str) -> str:
    import httpx

    check_way(url, proxy)
    local = is_local(url)
    try:
        found = httpx.get(
            url,
            timeout=TIMEOUT,
            follow_redirects=True,
            trust_env=not local,
            proxy=None if local else proxy or None,
            headers={"User-Agent": "marketlake"},
        )
    except httpx.HTTPError as error:
        raise Broken("status", f"no answer from {urlsplit(url).netloc} ({type(error).__name__})") from error
    if found.status_code != 200:
        raise Broken("status", f"status {found.status_code}: {found.text[:80]!r}")
    return found.text


def is_local(url: str) -> bool:
    """Whether ``url`` is of this machine, where no proxy leads."""
    return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")


def check_way(url: str, proxy: str = "") -> None:
    """Looks the host up and shakes hands with it; through a proxy, only the way to the proxy can be looked at.

    Raises:
        Broken: at address, proxy, dns or tls.
    """
    if proxy and not is_local(url):
        host, port, _ = _place(proxy, "proxy")
        _connect("proxy", "proxy", host, port).close()
        return
    host, port, secure = _place(url, "address")
    with _connect("dns", "tls" if secure else "status", host, port) as raw:
        if secure:
            try:
                ssl.create_default_context().wrap_socket(raw, server_hostname=host).close()
            except OSError as error:  # ssl.SSLError is one
                raise Broken("tls", f"{host}: {error}") from error


def _place(url: str, step: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
    except ValueError as error:
        raise Broken(step, f"{url!r:.80} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise Broken(step, f"{url!r:.80} is not an http or https URL")
    return host, port, secure


def _connect(unknown: str, refused: str, host: str, port: int) -> socket.socket:
    try:
        return socket.create_connection((host, port), TIMEOUT)
    except socket.gaierror as error:
        raise Broken(unknown, f"{host} is not known: {error.strerror}") from error
    except OSError as error:
        raise Broken(refused, f"{host}:{port} cannot be reached: {error}") from error
