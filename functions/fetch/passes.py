"""One pass over a source for all batches of a window: a chart answers a symbol's whole history in one request.

The first batch to come claims the pass by an object in S3, asks the source for the whole window, and keeps what came
there, a file a year. The others read their days from it: no symbol is asked for twice in an execution. Those that come
while it is under way fail with ``PassUnderWay``, whose retrier waits at no cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import ClassVar, Self

import msgspec
from msgspec import Struct

from fetch.sources.base import NO_BARS, FetchedDays, FetchRequest, Source
from marketlake import errors
from marketlake.contract import Contract
from marketlake.errors import MarketlakeError, PassUnderWay
from marketlake.layout import pass_key
from marketlake.manifest import JSON
from marketlake.messages import Batch, BatchTask
from marketlake.storage import Bucket, PreconditionFailed

STATE = "pass.json"
CSV = "text/csv"
YEAR, MONTH = len("YYYY"), len("YYYY-MM")

LONGEST = timedelta(minutes=6)
"""A pass that is older and not done was killed: ``fetch`` has five minutes, and clocks differ."""


class Answered(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a pass, or a part of one, ended. ``header`` is the first line of each document; the symbols are as in
    ``FetchedDays``."""

    FIELDS: ClassVar = ("missing_symbols", "failed_symbols", "last_bars")

    done: bool = False
    error: str = ""
    cause: str = ""
    header: str = ""
    missing_symbols: dict[str, str] = {}
    failed_symbols: dict[str, str] = {}
    last_bars: dict[str, date] = {}

    def ended(self, fetched: FetchedDays, **more: object) -> Self:
        """The same, done, with what is to be known of ``fetched`` besides its rows."""
        about = {name: getattr(fetched, name) for name in self.FIELDS}
        header = next(iter(fetched.days.values()), b"\n").decode().partition("\n")[0]
        return msgspec.structs.replace(self, done=True, header=header, **about, **more)


class Pass(Answered, frozen=True, omit_defaults=True):
    """What is known of a pass: which batch makes it, since when, and how it ended.

    ``passed_on`` are the batches that its error was passed on to.
    """

    batch: int
    at: datetime
    passed_on: list[int] = []
    years: list[int] = []


class SharedPass:
    """The pass that the batches of an execution with the same window and symbols share, as ``task``'s batch sees it."""

    def __init__(
        self, contract: Contract, raw: Bucket, batch: Batch, task: BatchTask, now: Callable[[], datetime]
    ) -> None:
        self._contract, self._raw, self._batch, self._task, self._now = contract, raw, batch, task, now

    def fetch(self, source: Source, whole: FetchRequest, part: FetchRequest) -> FetchedDays:
        """What the source has of ``part``, the batch's own days and symbols, from one pass for ``whole``.

        Raises:
            PassUnderWay: another batch makes the pass.
            MarketlakeError: of the source's class, if the pass failed.
        """
        mine = Pass(self._task.batch, self._now())
        try:
            etag = self._put(mine)
        except PreconditionFailed:
            stored = self._raw.get(self._key(STATE))
            found = msgspec.json.decode(stored.body, type=Pass)
            if found.done:
                return cut(self._read(found, part), found, part)
            self._refuse(found, stored.etag)
            try:
                etag = self._put(mine, stored.etag)
            except PreconditionFailed as error:
                raise self._under_way() from error
        return self._make(source, whole, part, mine, etag)

    def _make(self, source: Source, whole: FetchRequest, part: FetchRequest, mine: Pass, etag: str) -> FetchedDays:
        try:
            fetched = source.fetch(whole)
        except MarketlakeError as error:
            failed = msgspec.structs.replace(mine, error=type(error).__name__, cause=f"{error}")
            self._end(failed, etag)
            raise
        years = lines_by(YEAR, fetched)
        self._raw.put_many({self._key(f"{year}.csv"): "".join(years[year]).encode() for year in years}, CSV)
        done = mine.ended(fetched, years=sorted(map(int, years)))
        self._end(done, etag)
        return cut([line for year in sorted(years) for line in years[year]], done, part)

    def _refuse(self, found: Pass, etag: str) -> None:
        """Raise unless the pass that was ``found`` is for this batch to make again.

        A failure is passed on to each other batch once, as if its own pass had failed: so all wait, and one asks again.
        """
        me = self._task.batch
        if found.batch == me or me in found.passed_on:
            return
        if found.error:
            self._end(msgspec.structs.replace(found, passed_on=[*found.passed_on, me]), etag)
            raise error_named(found.error)(found.cause)
        if self._now() - found.at < LONGEST:
            raise self._under_way()

    def _under_way(self) -> PassUnderWay:
        return PassUnderWay(
            f"{self._contract.name}: another batch of this execution asks the source for {self._batch.window}; "
            "this one waits for its answer"
        )

    def _end(self, state: Pass, etag: str) -> None:
        # Another batch may have taken the pass over, or been given its failure meanwhile: that one's word stands.
        with suppress(PreconditionFailed):
            self._put(state, etag)

    def _put(self, state: Pass, etag: str = "") -> str:
        body = msgspec.json.encode(state)
        return self._raw.put(self._key(STATE), body, JSON, if_match=etag or None, if_absent=not etag)

    def _read(self, found: Pass, part: FetchRequest) -> list[str]:
        years = [year for year in found.years if part.start.year <= year <= part.end.year]
        stored = self._raw.get_many([self._key(f"{year}.csv") for year in years])
        return [line for one in stored for line in one.body.decode().splitlines(keepends=True)]

    def _key(self, name: str) -> str:
        return pass_key(self._contract, self._task.execution, self._batch.symbols, name)


def lines_by(period: int, fetched: FetchedDays) -> dict[str, list[str]]:
    """The lines of all that came, each begun with its day, by ``YEAR`` or ``MONTH``; days before the first wanted one
    come first."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (fetched.before or b"").decode().splitlines(keepends=True)[1:]:
        found[line[:period]].append(line)
    for day in sorted(fetched.days):
        for line in fetched.days[day].decode().splitlines(keepends=True)[1:]:
            found[f"{day}"[:period]].append(f"{day},{line}")
    return found


def cut(lines: Sequence[str], found: Answered, part: FetchRequest) -> FetchedDays:
    """The answer about ``part`` alone, as the source would have given it, from the ``lines`` of a pass."""
    asked, wanted = set(part.symbols), {f"{day}": day for day in part.days}
    start, first = f"{part.start}", f"{part.days[0]}"
    days: dict[date, list[str]] = defaultdict(list)
    before: dict[str, list[str]] = defaultdict(list)
    came = set()
    for line in lines:
        text, _, row = line.partition(",")
        symbol = row[: row.index(",")]
        if symbol not in asked:
            continue
        if text in wanted:
            days[wanted[text]].append(row)
            came.add(symbol)
        elif start <= text < first:
            before[symbol].append(line)
    missing = {symbol: found.missing_symbols.get(symbol, NO_BARS) for symbol in asked - came - {*found.failed_symbols}}
    context = "".join("".join(before[symbol]) for symbol in sorted(before))
    return FetchedDays(
        days={day: f"{found.header}\n{''.join(rows)}".encode() for day, rows in days.items()},
        before=f"dt,{found.header}\n{context}".encode() if context else None,
        missing_symbols=missing,
        rows={day: len(rows) for day, rows in days.items()},
        failed_symbols={symbol: reason for symbol, reason in found.failed_symbols.items() if symbol in asked},
        last_bars={symbol: day for symbol, day in found.last_bars.items() if symbol in asked},
    )


def error_named(name: str) -> type[MarketlakeError]:
    """The class of the pipeline's errors called ``name``."""
    found = getattr(errors, name, None)
    return found if isinstance(found, type) and issubclass(found, MarketlakeError) else errors.UpstreamUnavailable
