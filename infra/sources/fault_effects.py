"""What each kind of fault does to a chart document, to rates, and to a whole response."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from infra.sources.ecb import Rates
from infra.sources.fault_rules import DATA, FaultRule
from infra.sources.http_types import HTML, TEXT, Response

_PRICES = ("open", "high", "low", "close")
_PAGE = b"<!doctype html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


def spoiled(response: Response, rule: FaultRule) -> Response:
    """``response`` with a transport fault."""
    half = response.body[: max(len(response.body) // 2, 1)]
    changes: dict[str, dict[str, Any]] = {
        "status": {"status": rule.status, "body": _reason(rule.status), "content_type": TEXT},
        "html": {"status": 200, "body": _PAGE, "content_type": HTML},
        "truncated": {"body": half},
        "empty": {"body": b""},
        "hang": {"behaviour": "hang", "seconds": rule.seconds},
        "reset": {"behaviour": "reset"},
    }
    return response.but(**changes[rule.kind])


def _reason(status: int) -> bytes:
    return b"Too Many Requests\r\n" if status == 429 else f"injected status {status}".encode()


def changed_chart(document: dict[str, Any], rules: Sequence[FaultRule]) -> dict[str, Any]:
    """A chart document with data faults; one without bars can only lose its currency."""
    result = document["chart"]["result"][0]
    for rule in (rule for rule in rules if rule.kind in DATA):
        if rule.kind == "no_currency":
            result["meta"]["currency"] = None
        elif rule.kind == "pence_for_pounds":
            result["meta"]["currency"] = "GBP"
        elif result.get("timestamp"):
            _change_bars(result, rule)
    return document


def _change_bars(result: dict[str, Any], rule: FaultRule) -> None:
    columns: list[list[Any]] = [result["timestamp"], *_columns(result).values()]
    hit = _hit([datetime.fromtimestamp(at, UTC).date() for at in result["timestamp"]], rule)
    if rule.kind == "nan_bar":
        for values in _columns(result).values():
            values[:] = [None if at in hit else value for at, value in enumerate(values)]
    elif rule.kind == "scale100":
        for name, values in _columns(result).items():
            if name != "volume":
                values[:] = [_times100(value) if at in hit else value for at, value in enumerate(values)]
    else:
        order = _reordered(len(result["timestamp"]), hit, rule)
        for values in columns:
            values[:] = [values[at] for at in order]


def _columns(result: dict[str, Any]) -> dict[str, list[Any]]:
    return {**result["indicators"]["quote"][0], **result["indicators"]["adjclose"][0]}


def _times100(value: float | None) -> float | None:
    return None if value is None else round(value * 100, 2)


def _hit(days: list[date], rule: FaultRule) -> set[int]:
    """Positions of the rule's days, or of the last day."""
    return {at for at, day in enumerate(days) if day in rule.dates} if rule.dates else {len(days) - 1}


def _reordered(count: int, hit: set[int], rule: FaultRule) -> list[int]:
    """New order of the rows: without the hit ones, with them twice, or shuffled."""
    if rule.kind == "stale":
        return [at for at in range(count) if at not in hit]
    if rule.kind == "duplicate_day":
        return [at for at in range(count) for _ in range(2 if at in hit else 1)]
    return random.Random(rule.seed).sample(range(count), count)  # noqa: S311 - repeatable, not secret


def changed_rates(days: list[tuple[date, Rates]], rules: Sequence[FaultRule]) -> list[tuple[date, Rates]]:
    """Rates with data faults: ``nan_bar`` writes the literal NaN, ``scale100`` moves the point, ``stale`` leaves days
    out, ``duplicate_day`` tells them twice, ``shuffle`` changes their order. A ``symbol`` names one currency."""
    for rule in (rule for rule in rules if rule.kind in DATA and days):
        hit = _hit([day for day, _ in days], rule)
        value: Callable[[str], str] | None = {"nan_bar": lambda _: "NaN", "scale100": _moved}.get(rule.kind)
        if value:
            days = [(day, _mapped(rates, rule, value) if at in hit else rates) for at, (day, rates) in enumerate(days)]
        elif rule.kind in ("stale", "duplicate_day", "shuffle"):
            days = [days[at] for at in _reordered(len(days), hit, rule)]
    return days


def _moved(rate: str) -> str:
    return format(Decimal(rate) * 100, "f")


def _mapped(rates: Rates, rule: FaultRule, value: Callable[[str], str]) -> Rates:
    return {code: value(rate) if rule.symbol in (None, code) else rate for code, rate in rates.items()}
