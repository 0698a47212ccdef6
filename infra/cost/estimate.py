"""A month of daily runs and a ten-year backfill, from one measured execution of each, held against the limit."""

from __future__ import annotations

from dataclasses import dataclass

from infra.cost.bill import Bill, bill, times, together
from infra.cost.measure import Measured
from infra.cost.standing import standing
from infra.cost.tables import GB, TB, assumed, prices


@dataclass(frozen=True)
class Estimate:
    """Bills: what stands, a month's daily runs, both together, a ten-year backfill, and a month with all of it."""

    daily: Measured | None
    backfill: Measured | None
    standing: Bill
    runs: Bill
    month: Bill
    ten_years: Bill
    worst_month: Bill

    @property
    def within_limit(self) -> bool:
        """Whether the dearest month, at list price, stays under the limit."""
        return self.worst_month.total < assumed("limit_usd")


def estimate(daily: Measured | None, backfill: Measured | None) -> Estimate:
    """The estimate; without a measurement, its part is empty.

    The backfill is scaled by its days to those of ten years, and counted whole in one month: its storage and its move
    to Glacier fall into the five after.
    """
    runs: dict[str, float] = {}
    if daily:
        runs = times({**daily.quantities, "schedule": 1}, assumed("runs_per_month"))
    ten_years = times(backfill.quantities, scale(backfill)) if backfill else {}
    table, fixed = prices(), standing()
    return Estimate(
        daily,
        backfill,
        standing=bill(fixed, table),
        runs=bill(runs, table),
        month=bill(together(fixed, runs), table),
        ten_years=bill(ten_years, table),
        worst_month=bill(together(fixed, runs, ten_years), table),
    )


def scale(backfill: Measured) -> float:
    """How many times ``backfill`` fits into ten years; 1 for one that had no days."""
    return assumed("ten_year_days") / backfill.days if backfill.days else 1.0


def query_bill(days: int, day_bytes: float, *, glacier: bool) -> Bill:
    """One query over ``days`` days of a dataset, whose objects lie in Standard or all in Glacier Instant Retrieval."""
    gets = days * assumed("athena_gets_a_day")
    read = {"s3_glacier_get": gets, "s3_glacier_read": days * day_bytes / GB} if glacier else {"s3_get": gets}
    return _query_bill(days * assumed("athena_lists_a_day"), days * day_bytes, read)


def years_query_bill(years: int, year_bytes: float) -> Bill:
    """One query over all of ``years`` years of a dataset's table by year, whose objects stay in Standard."""
    read = {"s3_get": years * assumed("athena_gets_a_year")}
    return _query_bill(years * assumed("athena_lists_a_year"), years * year_bytes, read)


def _query_bill(lists: float, scanned: float, read: dict[str, float]) -> Bill:
    # 2: the query's result and its metadata
    billed = max(scanned, assumed("athena_min_bytes")) / TB
    return bill({"athena_tb": billed, "s3_put": lists + 2, **read}, prices())
