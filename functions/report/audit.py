"""The daily audit of the history: each year's object against the markers and the daily objects.

A day that was checked is in its year's object from then on, and nothing here takes it out again. Where it is not, an
object was removed, replaced or damaged from outside, or an execution ended between two writes and was never run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from marketlake.contract import load_contract
from marketlake.errors import ContractViolation
from marketlake.failures import load_again
from marketlake.history import history_of, mark_of
from marketlake.intervals import text_of, to_intervals
from marketlake.layout import clean_etags
from marketlake.markers import marked_days
from marketlake.storage import Bucket


class Gap(Struct, frozen=True):
    """What is wrong in the history of a dataset: in how many days (0: unknown), and in words, with what to run."""

    dataset: str
    days: int
    text: str


def is_daily(document: object) -> bool:
    """Whether an execution's input asks for the daily run: that is the one which looks at the whole history."""
    return isinstance(document, dict) and not document.get("start")


def audit(clean: Bucket, datasets: Sequence[str]) -> list[Gap]:
    """What is wrong in the history of ``datasets``; a request for each year, and three or four more a dataset."""
    return [gap for dataset in datasets for gap in _audit(clean, dataset)]


def _audit(clean: Bucket, dataset: str) -> list[Gap]:
    contract = load_contract(dataset)
    try:
        held = history_of(clean, dataset, None, date.max)
    except ContractViolation as damaged:
        return [Gap(dataset, 0, f"{dataset}: {damaged}")]
    marked = marked_days(clean, dataset, contract.first_date, date.max)
    there = clean_etags(clean, dataset, None, date.max)
    lacking = sorted(marked - held.keys())
    other = sorted(day for day in marked & held.keys() & there.keys() if mark_of(there[day]) != held[day])
    gaps = []
    if lacking:
        days = text_of(to_intervals(contract, lacking))
        years = sorted({day.year for day in lacking})
        others = f", and {len(years) - 1} other years alike" if len(years) > 1 else ""
        restore = f"marketlake restore {dataset} {years[0]}{others}"
        text = f"not in the history, though they were checked: {days}; restore ({restore}), else load them again"
        gaps.append(Gap(dataset, len(lacking), f"{dataset}: {text}: {load_again(dataset, lacking)}"))
    if other:
        days = text_of(to_intervals(contract, other))
        text = f"by year with other rows than by day: {days}; load them again"
        gaps.append(Gap(dataset, len(other), f"{dataset}: {text}: {load_again(dataset, other)} --force"))
    return gaps


def gap_document(gaps: Sequence[Gap]) -> dict[str, Any]:
    """For output and cause; empty where nothing is wrong."""
    if not gaps:
        return {}
    return {"history": {"days": sum(gap.days for gap in gaps), "lines": [gap.text for gap in gaps]}}
