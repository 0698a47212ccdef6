"""What each kind of data fault does to rates, and on which days; None means without a fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from infra.faults.rules import Rule

Rates = dict[str, str]
"""Currency code -> rate for one euro, digits as the ECB wrote them; sorted by code."""

Days = list[tuple[date, Rates]]


def chosen(days: list[date], fault: Rule, otherwise: int = -1) -> set[int]:
    """Positions of the rule's days, or the position ``otherwise``, from the end; the first one of a shorter answer."""
    if fault.names_days:
        return {at for at, day in enumerate(days) if fault.is_on(day)}
    return {max(len(days) + otherwise, 0)}


def reordered(count: int, hit: set[int], kind: str) -> list[int]:
    """New order of the rows: without the hit ones, with them twice, or shuffled."""
    if kind == "stale":
        return [at for at in range(count) if at not in hit]
    if kind == "duplicate_day":
        return [at for at in range(count) for _ in range(2 if at in hit else 1)]
    return random.Random(0).sample(range(count), count)  # noqa: S311 - repeatable, not secret


def changed_rates(days: Days, fault: Rule | None) -> Days:
    """Rates with a data fault: ``nan_bar`` writes the literal NaN, ``scale100`` moves the point, ``stale`` leaves days
    out, ``duplicate_day`` gives them twice, ``shuffle`` changes their order."""
    if fault is None or not days:
        return days
    hit = chosen([day for day, _ in days], fault)
    value: Callable[[str], str] | None = {"nan_bar": lambda _: "NaN", "scale100": _moved}.get(fault.kind)
    if value:
        return [(day, _mapped(rates, fault, value) if at in hit else rates) for at, (day, rates) in enumerate(days)]
    if fault.kind in ("stale", "duplicate_day", "shuffle"):
        return [days[at] for at in reordered(len(days), hit, fault.kind)]
    return days


def _moved(rate: str) -> str:
    return format(Decimal(rate) * 100, "f")


def _mapped(rates: Rates, fault: Rule, value: Callable[[str], str]) -> Rates:
    return {code: value(rate) if fault.symbol in ("", code) else rate for code, rate in rates.items()}
