"""What the lake holds of a dataset, day by day, against the dataset's calendar: without reading a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from infra.client.target import Target
from marketlake.contract import Contract, load_contract
from marketlake.history import history_of
from marketlake.intervals import to_intervals
from marketlake.layout import clean_prefix, objects_by_day
from marketlake.markers import marked_days


@dataclass(frozen=True)
class Inventory:
    """Days of a dataset in a window: those due by its calendar, with a daily object, in the history, with a marker.

    A day is complete when it was checked, so that it has a marker, and the history holds it. Its daily object expires.
    """

    contract: Contract
    due: tuple[date, ...]
    by_day: frozenset[date]
    in_history: frozenset[date]
    marked: frozenset[date]

    @property
    def stored(self) -> frozenset[date]:
        """Days that have rows, by day or in the history."""
        return self.by_day | self.in_history

    @property
    def complete(self) -> list[date]:
        """Days of the calendar that are loaded: checked, and in the history."""
        return [day for day in self.due if day in self.in_history and day in self.marked]

    @property
    def missing(self) -> list[date]:
        """Days of the calendar that are not complete; a backfill loads them."""
        return [day for day in self.due if day not in self.in_history or day not in self.marked]

    @property
    def unchecked(self) -> list[date]:
        """Days with rows and no marker: written, but not checked; the next run or backfill loads them again."""
        return sorted(self.stored - self.marked)

    @property
    def lost(self) -> list[date]:
        """Days with a marker that the history does not hold: their year's object was lost, or is an older one."""
        return sorted(self.marked - self.in_history)

    @property
    def unexpected(self) -> list[date]:
        """Days with rows that the calendar does not have."""
        return sorted(self.stored - set(self.due))

    @property
    def by_kind(self) -> dict[str, Sequence[date]]:
        """All of these days; the last kind that a day is of says most about it."""
        return {
            "due": self.due,
            "by_day": sorted(self.by_day),
            "in_history": sorted(self.in_history),
            "complete": self.complete,
            "missing": self.missing,
            "unchecked": self.unchecked,
            "lost": self.lost,
            "unexpected": self.unexpected,
        }

    def years(self) -> list[dict[str, Any]]:
        """A record a year: how many of its days are of each kind, and the missing ones as day ranges."""
        kinds = self.by_kind
        records = []
        for year in years_of(self.due):
            days = {kind: [day for day in found if day.year == year] for kind, found in kinds.items()}
            counts = {kind: len(found) for kind, found in days.items()}
            missing = to_intervals(self.contract, days["missing"])
            records.append({"dataset": self.contract.name, "year": f"{year}", **counts, "missing_days": missing})
        return records


def years_of(days: Iterable[date]) -> list[int]:
    """The years of ``days``, ascending."""
    return sorted({day.year for day in days})


def last_due_day(target: Target, dataset: str) -> date:
    """The last day that ``dataset`` can have here: due by now, and known to the sources where they are simulated."""
    due = load_contract(dataset).last_due_day(datetime.now(UTC))
    known = (target.replay or {}).get("last_day")
    return min(due, date.fromisoformat(known)) if known else due


def take_inventory(target: Target, dataset: str, start: date | None, end: date | None) -> Inventory:
    """What there is of ``dataset`` from ``start`` (else the first day stored) to ``end`` (else the last day due).

    Raises:
        ContractViolation: a year's object does not say which days it holds; the message says what to do.
    """
    contract, bucket = load_contract(dataset), target.bucket("clean")
    last = end or last_due_day(target, dataset)
    by_day = {day for day, _, _ in objects_by_day(bucket, clean_prefix(dataset), start, last)}
    in_history = history_of(bucket, dataset, start, last).keys()
    marked = marked_days(bucket, dataset, start or contract.first_date, last)
    first = start or min(by_day | in_history | marked, default=None)
    due = tuple(contract.days(first, last)) if first else ()
    return Inventory(contract, due, frozenset(by_day), frozenset(in_history), frozenset(marked))
