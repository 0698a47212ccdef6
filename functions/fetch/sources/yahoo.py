"""Daily prices from Yahoo Finance through yfinance: all that is usable, and what is missing and why.

A raw object is one CSV a day, sorted by ticker, with the values as quoted. One symbol that fails, or is odd, costs
itself; a source that fails costs the batch, which is retried.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from fetch.sources.base import NO_BARS, FetchedDays, FetchRequest, is_loopback, tolerated
from fetch.sources.yahoo_chart import SHOWN_BYTES, Bars, ChartAnswer, described
from fetch.sources.yahoo_client import LONDON, LONDON_SUFFIX, Download, Pass, YahooClient
from marketlake.errors import (
    InvalidRequest,
    TransientError,
    UpstreamMalformed,
    UpstreamThrottled,
    UpstreamUnavailable,
    shorten,
)
from marketlake.telemetry import logger

DEFAULT_BASE_URL = "https://query2.finance.yahoo.com"
REMOTE_CONCURRENCY = 4
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
SHOWN = 4
ASK_AGAIN_SHARE = 0.25
"""Above this share of symbols without an answer to be used as it is, the source itself is in trouble, or has nothing:
asking for each again would only add to it."""
RETRIES_LAST = timedelta(minutes=35)
"""How long the state machine waits in all after UpstreamThrottled. It cannot wait by ``Retry-After``: a retrier has
its intervals from the definition
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error)."""
COLUMNS = "ticker,open,high,low,close,adj_close,volume,dividend,dividend_currency,split_ratio,currency\n"
FIELDS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
_CLOSE, _VOLUME, _DIVIDEND = FIELDS.index("Close"), FIELDS.index("Volume"), FIELDS.index("Dividends")

Lines = Mapping[date, str]
"""Day -> CSV line of one symbol."""


class YahooSource:
    """Bars as Yahoo quotes them, split-adjusted, with the currency that Yahoo's metadata names for each symbol.

    With another ``base_url`` than the default every request of yfinance goes to that server; ``proxy`` is the URL of a
    proxy (HTTP or SOCKS) for all requests to a server that is not on this machine, None for the environment's. ``pace``
    is the most charts that are asked for in a second, 0 for any number.

    Raises:
        InvalidRequest: ``proxy`` is not the URL of a proxy.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        timeout: float = 10.0,
        concurrency: int | None = None,
        proxy: str | None = None,
        pace: float = 0.0,
    ) -> None:
        target = None if base_url.rstrip("/") == DEFAULT_BASE_URL else base_url
        # Threads hide latency; a server on this machine has none, and there they only compete for the interpreter.
        threads = concurrency or (1 if is_loopback(base_url) else REMOTE_CONCURRENCY)
        self._client = YahooClient(target, timeout, threads, checked_proxy(proxy), pace)

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`. Symbols that failed, or lost something, are asked for once again."""
        asked = sorted(set(request.symbols))
        most = tolerated(len(asked))
        with self._client.one_pass(most) as one_pass:
            found = Found(request)
            found.ask(one_pass, asked)
            again = found.unsatisfactory()
            # Throttled is not asked for again in the same pass.
            if not one_pass.session.throttled and len(again) <= max(1, ASK_AGAIN_SHARE * len(asked)):
                found.ask(one_pass, again)
            failed = found.those_with("passing")
            if len(failed) > most or (found.nothing() and (failed or found.those_with("odd"))):
                raise _failure(failed | found.those_with("odd"), len(asked), one_pass.session.retry_after)
        return found.fetched()


def checked_proxy(proxy: str | None) -> str | None:
    """``proxy``, which is the URL of a proxy, or None where none is given."""
    if not proxy:
        return None
    try:
        parts = urlsplit(proxy)
        complete = parts.scheme in PROXY_SCHEMES and parts.hostname and (parts.port or True)
    except ValueError:
        complete = False
    if not complete:
        accepted = ", ".join(f"{scheme}://" for scheme in PROXY_SCHEMES)
        raise InvalidRequest(f"the proxy is not a URL such as http://host:3128; accepted are {accepted}")
    return proxy


class Found:
    """What came, symbol by symbol."""

    def __init__(self, request: FetchRequest) -> None:
        self._request = request
        self._answers: dict[str, ChartAnswer] = {}
        self._lines: dict[str, Lines] = {}

    def ask(self, one_pass: Pass, symbols: Sequence[str]) -> None:
        """Downloads ``symbols``; what is usable replaces what came before, what is not replaces what was not either."""
        for download in one_pass.download(symbols, self._request.start, self._request.end):
            symbol = download.symbol
            answer = _checked(download, one_pass.session.answers.get(symbol.upper()), self._request.end)
            lines = {} if answer.reason else read_frame(symbol, download.frame, answer)
            earlier = self._answers.get(symbol)
            if earlier is None or earlier.reason or not answer.reason:
                self._answers[symbol], self._lines[symbol] = answer, lines

    def unsatisfactory(self) -> list[str]:
        """Symbols without bars, or whose answer lost something."""
        return [symbol for symbol, answer in self._answers.items() if answer.reason or answer.lost]

    def those_with(self, quality: str) -> dict[str, ChartAnswer]:
        """Symbols whose answer is ``odd`` or ``passing``."""
        return {symbol: answer for symbol, answer in self._answers.items() if getattr(answer, quality)}

    def nothing(self) -> bool:
        """Whether no symbol has a usable answer."""
        return all(answer.reason for answer in self._answers.values())

    def fetched(self) -> FetchedDays:
        """All of it, as raw objects."""
        fetched = raw_objects(self._request, self._lines)
        reasons = {symbol: answer for symbol, answer in self._answers.items() if answer.reason}
        fetched.missing_symbols = {name: answer.reason for name, answer in reasons.items() if not answer.passing}
        fetched.failed_symbols = {name: answer.reason for name, answer in reasons.items() if answer.passing}
        fetched.lost = {name: answer.lost for name, answer in self._answers.items() if answer.lost}
        if fetched.lost:
            logger("fetch").warning("parts of Yahoo's answers cannot be used", extra={"lost": fetched.lost})
        return fetched


def _checked(download: Download, answer: ChartAnswer | None, end: date) -> ChartAnswer:
    """The answer, judged against what was asked for and what yfinance made of it."""
    symbol = download.symbol
    said = described(download.error) if download.error else "no exception"
    if answer is None:
        return ChartAnswer(
            failure=UpstreamUnavailable, reason=f"yfinance failed before the chart was asked for ({said})"
        )
    if answer.bars is None:
        return answer
    if answer.symbol != symbol.upper():
        return ChartAnswer(reason=f"Yahoo answers for {answer.symbol[:20]!r} instead")
    if symbol.endswith(LONDON_SUFFIX) and answer.zone != LONDON:
        return _odd(f"its bars are in the time of {answer.zone[:40]!r}")
    # Yahoo sometimes adds the latest price to a window that ended long before.
    if answer.bars.first > end:
        return ChartAnswer(reason=NO_BARS)
    return _odd(f"Yahoo sent bars that yfinance could not read ({said})") if download.error else answer


def _odd(reason: str) -> ChartAnswer:
    return ChartAnswer(failure=UpstreamMalformed, odd=True, reason=reason)


def _failure(failed: Mapping[str, ChartAnswer], asked: int, retry_after: float | None) -> TransientError:
    """One error for all failed symbols, of the class that asks most for patience."""
    order = (UpstreamThrottled, UpstreamUnavailable, UpstreamMalformed)
    kinds = Counter(answer.failure for answer in failed.values())
    kind = next(cls for cls in order if kinds[cls])
    of_kind = {symbol: answer.reason for symbol, answer in failed.items() if answer.failure is kind}
    names = ", ".join(list(of_kind)[:SHOWN]) + (", ..." if len(of_kind) > SHOWN else "")
    counts = ", ".join(f"{kinds[cls]} {cls.__name__}" for cls in order if kinds[cls])
    reason = shorten(next(iter(of_kind.values())), SHOWN_BYTES)
    return kind(
        f"Yahoo failed for {len(failed)} of {asked} symbols ({counts}), so nothing of the batch was stored. "
        f"{names}: {reason}. {_advice(retry_after)}"
    )


def _advice(retry_after: float | None) -> str:
    if retry_after is None:
        return "The batch is retried; if it stays so, run it again later"
    asks = f"Yahoo asks to wait {retry_after:.0f} s (Retry-After)"
    if retry_after <= RETRIES_LAST.total_seconds():
        return f"{asks}; the batch is retried over {RETRIES_LAST.total_seconds() / 60:.0f} minutes"
    until = datetime.now(UTC) + timedelta(seconds=retry_after)
    return f"{asks}, longer than the batch is retried: run it again after {until:%Y-%m-%d %H:%M} UTC"


def raw_objects(request: FetchRequest, lines: Mapping[str, Lines]) -> FetchedDays:
    """The usable bars of all symbols as raw objects: one a wanted day, and one of the days before the first."""
    days: dict[date, list[str]] = {day: [] for day in request.days}
    before: list[str] = []
    last_bars = {}
    for symbol in sorted(lines):
        of_symbol = lines[symbol]
        for day in sorted(of_symbol):
            if day in days:
                days[day].append(of_symbol[day])
            elif day < request.days[0]:
                before.append(f"{day},{of_symbol[day]}")
        if of_symbol:
            last_bars[symbol] = max(of_symbol)
    return FetchedDays(
        days={day: (COLUMNS + "".join(found)).encode() for day, found in days.items() if found},
        before=("dt," + COLUMNS + "".join(before)).encode() if before else None,
        last_bars=last_bars,
        rows={day: len(found) for day, found in days.items() if found},
    )


def read_frame(symbol: str, frame: Any, answer: ChartAnswer) -> Lines:
    """The usable bars, those with a close, of what yfinance made of an answer with bars."""
    bars, found = answer.bars or Bars(date.max), {}
    days = [stamp.date() for stamp in frame.index]
    for day, bar in zip(days, frame[list(FIELDS)].to_numpy(dtype=float).tolist(), strict=True):
        if not math.isfinite(bar[_CLOSE]):
            continue
        if day in bars.without_volume:
            bar[_VOLUME] = math.nan
        if day in bars.doubtful_dividends:
            bar[_DIVIDEND] = math.nan
        found[day] = line(symbol, bar, answer.currency, bars.dividend_currencies.get(day, ""))
    return found


def line(symbol: str, bar: Sequence[float], currency: str, dividend_currency: str = "") -> str:
    """One line: floats by ``repr``, the volume as an integer, empty for what is missing."""
    cells = ["" if not math.isfinite(value) else repr(value) for value in bar]
    cells[_VOLUME] = "" if not math.isfinite(bar[_VOLUME]) else str(int(bar[_VOLUME]))
    cells.insert(_DIVIDEND + 1, dividend_currency)
    return f"{symbol},{','.join(cells)},{currency}\n"
