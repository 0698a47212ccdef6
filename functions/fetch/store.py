"""What Fetch decides about a source's answer: which days are late, and what is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fetch.sources.base import FetchedDays
from marketlake.contract import Contract
from marketlake.errors import NotYetPublished, shorten
from marketlake.intervals import text_of, to_intervals
from marketlake.layout import before_key, raw_key
from marketlake.manifest import MAX_SILENT
from marketlake.storage import Bucket
from marketlake.symbols import Symbols

LATE_FOR = timedelta(days=3)
"""A day that is missing at its source is late for so long; after that it is a hole that waiting does not fill."""

SILENT_DAYS = 3
"""A symbol without a bar on so many days in a row, while the source has others, is one to look at."""

MAX_REASON_BYTES = 140
"""Longest text about a silent symbol: Yahoo's own words are in it, and it goes into a mail."""

CONTENT_TYPES = {"csv": "text/csv", "json": "application/json"}


@dataclass(frozen=True)
class Gaps:
    """Days of a batch that can't be stored: ``late`` may still come, ``holes`` will not."""

    late: list[date]
    holes: list[date]

    def without(self, days: Collection[date]) -> Gaps:
        """The same without ``days``."""
        return Gaps([day for day in self.late if day not in days], [day for day in self.holes if day not in days])


def find_gaps(contract: Contract, wanted: Sequence[date], fetched: FetchedDays, symbols: Symbols, at: date) -> Gaps:
    """Days of ``wanted`` that the source does not have, or has for too few symbols while they are still recent.

    An old day with too few symbols is stored: Validate rejects it, with the rows as evidence.
    """
    late: list[date] = []
    holes: list[date] = []
    for day in wanted:
        recent = day >= at - LATE_FOR
        if day not in fetched.days:
            (late if recent else holes).append(day)
        elif recent and fetched.rows[day] < contract.rules.coverage * len(symbols.expected(day)):
            late.append(day)
    return Gaps(late, holes)


def silent_symbols(
    contract: Contract, wanted: Sequence[date], fetched: FetchedDays, symbols: Symbols, at: date
) -> list[str]:
    """Symbols expected on the last of the ``wanted`` days, a recent one, that have no bar on its last three: the first
    few, each with the source's reason.

    Nothing came of them in a pass in which others came: they are dead, renamed or suspended, as far as can be seen.
    """
    last = max(fetched.days, default=None)
    if last is None or last != wanted[-1] or last < at - LATE_FOR or not fetched.last_bars:
        return []
    three = contract.days_up_to(last, SILENT_DAYS)
    silent = []
    for symbol in symbols.expected(last):
        bar = fetched.last_bars.get(symbol)
        if symbol in fetched.failed_symbols or (bar is not None and bar >= three[0]):
            continue
        reason = fetched.missing_symbols.get(symbol, "no bar lately")
        silent.append(shorten(f"{symbol}: {reason}; last bar {bar or 'before the days asked for'}", MAX_REASON_BYTES))
    return silent[:MAX_SILENT]


def refuse_late(contract: Contract, wanted: Sequence[date], gaps: Gaps, *, patient: bool) -> None:
    """Ask for another try while days are late; without patience only if there is nothing else in the batch.

    Raises:
        NotYetPublished: waiting may help, or nothing came at all.
    """
    if gaps.late and (patient or len(gaps.late) == len(wanted)):
        days = text_of(to_intervals(contract, gaps.late))
        raise NotYetPublished(
            f"{contract.name}: {contract.source} does not have {days} yet; the next daily run asks again, "
            "or start a backfill of these days later"
        )


def store(
    contract: Contract, bucket: Bucket, fetched: FetchedDays, days: Sequence[date], symbols: Sequence[str]
) -> None:
    """Write the raw object of each of ``days``, and the bars before the first as context of the day-on-day rule."""
    objects = {raw_key(contract, day, symbols): fetched.days[day] for day in days}
    if fetched.before is not None and days:
        objects[before_key(contract, days[0], symbols)] = fetched.before
    bucket.put_many(objects, CONTENT_TYPES[contract.raw.file.rsplit(".", 1)[1]])
