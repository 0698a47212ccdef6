"""What the lake holds of a dataset, day by day, against the dataset's calendar: from key listings alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from infra.client.target import Target
from marketlake.contract import Contract, load_contract
from marketlake.intervals import to_intervals
from marketlake.layout import clean_prefix, marker_prefix, objects_by_day
from marketlake.storage import Bucket


@dataclass(frozen=True)
class Inventory:
    """Days of a dataset in a window: which its calendar has, which have a clean object, which a marker.

    A day is complete when it has both: the marker is written last.
    """

    contract: Contract
    due: tuple[date, ...]
    clean: frozenset[date]
    marked: frozenset[date]

    @property
    def complete(self) -> list[date]:
        """Days of the calendar that have data and marker."""
        return [day for day in self.due if day in self.clean and day in self.marked]

    @property
    def missing(self) -> list[date]:
        """Days of the calendar that are not complete."""
        return [day for day in self.due if day not in self.clean or day not in self.marked]

    @property
    def unchecked(self) -> list[date]:
        """Days with data and no marker: written, but not checked; the next run or backfill loads them again."""
        return sorted(self.clean - self.marked)

    @property
    def lost(self) -> list[date]:
        """Days with a marker and no data: somebody deleted the object; only ``backfill --force`` loads them again."""
        return sorted(self.marked - self.clean)

    @property
    def unexpected(self) -> list[date]:
        """Days with data that the calendar does not have."""
        return sorted(self.clean - set(self.due))

    @property
    def by_kind(self) -> dict[str, Sequence[date]]:
        """All of these days; the last kind that a day is of says most about it."""
        return {
            "due": self.due,
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
        for year in sorted({day.year for day in self.due}):
            days = {kind: [day for day in found if day.year == year] for kind, found in kinds.items()}
            counts = {kind: len(found) for kind, found in days.items()}
            missing = to_intervals(self.contract, days["missing"])
            records.append({"dataset": self.contract.name, "year": f"{year}", **counts, "missing_days": missing})
        return records


def last_due_day(target: Target, dataset: str) -> date:
    """The last day that ``dataset`` can have here: due by now, and known to the sources where they are simulated."""
    due = load_contract(dataset).last_due_day(datetime.now(UTC))
    known = (target.replay or {}).get("last_day")
    return min(due, date.fromisoformat(known)) if known else due


def take_inventory(target: Target, dataset: str, start: date | None, end: date | None) -> Inventory:
    """What there is of ``dataset`` from ``start`` (else the first day stored) to ``end`` (else the last day due)."""
    contract, bucket = load_contract(dataset), target.bucket("clean")
    last = end or last_due_day(target, dataset)
    clean = _days(bucket, clean_prefix(dataset), start, last)
    marked = _days(bucket, marker_prefix(dataset), start, last)
    first = start or min(clean | marked, default=None)
    due = tuple(contract.days(first, last)) if first else ()
    return Inventory(contract, due, frozenset(clean), frozenset(marked))


def _days(bucket: Bucket, prefix: str, start: date | None, end: date) -> set[date]:
    return {day for day, _, _ in objects_by_day(bucket, prefix, start, end)}
