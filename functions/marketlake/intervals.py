"""Day ranges as text: ``2022-01-04`` or ``2022-01-04/2022-03-31`` (ISO 8601 intervals, both ends included).

A range holds the days of a dataset's *calendar* between its ends, so a year is one short string, and even every other
day of 25 years stays far below a state's 256 KB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby

from marketlake.contract import Contract


def to_intervals(contract: Contract, days: Sequence[date]) -> list[str]:
    """The shortest list of day ranges that holds exactly ``days`` (ascending days of the contract's calendar)."""
    due = contract.days(min(days), max(days)) if days else []
    return [f"{first}" if first == last else f"{first}/{last}" for first, last, _ in day_ranges(due, days)]


def day_ranges(due: Sequence[date], days: Collection[date]) -> Iterator[tuple[date, date, int]]:
    """First day, last day and number of days of each range of ``days``, which are some of ``due`` (ascending)."""
    for are_wanted, group in groupby(due, set(days).__contains__):
        if are_wanted:
            found = list(group)
            yield found[0], found[-1], len(found)


def from_intervals(contract: Contract, intervals: Iterable[str]) -> list[date]:
    """The days of the contract's calendar in ``intervals``, ascending.

    Raises:
        ValueError: an interval is not ``date`` or ``date/date``.
    """
    days: list[date] = []
    for interval in intervals:
        first, _, last = interval.partition("/")
        days.extend(contract.days(date.fromisoformat(first), date.fromisoformat(last or first)))
    return days


def text_of(intervals: Sequence[str], most: int = 3) -> str:
    """``intervals`` for people: at most ``most`` of them, then how many more."""
    shown = ", ".join(interval.replace("/", " to ") for interval in intervals[:most])
    return shown if len(intervals) <= most else f"{shown} and {len(intervals) - most} more ranges"
