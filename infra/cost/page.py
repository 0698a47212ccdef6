"""The tables and the figures of ``docs/cost.md``, from the recorded executions; cog puts them into the page."""

from __future__ import annotations

from infra.cost.month import PARTS, gb_seconds, history, items, month, query_bill, readings, verdict
from infra.cost.prices import DAYS_A_MONTH, GB, Bill, assumed, bill, price_list
from infra.cost.recorded import recorded
from infra.pages.markdown import markdown_table

SMALL = 0.005
"""Dollars below which an item is in the totals only."""


def bills() -> dict[str, Bill]:
    """The bills of the recorded executions."""
    return month(recorded()["daily"], recorded()["backfill"])


def item_table() -> str:
    """Dollars of each item above half a cent, in each part, and the totals with the smaller ones."""
    shown = [record for record in items(bills()) if record["month_with_backfill"] > SMALL]
    rows = [[record["service"], record["item"], *(f"{record[part]:.4f}" for part in PARTS)] for record in shown]
    return markdown_table(["service", "item", *(part.replace("_", " ") for part in PARTS)], rows, left=2)


def reading_table() -> str:
    """Dollars of the month by what the stack is made with and how AWS bills its metrics."""
    rows = [
        [name, f"{found.total:.2f}", f"{found.total - found.free:.2f}", f"{loaded.total:.2f}"]
        for name, (found, loaded) in readings(recorded()["daily"], recorded()["backfill"]).items()
    ]
    return markdown_table(["", "month", "after the free tier", "month with a ten-year backfill"], rows, left=1)


def execution_table() -> str:
    """What the recorded executions did."""
    head = ["", "run on", "days", "batches", "calls", "transitions", "GB-seconds", "PUT, LIST", "GET", "seconds"]
    rows = []
    for kind, used in recorded().items():
        counts = [used.counts[name] for name in ("lambda_request", "transition")]
        counts += [gb_seconds(used), used.counts["s3_put"], used.counts["s3_get"], used.seconds]
        shown = [f"{number:,.0f}" for number in (used.days, used.batches, *counts)]
        rows.append([kind, f"{used.started:%Y-%m-%d}", *shown])
    return markdown_table(head, rows, left=2)


def figures() -> dict[str, object]:
    """The figures in the page's sentences."""
    found, table = bills()["month"], price_list()
    years = sum(size for kind, (_, size) in recorded()["daily"].written.items() if kind.startswith("by_year/"))
    old_versions = assumed("runs_per_month") * years / GB * assumed("noncurrent_days") / DAYS_A_MONTH
    day, year = (recorded()["backfill"].written[f"{kind}/ftse100_prices"][1] for kind in ("clean", "by_year"))
    return {
        "verdict": verdict(bills()),
        "region": table.region,
        "date": table.date,
        "runs": round(assumed("runs_per_month")),
        "month": found.total,
        "month_after_free": found.total - found.free,
        "alarms": round(assumed("alarms")),
        "further_alarms": round(assumed("further_alarms")),
        "metrics": round(sum(assumed(name) for name in ("metrics", "metrics_on_failure", "metrics_of_trail"))),
        "history_year": bill(history(1)).total,
        "history_ten": bill(history(10)).total,
        "history_mb": history(1)["s3_standard"] * 1000,
        "history_versions": bill({"s3_standard": old_versions}).total,
        "query": query_bill(2530, day, "day").total,
        "query_glacier": query_bill(2530, day, "day", glacier=True).total,
        "query_month": query_bill(22, day, "day").total,
        "query_years": query_bill(10, year, "year").total,
    }
