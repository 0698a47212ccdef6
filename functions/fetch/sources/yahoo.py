"""Daily prices from Yahoo Finance through yfinance: all that is usable, and what is missing and why.

A raw object is one CSV a day, sorted by ticker, with the values as quoted. One symbol that fails, or is odd, costs
itself; a source that fails costs the batch, which is retried.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import compress, repeat
from typing import Any
from urllib.parse import urlsplit

import msgspec

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
COLUMNS = b"ticker,open,high,low,close,adj_close,volume,dividend,dividend_currency,split_ratio,currency\n"
FIELDS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
_CLOSE, _VOLUME, _DIVIDEND = FIELDS.index("Close"), FIELDS.index("Volume"), FIELDS.index("Dividends")
DAY = len("YYYY-MM-DD")
SMALL, LARGE = 1e-4, 1e16
"""Sizes from which on, and up to which, ``repr`` writes floats without an exponent; a test tries what lies around."""


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
        self._lines: dict[str, bytes] = {}

    def ask(self, one_pass: Pass, symbols: Sequence[str]) -> None:
        """Downloads ``symbols``; what is usable replaces what came before, what is not replaces what was not either."""
        for download in one_pass.download(symbols, self._request.start, self._request.end):
            symbol = download.symbol
            answer = _checked(download, one_pass.session.answers.get(symbol.upper()), self._request.end)
            lines = b"" if answer.reason else read_frame(symbol, download.frame, answer)
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


def raw_objects(request: FetchRequest, lines: Mapping[str, bytes]) -> FetchedDays:
    """The usable bars of all symbols as raw objects: one a wanted day, and one of the days before the first.

    ``lines`` has :func:`csv_lines` of each symbol.
    """
    days = {f"{day}".encode(): bytearray() for day in request.days}
    first, before = min(days), bytearray()
    last_bars = {}
    for symbol in sorted(lines):
        of_symbol = lines[symbol].splitlines(keepends=True)
        for row in of_symbol:
            day = row[:DAY]
            if day in days:
                days[day] += row[DAY + 1 :]
            elif day < first:
                before += row
        if of_symbol:
            last_bars[symbol] = date.fromisoformat(of_symbol[-1][:DAY].decode())
    found = {day: name for day, name in zip(request.days, [*days], strict=True) if days[name]}
    return FetchedDays(
        rows={day: days[name].count(b"\n") for day, name in found.items()},
        days={day: COLUMNS + days.pop(name) for day, name in found.items()},
        before=b"dt," + COLUMNS + before if before else None,
        last_bars=last_bars,
    )


def read_frame(symbol: str, frame: Any, answer: ChartAnswer) -> bytes:
    """The usable bars of what yfinance made of an answer with bars, as :func:`csv_lines`."""
    bars = answer.bars or Bars(date.max)
    days = frame.index.date.tolist()
    columns = [frame[name].tolist() for name in FIELDS]
    for odd, column in ((bars.without_volume, columns[_VOLUME]), (bars.doubtful_dividends, columns[_DIVIDEND])):
        for at in [at for at, day in enumerate(days) if day in odd] if odd else ():
            column[at] = math.nan
    return csv_lines(symbol, days, columns, answer.currency, bars.dividend_currencies)


def csv_lines(
    symbol: str,
    days: Sequence[date],
    columns: Sequence[Sequence[float]],
    currency: str,
    dividend_currencies: Mapping[date, str] | None = None,
) -> bytes:
    """The bars of one symbol that have a close: a line each of its day and, from there on, of the day's raw object.

    ``columns`` are those of ``FIELDS``, each with a value for each of the ascending ``days``. Floats are written by
    ``repr``, volumes as integers, and nothing for what is not finite.
    """
    counts = [int(value) if math.isfinite(value) else value for value in columns[_VOLUME]]
    texts = [written(counts if at == _VOLUME else values) for at, values in enumerate(columns)]
    named = dividend_currencies or {}
    texts.insert(_DIVIDEND + 1, [named.get(day, "") for day in days] if named else [""] * len(days))
    rows = zip(map(date.isoformat, days), repeat(symbol), *texts, repeat(currency), strict=False)
    text = "\n".join(map(",".join, compress(rows, texts[_CLOSE])))
    return f"{text}\n".encode() if text else b""


def written(values: Sequence[float]) -> list[str]:
    """``repr`` of each value, empty for what is not finite.

    JSON has null for that. msgspec writes the same digits as ``repr``, the fewest that are read as the same float, in a
    tenth of the time, but exponents otherwise.
    """
    sizes = [*filter(math.isfinite, map(abs, filter(None, values)))]
    if values and min(sizes, default=SMALL) >= SMALL and max(sizes, default=SMALL) < LARGE:
        return msgspec.json.encode(values).decode()[1:-1].replace("null", "").split(",")
    return [repr(value) if math.isfinite(value) else "" for value in values]
