"""Daily prices from Yahoo Finance through yfinance: complete, or an error that says what is missing and why.

A raw object is one CSV a day, sorted by ticker, with the values as quoted.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from fetch.sources.base import FetchedDays, FetchRequest, is_loopback
from fetch.sources.yahoo_chart import NO_BARS, ChartAnswer
from fetch.sources.yahoo_client import LONDON, LONDON_SUFFIX, YahooClient
from marketlake.errors import TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable

DEFAULT_BASE_URL = "https://query2.finance.yahoo.com"
REMOTE_CONCURRENCY = 4
SHOWN = 5
ASK_AGAIN_SHARE = 0.25
"""Above this share of missing symbols the source itself is in trouble, or has nothing: asking for each again would
only add to it."""
HEADER = "ticker,open,high,low,close,adj_close,volume,dividend,dividend_currency,split_ratio,currency\n"
FIELDS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
_CLOSE, _VOLUME, _DIVIDEND = FIELDS.index("Close"), FIELDS.index("Volume"), FIELDS.index("Dividends")


Lines = dict[str, str]
"""Ticker -> CSV line; of the days before, several lines in the order of the days."""

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
        """Adds what came to ``rows`` and returns the answer for each symbol."""
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
    """One error for all failed symbols, of the class that asks most for patience."""
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
        rows={day: len(rows.days[day]) for day in days},
    )


class Rows:
    """What came, bar by bar.

    Attributes:
        days: wanted day -> lines.
        before: all lines per symbol before the first wanted day.
        seen: all symbols that had any bar.
    """

    def __init__(self, wanted: Sequence[date]) -> None:
        self._wanted = frozenset(wanted)
        self._first = min(wanted)
        self.days: dict[date, Lines] = defaultdict(dict)
        self.before: Lines = {}
        self.seen: set[str] = set()

    def add(self, day: date, symbol: str, bar: Sequence[float], currency: str) -> None:
        """Takes in the bar of one day, in the order of the days."""
        self.seen.add(symbol)
        if not math.isfinite(bar[_CLOSE]):
            return
        if day in self._wanted:
            self.days[day][symbol] = line(symbol, bar, currency)
        elif day < self._first:
            self.before[symbol] = self.before.get(symbol, "") + line(symbol, bar, currency)


def document(lines: Lines) -> bytes:
    """A raw object: the header, then the lines by ticker."""
    return (HEADER + "".join(text for _, text in sorted(lines.items()))).encode()


def read_frame(frame: Any, answers: Mapping[str, ChartAnswer], rows: Rows) -> None:
    """Adds to ``rows`` the bars that ``frame`` has of the symbols in ``answers``, which all have bars.

    A bar to which yfinance moved a dividend or split of another day counts as one without a close: its own values can
    no longer be distinguished from those.
    """
    days = [stamp.date() for stamp in frame.index]
    places = {name: at for at, name in enumerate(frame.columns)}
    values = frame.to_numpy(dtype=float)
    for symbol, answer in answers.items():
        columns = [places.get((symbol, name)) for name in FIELDS]
        if answer.bars is None or None in columns:
            continue
        for day, bar in zip(days, values[:, columns].tolist(), strict=True):
            # yfinance writes a dividend, 0 mostly, on the symbol's own days only; other rows are other symbols' days.
            if math.isnan(bar[_DIVIDEND]):
                continue
            if day in answer.bars.without_volume:
                bar[_VOLUME] = math.nan
            if day in answer.bars.misdated:
                bar[_CLOSE] = math.nan
            rows.add(day, symbol, bar, answer.currency)


def line(symbol: str, bar: Sequence[float], currency: str) -> str:
    """One line: floats by ``repr``, the volume as an integer, empty for what is missing."""
    cells = ["" if not math.isfinite(value) else repr(value) for value in bar]
    cells[_VOLUME] = "" if not math.isfinite(bar[_VOLUME]) else str(int(bar[_VOLUME]))
    cells.insert(_DIVIDEND + 1, "")
    return f"{symbol},{','.join(cells)},{currency}\n"
