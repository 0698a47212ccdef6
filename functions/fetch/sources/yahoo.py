"""Daily prices from Yahoo Finance through yfinance: complete, or an error that says what is missing and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.loopback import is_loopback
from fetch.sources.yahoo_chart import NO_BARS, ChartAnswer
from fetch.sources.yahoo_client import LONDON, LONDON_SUFFIX, YahooClient
from fetch.sources.yahoo_frame import Rows, document, read_frame
from marketlake.errors import TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable

DEFAULT_BASE_URL = "https://query2.finance.yahoo.com"
REMOTE_CONCURRENCY = 4
SHOWN = 5
ASK_AGAIN_SHARE = 0.25
"""Above this share of missing symbols the source itself is in trouble, or has nothing: asking for each again would
only add to it."""


UNREAD = ChartAnswer(failure=UpstreamMalformed, reason="Yahoo sent bars that yfinance could not read")


class YahooSource:
    """Bars as Yahoo quotes them, split-adjusted, with the currency that Yahoo's metadata names for each symbol.

    With another ``base_url`` than the default every request of yfinance goes to that server.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        timeout: float = 10.0,
        concurrency: int | None = None,
    ) -> None:
        target = None if base_url.rstrip("/") == DEFAULT_BASE_URL else base_url
        # Threads hide latency; a server on this machine has none, and there they only compete for the interpreter.
        threads = concurrency or (1 if is_loopback(base_url) else REMOTE_CONCURRENCY)
        self._client = YahooClient(target, timeout, threads)

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`. Symbols that failed are asked for again, one by one."""
        asked = sorted(set(request.symbols))
        rows = Rows(request.days)
        answers = self._download(asked, request, rows) if asked else {}
        missing = [symbol for symbol, answer in answers.items() if answer.reason]
        few = len(missing) <= max(1, ASK_AGAIN_SHARE * len(asked))
        for symbol in missing if few else []:
            answers |= self._download([symbol], request, rows)
        failed = {symbol: answer for symbol, answer in answers.items() if answer.failure}
        if failed:
            raise _failure(failed, len(asked))
        return _fetched(request, answers, rows)

    def _download(self, symbols: Sequence[str], request: FetchRequest, rows: Rows) -> dict[str, ChartAnswer]:
        """Adds what came to ``rows`` and returns what became of each symbol."""
        frame, seen = self._client.download(symbols, request.start, request.end)
        answers = {symbol: _checked(symbol, seen.get(symbol), request.end) for symbol in symbols}
        usable = {symbol: answer for symbol, answer in answers.items() if not answer.reason}
        read_frame(frame, usable, rows)
        return answers | {symbol: UNREAD for symbol in usable if symbol not in rows.seen}


def _checked(symbol: str, answer: ChartAnswer | None, end: date) -> ChartAnswer:
    """The answer, judged against what was asked for."""
    if answer is None:
        return ChartAnswer(failure=UpstreamUnavailable, reason="yfinance never asked for its chart")
    if answer.bars is None:
        return answer
    if answer.symbol != symbol:
        return ChartAnswer(reason=f"Yahoo answers for {answer.symbol[:20]!r} instead")
    if symbol.endswith(LONDON_SUFFIX) and answer.zone != LONDON:
        return ChartAnswer(failure=UpstreamMalformed, reason=f"its bars are in the time of {answer.zone[:40]!r}")
    if answer.bars.repeated:
        days = ", ".join(map(str, answer.bars.repeated[:3]))
        return ChartAnswer(failure=UpstreamMalformed, reason=f"more than one bar on {days}")
    # Yahoo sometimes adds the latest price to a window that ended long before.
    return ChartAnswer(reason=NO_BARS) if answer.bars.first > end else answer


def _failure(failed: Mapping[str, ChartAnswer], asked: int) -> TransientError:
    """One error for all failed symbols, of the class that most tells the caller to slow down."""
    order = (UpstreamThrottled, UpstreamUnavailable, UpstreamMalformed)
    kinds = Counter(answer.failure for answer in failed.values())
    kind = next(cls for cls in order if kinds[cls])
    of_kind = {symbol: answer.reason for symbol, answer in failed.items() if answer.failure is kind}
    names = ", ".join(list(of_kind)[:SHOWN]) + (", ..." if len(of_kind) > SHOWN else "")
    counts = ", ".join(f"{kinds[cls]} {cls.__name__}" for cls in order if kinds[cls])
    return kind(
        f"Yahoo failed for {len(failed)} of {asked} symbols ({counts}), so nothing of the batch was stored. "
        f"{names}: {next(iter(of_kind.values()))}. The batch is retried; if it stays so, run it again later"
    )


def _fetched(request: FetchRequest, answers: Mapping[str, ChartAnswer], rows: Rows) -> FetchedDays:
    days = [day for day in request.days if day in rows.days]
    return FetchedDays(
        days={day: document(rows.days[day]) for day in days},
        before=document(rows.before) if rows.before else None,
        missing_symbols={symbol: answer.reason for symbol, answer in answers.items() if answer.reason},
        missing_days=[day for day in request.days if day not in rows.days],
        rows={day: len(rows.days[day]) for day in days},
        missing_bars={day: sorted(symbols) for day, symbols in sorted(rows.without_close.items())},
    )
