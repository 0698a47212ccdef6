"""From judged rows to days: accepted, or rejected whole with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import polars as pl

from marketlake.contract import Contract
from marketlake.errors import shorten
from marketlake.intervals import from_intervals, text_of, to_intervals
from marketlake.messages import Fetched, Input, Rejection
from marketlake.symbols import Symbols

MAX_REJECTIONS = 20
"""Most rejections of a batch that are described one by one; further days share the last one, so that a batch's messages
and the execution's history stay bounded (25,000 events) while no day is lost."""


@dataclass(frozen=True)
class RejectedDay:
    """A day that is not loaded: the error class that names why, and a cause for people."""

    day: date
    error: str
    cause: str


def judge_days(
    contract: Contract, rows: pl.DataFrame, days: Sequence[date], symbols: Symbols, *, patch: bool = False
) -> list[RejectedDay]:
    """The rejected ones of ``days``; ``rows`` has ``dt``, the symbol column and ``reason`` (null for good rows).

    A ``patch`` is put into days that are complete without it, as some symbols alone or a day that is looked at again:
    one good row is enough, since it takes no other's place.
    """
    coverage = 0.0 if patch else contract.rules.coverage
    is_good = pl.col("reason").is_null()
    found = rows.group_by("dt").agg(pl.len().alias("rows"), pl.col(contract.symbol_column).filter(is_good))
    counts = {day: (height, set(good)) for day, height, good in found.iter_rows()}
    rejected = []
    for day in days:
        height, good = counts.get(day, (0, set()))
        cause = _too_many_bad(contract, rows.filter(pl.col("dt") == day)) if len(good) < height else ""
        cause = cause or _too_few_good(good, symbols.expected(day), coverage)
        if cause:
            rejected.append(RejectedDay(day, "DataQualityError", cause))
    return rejected


def _too_many_bad(contract: Contract, of_day: pl.DataFrame) -> str:
    bad, most = of_day.drop_nulls("reason"), contract.rules.max_bad_share
    if bad.height / of_day.height <= most:
        return ""
    reason, times = bad["reason"].value_counts(sort=True).row(0)
    return (
        f"{bad.height} of {of_day.height} rows are bad, more than {most:.0%}; "
        f"most often: {reason} ({times} rows); see the quarantined rows"
    )


def _too_few_good(having_good: set[str], expected: Sequence[str], coverage: float) -> str:
    good = having_good & set(expected)
    if good and len(good) >= coverage * len(expected):
        return ""
    absent = sorted(set(expected) - good)
    return (
        f"{len(good)} of {len(expected)} expected symbols have a good row, {coverage:.0%} are needed; "
        f"without one: {', '.join(absent[:5])}{' ...' if len(absent) > 5 else ''}"
    )


def missing_days(contract: Contract, fetched: Fetched) -> list[RejectedDay]:
    """The days that Fetch did not get, late ones first."""
    waiting = f"{contract.source} did not have the day in time; the next daily run asks again"
    absent = (
        f"{contract.source} has nothing for this day although its calendar is open; check the source, then run it "
        "again. After three evenings without it, daily runs ask for it no more"
    )
    late = [RejectedDay(day, "NotYetPublished", waiting) for day in from_intervals(contract, fetched.late)]
    holes = [RejectedDay(day, "UpstreamUnavailable", absent) for day in from_intervals(contract, fetched.holes)]
    return late + holes


def messages(contract: Contract, again: Input, rejected: Sequence[RejectedDay]) -> list[Rejection]:
    """One message a rejected day, at most ``MAX_REJECTIONS``; ``again`` is the input that runs the batch again."""
    ordered = sorted(rejected, key=lambda rejection: rejection.day)
    groups = [[rejection] for rejection in ordered[: MAX_REJECTIONS - 1]]
    rest = ordered[MAX_REJECTIONS - 1 :]
    return [_message(contract, again, group) for group in ([*groups, rest] if rest else groups)]


def _message(contract: Contract, again: Input, group: Sequence[RejectedDay]) -> Rejection:
    first, days = group[0], [rejection.day for rejection in group]
    runs = to_intervals(contract, days)
    cause = first.cause if len(group) == 1 else f"{len(group)} days, {text_of(runs)}; the first: {first.cause}"
    return Rejection(runs, first.error, shorten(cause), msgspec.structs.replace(again, start=days[0], end=days[-1]))
