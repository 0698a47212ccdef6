"""What each kind of data fault does to a chart document and to rates; None means without a fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from infra.faults.kinds import DATA
from infra.faults.rules import Rule

Rates = dict[str, str]
"""Currency code -> rate for one euro, digits as the ECB wrote them; sorted by code."""

Days = list[tuple[date, Rates]]


def changed_chart(document: dict[str, Any], fault: Rule | None) -> dict[str, Any]:
    """A chart document with a data fault; one without bars can only lose its currency."""
    if fault is None or fault.kind not in DATA:
        return document
    result = document["chart"]["result"][0]
    if fault.kind == "no_currency":
        result["meta"]["currency"] = None
    elif fault.kind == "pence_for_pounds":
        result["meta"]["currency"] = "GBP"
    elif result.get("timestamp"):
        _change_bars(result, fault)
    return document


def _change_bars(result: dict[str, Any], fault: Rule) -> None:
    columns = {**result["indicators"]["quote"][0], **result["indicators"]["adjclose"][0]}
    hit = _hit([datetime.fromtimestamp(at, UTC).date() for at in result["timestamp"]], fault)
    if fault.kind == "nan_bar":
        for values in columns.values():
            values[:] = [None if at in hit else value for at, value in enumerate(values)]
    elif fault.kind == "scale100":
        for name, values in columns.items():
            if name != "volume":
                values[:] = [round(value * 100, 2) if at in hit else value for at, value in enumerate(values)]
    else:
        order = _reordered(len(result["timestamp"]), hit, fault.kind)
        for values in (result["timestamp"], *columns.values()):
            values[:] = [values[at] for at in order]


def _hit(days: list[date], fault: Rule) -> set[int]:
    """Positions of the rule's days, or of the last day."""
    return {at for at, day in enumerate(days) if day in fault.dates} if fault.dates else {len(days) - 1}


def _reordered(count: int, hit: set[int], kind: str) -> list[int]:
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
    hit = _hit([day for day, _ in days], fault)
    value: Callable[[str], str] | None = {"nan_bar": lambda _: "NaN", "scale100": _moved}.get(fault.kind)
    if value:
        return [(day, _mapped(rates, fault, value) if at in hit else rates) for at, (day, rates) in enumerate(days)]
    if fault.kind in ("stale", "duplicate_day", "shuffle"):
        return [days[at] for at in _reordered(len(days), hit, fault.kind)]
    return days


def _moved(rate: str) -> str:
    return format(Decimal(rate) * 100, "f")


def _mapped(rates: Rates, fault: Rule, value: Callable[[str], str]) -> Rates:
    return {code: value(rate) if fault.symbol in ("", code) else rate for code, rate in rates.items()}
