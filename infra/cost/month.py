"""A month on AWS: what costs money while nothing runs, the daily runs, and a ten-year backfill, against the limit."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from infra import facts
from infra.cost.prices import DAYS_A_MONTH, GB, HOURS_A_MONTH, TB, Bill, Quantities, assumed, bill
from infra.cost.recorded import Used, recorded

PARTS = ("standing", "daily_runs", "month", "ten_year_backfill", "month_with_backfill")
"""The bills of :func:`month`: what stands, a month's daily runs, both, a ten-year backfill, and all together."""

IN_STANDARD = {
    "raw": "raw_days",
    "quarantine": "raw_days",
    "manifests": "manifest_days",
    "claims": "manifest_days",
    "clean": "clean_standard_days",
}
"""Kind of object to the assumption of how long it lies in Standard; reports lie there for ``clean_days``."""

HISTORY = ("by_year", "markers")
"""Kinds of object that are kept for ever; each write adds an old version."""


def month(daily: Used | None, backfill: Used | None) -> dict[str, Bill]:
    """The bills of :data:`PARTS`; without an execution, its part is empty.

    The backfill is scaled by its days to those of ten years, and counted whole in one month: its storage and its move
    to Glacier fall into the five after.
    """
    *fixed, runs, ten_years = _parts(daily, backfill)
    bills = (bill(*fixed), bill(runs), bill(*fixed, runs), bill(ten_years), bill(*fixed, runs, ten_years))
    return dict(zip(PARTS, bills, strict=True))


def readings(daily: Used, backfill: Used) -> dict[str, tuple[Bill, Bill]]:
    """The month, and the month with a ten-year backfill, by what the stack is made with and how AWS bills its metrics.

    The last one is the most that any choice of variables and any reading of the price list makes of it.
    """
    *fixed, runs, ten_years = _parts(daily, backfill)
    metrics = sum(assumed(name) for name in ("metrics", "metrics_on_failure", "metrics_of_trail"))
    whole = {"metric": metrics - sum(part.get("metric", 0.0) for part in (*fixed, runs))}
    further = {"alarm": assumed("further_alarms")}
    changes: dict[str, tuple[Quantities, ...]] = {
        "as it is": (),
        "without the CloudWatch dashboard": ({"dashboard": -1},),
        "with all alarms": (further,),
        "each metric billed for the whole month": (whole,),
        "with all alarms, and each metric billed for the whole month": (further, whole),
    }
    in_backfill = {"metric": -ten_years["metric"]}  # a metric that has the month is not billed again
    return {
        name: (
            bill(*fixed, runs, *change),
            bill(*fixed, runs, ten_years, *change, *([in_backfill] if whole in change else [])),
        )
        for name, change in changes.items()
    }


def verdict(bills: dict[str, Bill]) -> str:
    """The most expensive month's total against the limit, and where it is too much, what to cut."""
    found, limit = bills["month_with_backfill"], assumed("limit_usd")
    text = f"${found.total:.2f} in the most expensive month, at list price, against ${limit:.0f}"
    if found.total < limit:
        return f"{text}; ${found.total - found.free:.2f} after the free tier"
    largest = ", ".join(f"{line.item} (${line.usd:.2f})" for line in found.lines[:3])
    return f"{text}: TOO MUCH. The largest: {largest}; dashboard_enabled = false and alarms = 'essential' come first"


def items(bills: dict[str, Bill]) -> list[dict[str, Any]]:
    """One record an item with its dollars in each part, largest first, and the totals."""
    usd = {part: {(line.service, line.item): line.usd for line in found.lines} for part, found in bills.items()}
    records = [
        {"service": line.service, "item": line.item}
        | {part: round(usd[part].get((line.service, line.item), 0.0), 4) for part in PARTS}
        for line in bills["month_with_backfill"].lines
    ]
    totals = {part: round(found.total, 4) for part, found in bills.items()}
    return [*records, {"service": "total", "item": "", **totals}]


def times(quantities: Quantities, factor: float) -> Quantities:
    """``quantities``, each ``factor`` times."""
    return {name: quantity * factor for name, quantity in quantities.items()}


def scale(backfill: Used) -> float:
    """How many times ``backfill`` fits into ten years; 1 for one that had no days."""
    return assumed("ten_year_days") / backfill.days if backfill.days else 1.0


def _parts(daily: Used | None, backfill: Used | None) -> tuple[Quantities, Quantities, Quantities, Quantities]:
    """Quantities of what stands, of the history, of a month's daily runs and of a ten-year backfill."""
    runs = times({**quantities(daily), "schedule": 1}, assumed("runs_per_month")) if daily else {}
    ten_years = times(quantities(backfill), scale(backfill)) if backfill else {}
    return standing(), history(assumed("history_years")), runs, ten_years


def standing() -> Quantities:
    """Quantities of a month in which nothing runs: alarms, the dashboard, the zips, CloudTrail.

    CloudTrail writes files into its bucket, an hourly digest in each region among them, and a log group. Not counted,
    because they cost nothing: the first copy of management events, the budget, the rule on AWS's own events, keys
    (SSE-S3), the mails of alarms that do not go off. Nor is what that rule starts for an execution that failed: five
    transitions, an eightieth of a cent.
    """
    files = (assumed("trail_regions") + assumed("trail_files_an_hour")) * HOURS_A_MONTH
    kept = (assumed("trail_days") + assumed("noncurrent_days")) / DAYS_A_MONTH
    logs = assumed("trail_events_a_month") * assumed("trail_event_bytes") / GB
    zips = assumed("packages_gb") * assumed("package_versions")
    return {
        "alarm": assumed("alarms"),
        "dashboard": 1,
        "metric": assumed("metrics_of_trail"),
        "s3_put": files,
        "s3_standard": zips + files * assumed("trail_file_bytes") / GB * kept,
        "log_gb": logs,
        "log_gb_month": logs * assumed("log_days") / DAYS_A_MONTH,
    }


def history(years: float) -> Quantities:
    """Quantities of a month of ``years`` years of history: each year's object and its markers, of the three datasets.

    Sizes are those of the recorded backfill.
    """
    used, a_year = recorded()["backfill"], 0.0
    for prefix, (objects, size) in used.written.items():
        if prefix.startswith("by_year/"):
            a_year += size
        elif prefix.startswith("markers/"):
            a_year += objects * size * scale(used) / 10
    return {"s3_standard": years * a_year / GB}


def quantities(used: Used) -> Quantities:
    """Everything that AWS bills for an execution, over the whole life of its data.

    Athena's own requests to S3 are assumed, because the emulator's Athena makes none. Each metric is billed for the
    hours in which it has data, and an execution may begin late in one.
    """
    counts = Counter(used.counts)
    checks, checked, _ = (counts.pop(name) for name in ("checks", "checked", "fetches"))
    years = _objects(used, "by_year")
    logs = counts["lambda_request"] * assumed("lambda_log_bytes") + counts["transition"] * assumed("states_log_bytes")
    metrics = assumed("metrics") + (assumed("metrics_on_failure") if used.failed else 0)
    lists = assumed("athena_lists_a_day") * checked + assumed("athena_lists_a_year") * years
    gets = assumed("athena_gets_a_day") * checked + assumed("athena_gets_a_year") * years
    return {
        **counts,
        **_stored(used),
        "s3_put": counts["s3_put"] + lists + 2 * checks,  # 2: a query's result and its metadata
        "s3_get": counts["s3_get"] + gets,
        "lambda_gb_second": gb_seconds(used),
        "athena_tb": checks * assumed("athena_min_bytes") / TB,
        "glue_request": checks * assumed("glue_requests_a_check"),
        "metric": metrics * (1 + math.floor(used.seconds / 3600)) / HOURS_A_MONTH,
        "log_gb": logs / GB,
        "log_gb_month": logs / GB * assumed("log_days") / DAYS_A_MONTH,
    }


def gb_seconds(used: Used) -> float:
    """Lambda's unit. The emulator's seconds are stretched, as if all were computing on the share of a core."""
    functions, total = facts.functions_file()["functions"], 0.0
    for function, seconds in used.busy.items():
        memory = functions[function]["memory_mb"]
        if used.emulated:
            seconds *= max(1.0, assumed("full_core_mb") / memory)
            seconds += assumed("upstream_seconds") * used.counts["fetches"] if function == "fetch" else 0.0
        total += seconds * memory / 1024
    return total


def _stored(used: Used) -> Quantities:
    """Storage until the lifecycle rules remove what was written, old versions included.

    In a month of daily runs that is what the month's storage costs, once the lake has its age. What lies in the history
    for ever is in :func:`history`; here are the old versions that each write leaves.
    """
    old, moved = assumed("noncurrent_days"), _objects(used, "clean")
    standard = glacier = 0.0
    for prefix, (objects, size) in used.written.items():
        kind = prefix.partition("/")[0]
        kept = old if kind in HISTORY else assumed(IN_STANDARD.get(kind, "clean_days")) + old
        standard += objects * size / GB * kept / DAYS_A_MONTH
        if prefix.startswith("clean/"):
            kept = assumed("clean_days") - assumed("clean_standard_days") + old
            glacier += objects * max(size, assumed("glacier_min_bytes")) / GB * kept / DAYS_A_MONTH
    return {"s3_standard": standard, "s3_glacier": glacier, "s3_move": moved}


def _objects(used: Used, kind: str) -> float:
    return sum(objects for prefix, (objects, _) in used.written.items() if prefix.startswith(f"{kind}/"))


def query_bill(objects: float, size: float, kind: str, *, glacier: bool = False) -> Bill:
    """One query over ``objects`` of ``size`` bytes, a ``kind`` (day or year) each, in Standard or all in Glacier."""
    gets, scanned = objects * assumed(f"athena_gets_a_{kind}"), objects * size
    read = {"s3_glacier_get": gets, "s3_glacier_read": scanned / GB} if glacier else {"s3_get": gets}
    billed = max(scanned, assumed("athena_min_bytes")) / TB
    return bill({"athena_tb": billed, "s3_put": objects * assumed(f"athena_lists_a_{kind}") + 2, **read})
