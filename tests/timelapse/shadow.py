"""What the lake would hold by the rules before decision 12: days replaced whole, years made from the days still there.

Only keys are kept. A year's table lost what the lifecycle had removed as soon as a day of it was written again, and was
itself removed when nothing had been written for as long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

Keys = frozenset[str]


@dataclass
class Before:
    """One dataset as it would be."""

    keep_days: int
    days: dict[date, tuple[date, Keys]] = field(default_factory=dict)
    years: dict[int, tuple[date, dict[date, Keys]]] = field(default_factory=dict)

    def load(self, answered: pl.DataFrame, days: Iterable[date], today: date, *, patch: bool) -> None:
        """A batch was loaded."""
        by_day: dict[date, set[str]] = defaultdict(set)
        for day, symbol in answered.select("dt", "symbol").rows():
            by_day[day].add(symbol)
        changed = set()
        for day in days:
            if patch and day not in self.days:  # was refused
                continue
            keys = frozenset(by_day[day]) | (self.days[day][1] if patch else frozenset())
            self.days[day] = (today, keys)
            changed.add(day.year)
        for year in changed:
            self.years[year] = (today, {day: keys for day, (_, keys) in self.days.items() if day.year == year})

    def expire(self, today: date) -> None:
        """The lifecycle of an evening."""
        oldest = today - timedelta(days=self.keep_days)
        self.days = {day: kept for day, kept in self.days.items() if kept[0] >= oldest}
        self.years = {year: kept for year, kept in self.years.items() if kept[0] >= oldest}

    def held(self) -> set[tuple[date, str]]:
        """Keys in the tables by year."""
        return {(day, key) for _, days in self.years.values() for day, keys in days.items() for key in keys}
