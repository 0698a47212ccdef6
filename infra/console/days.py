"""The lake's days as calendars: one character a day, so that 25 years of every dataset stay small."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import Lock
from typing import Any

from infra.client.lake import Inventory, take_inventory
from infra.client.target import Target
from marketlake.contract import dataset_names, load_contract

LOCAL_SECONDS, AWS_SECONDS = 2.0, 60.0
"""Least time between two looks: for 25 years of a dataset seven requests list its days, seven its markers, and one asks
each year's object which days it holds."""

MARKS = {"complete": "c", "missing": "m", "unchecked": "u", "lost": "l", "unexpected": "x"}
CLOSED, OUTSIDE = "-."


class Calendars:
    """What the lake holds, day by day."""

    def __init__(self, target: Target, clock: Callable[[], float] = time.monotonic) -> None:
        self._target, self._clock, self._lock = target, clock, Lock()
        self._looked, self._found = float("-inf"), dict[str, Any]()

    def document(self) -> dict[str, Any]:
        """Each dataset's calendar, as of a moment ago."""
        with self._lock:
            pause = LOCAL_SECONDS if self._target.is_local else AWS_SECONDS
            if self._clock() - self._looked >= pause:
                inventories = [take_inventory(self._target, name, None, None) for name in dataset_names()]
                self._found = {"datasets": [calendar_of(inventory) for inventory in inventories]}
                self._looked = self._clock()
            return self._found


def calendar_of(inventory: Inventory) -> dict[str, Any]:
    """A dataset's years, newest first; a year has a character a day from its first of January, and its gaps.

    ``c`` complete, ``m`` missing, ``u`` written but not checked, ``l`` checked but not in the history, ``x`` not in the
    calendar, ``-`` closed, ``.`` before the first day that is stored, or not due yet.
    """
    contract, kinds = inventory.contract, inventory.by_kind
    marks = {day: mark for kind, mark in MARKS.items() for day in kinds[kind]}
    return {
        "name": contract.name,
        "title": load_contract(contract.name).description,
        "first": min(inventory.due, default=None),
        "last": max(inventory.due, default=None),
        **{kind: len(days) for kind, days in kinds.items()},
        "years": [{**one, "days": _year(marks, inventory.due, int(one["year"]))} for one in inventory.years()[::-1]],
    }


def _year(marks: Mapping[date, str], due: Sequence[date], year: int) -> str:
    first, last = min(due), max(due)
    days = map(date.fromordinal, range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
    return "".join(marks.get(day, CLOSED if first <= day <= last else OUTSIDE) for day in days)
