"""Bills as records: for tables and for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from infra.cost.bill import Bill
from infra.cost.estimate import Estimate, scale
from infra.cost.measure import Measured
from infra.cost.tables import assumed, prices

SERVICE_COLUMNS = ["service", "standing", "daily_runs", "month", "ten_year_backfill"]
LINE_COLUMNS = ["service", "item", "quantity", "unit", "usd"]
CENTS = 4
"""Decimals of a dollar: most items are fractions of a cent."""


def line_records(found: Bill) -> list[dict[str, Any]]:
    """One record an item, dearest first."""
    return [
        {
            **asdict(line),
            "quantity": float(f"{line.quantity:.4g}"),
            "usd": round(line.usd, 6),
            "free_usd": round(line.free_usd, 6),
        }
        for line in found.largest(len(found.lines))
    ]


def service_records(found: Estimate) -> list[dict[str, Any]]:
    """One record a service with its dollars in each part, dearest first, and the totals."""
    parts = {
        "standing": found.standing,
        "daily_runs": found.runs,
        "month": found.month,
        "ten_year_backfill": found.ten_years,
    }
    sums = {name: part.by_service() for name, part in parts.items()}
    records = [
        {"service": service, **{name: round(sums[name].get(service, 0.0), CENTS) for name in parts}}
        for service in found.worst_month.by_service()
    ]
    return [*records, {"service": "total", **{name: round(part.total, CENTS) for name, part in parts.items()}}]


def estimate_document(found: Estimate) -> dict[str, Any]:
    """The estimate for programs."""
    return {
        "prices_of": prices().date,
        "region": prices().region,
        "daily": _measured(found.daily),
        "backfill": _measured(found.backfill),
        "backfill_scaled_by": round(scale(found.backfill), 4) if found.backfill else None,
        "services": service_records(found),
        "largest": line_records(found.worst_month)[:5],
        "month_usd": round(found.month.total, CENTS),
        "ten_year_backfill_usd": round(found.ten_years.total, CENTS),
        "month_with_backfill_usd": round(found.worst_month.total, CENTS),
        "free_tier_usd": round(found.worst_month.free, CENTS),
        "limit_usd": assumed("limit_usd"),
        "within_limit": found.within_limit,
    }


def _measured(found: Measured | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def verdict(found: Estimate) -> str:
    """The total against the limit, and where it is too much, what to cut."""
    total, limit = found.worst_month.total, assumed("limit_usd")
    text = f"${total:.2f} in the dearest month, at list price, against ${limit:.0f}"
    if found.within_limit:
        return f"{text}; ${total - found.worst_month.free:.2f} after the free tier"
    largest = ", ".join(f"{line.item} (${line.usd:.2f})" for line in found.worst_month.largest())
    return f"{text}: TOO MUCH. The largest: {largest}; the dashboard and the alarms on functions go first"
