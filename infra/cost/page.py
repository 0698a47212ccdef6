"""``docs/cost.md``, made from the estimate and the data files."""

from __future__ import annotations

import json

from infra import facts
from infra.cost.bill import Bill, Line
from infra.cost.estimate import Estimate, query_bill, scale, years_query_bill
from infra.cost.measure import Measured, Sizes
from infra.cost.standing import ALARMS, ALARMS_A_DATASET, ALARMS_A_FUNCTION, alarms
from infra.cost.tables import assumed, assumptions, prices
from infra.cost.views import SERVICE_COLUMNS, service_records, verdict
from infra.pages.markdown import markdown_table

QUERIED_DAYS = 2530
QUERIED_YEARS = 10
"""Trading days of ten years."""

HEAD = """# What it costs

Dollars a month on AWS in London (`{region}`) at list prices as of {date}, without VAT and **without the free tier**.
Made from two executions on the embedded AWS by `python -m tests.unit.cli.test_ops_cost_page`; a test holds it to them.
`marketlake cost [EXECUTION] [--backfill EXECUTION] [--json]` computes the same from an execution's own history, on the
embedded AWS or in an account.

**{verdict}.**

Where nothing else in the account uses the free tier that each account has every month (ten alarms, three dashboards,
ten metrics, most of the rest), a month of daily runs costs ${after_free:.2f}.
"""

LARGEST = """
## Largest items

{largest}

The first two are a price for being watched, not for data: without the dashboard and with the alarms on executions,
freshness and the queue alone ({kept} of {alarms}), the month would cost ${bare:.2f}. CloudTrail's requests are its own
files: a digest an hour in each region that is switched on (`trail_enabled = false` saves them where the account has a
trail). A metric of our own is billed for the hours in which it has data, {hours:.0f} of 730 a month here; were they
billed whole, the {metrics} would cost ${whole:.2f}, and the month ${dear:.2f}.
"""

QUERIES = """
## People's queries

They are not in the tables. One query over ten years of `ftse100_prices` ({days:,} days, an object each) costs
${standard:.3f} while the days lie in Standard, nearly all of it for Athena's requests to S3, and ${glacier:.3f} once
they are in Glacier Instant Retrieval, whose requests and reads are dear: a hundred such queries a month are
${many:.0f}. A query over a month of days costs ${month:.5f}: give each
query a condition on `dt`. The same ten years of `ftse100_prices_by_year`, which stays in Standard, are {years}
objects and ${by_year:.5f}: the saved queries over long windows read that.
"""

ABOUT = """
## How it is counted

- *Step Functions*: every state entered, every retry, and a start of the execution and of each iteration. The embedded
  AWS has no events for states inside the Map; there the way between the tasks is taken from the definition.
- *Lambda*: each task's time from the history, the way to the function included, times its memory. The embedded AWS runs
  a function on a whole core at once, so its times are stretched as if they were all computing on Lambda's share of one,
  and each Fetch gets {upstream:.0f} s for the live source. With every one of the {fetches} Fetches of a month at its
  timeout of {timeout} s, Lambda would cost ${slow:.2f} more.
- *S3*: requests from the batches' counts and what each function does (`infra/cost/requests.py`): for a new day a
  raw PUT, two raw GETs, a Parquet PUT and a marker PUT, and Athena's own LIST and GETs; for a day looked at again a raw
  PUT, a raw GET and a marker GET; for each year in which a batch writes days two LISTs, a GET and a PUT. Held against
  the embedded AWS's record of the functions' calls, it is exact; Athena's own requests are assumed. Storage is counted
  until the lifecycle rules remove it, old versions included.
- *Athena*: one query a batch of at most 260 days, 10 MB at least. *Messages* cost only where something fails.
- *The ten-year backfill* is counted whole in one month, although its move to Glacier and its storage come later. The
  lifecycle removes its days after {clean_days:.0f} days; loading them again costs the same again.
- *Left out*: traffic to the internet (requests to the sources, a few MB at $0.09 a GB), people's queries (above),
  QuickSight (off by default), and Terraform's state.
"""


def page(found: Estimate, sizes: Sizes) -> str:
    """The whole page.

    Raises:
        ValueError: one of the two measurements is missing.
    """
    if found.daily is None or found.backfill is None:
        raise ValueError("the page needs a daily execution and a backfill")
    table = prices()
    parts = [
        HEAD.format(
            region=table.region,
            date=table.date,
            verdict=verdict(found),
            after_free=found.month.total - found.month.free,
        ),
        f"\n{_services(found)}\n\n{_measured('Daily run', found.daily)}{_measured('Backfill', found.backfill)}"
        f"  Ten years are {scale(found.backfill):.2f} times it.\n",
        _largest(found),
        _queries(sizes),
        f"\n## A month of {assumed('runs_per_month'):.0f} daily runs\n\n{_lines(found.month)}\n",
        f"\n## The ten-year backfill\n\n{_lines(found.ten_years)}\n",
        _about(found),
        f"\n## Assumptions\n\n{_assumptions()}\n",
        f"\n## Prices\n\n{_prices()}\n",
    ]
    return "".join(parts)


def _services(found: Estimate) -> str:
    names = ["service", "standing", f"{assumed('runs_per_month'):.0f} daily runs", "month", "ten-year backfill"]
    rows = [
        [record["service"], *(f"{record[name]:.4f}" for name in SERVICE_COLUMNS[1:])]
        for record in service_records(found)
    ]
    rows[-1] = [f"**{cell}**" for cell in rows[-1]]
    return markdown_table(names, rows, left=1)


def _measured(kind: str, found: Measured) -> str:
    used = found.quantities
    return (
        f"- {kind} `{found.name}`: {found.days:,} days in {found.batches} batches, {found.calls} calls,\n"
        f"  {used['transition']:.0f} transitions, {used['lambda_gb_second']:,.0f} GB-seconds (stretched),\n"
        f"  {used['s3_put']:,.0f} PUT and LIST and {used['s3_get']:,.0f} GET requests,"
        f" {found.seconds:.0f} s on the embedded AWS.\n"
    )


def _largest(found: Estimate) -> str:
    dearest = found.worst_month.largest(5)
    text = "\n".join(
        f"{place}. {line.service}, {line.item.lower()}: ${line.usd:.2f}" for place, line in enumerate(dearest, 1)
    )
    by_item = {line.item: line for line in found.month.lines}
    alarm, metric = by_item["Alarms"], by_item["Metrics of our own"]
    kept = sum(ALARMS.values()) - 2  # without Athena failures and refused calls
    bare = found.month.total - by_item["Dashboard"].usd - alarm.usd * (alarms() - kept) / alarms()
    whole_months = round(metric.quantity * 730 / assumed("runs_per_month"))
    whole = prices().by_name["metric"].of(whole_months)
    return LARGEST.format(
        largest=text,
        kept=kept,
        alarms=alarms(),
        bare=bare,
        hours=assumed("runs_per_month"),
        metrics=whole_months,
        whole=whole,
        dear=found.month.total - metric.usd + whole,
    )


def _queries(sizes: Sizes) -> str:
    size = sizes.of("clean", "ftse100_prices")
    glacier = query_bill(QUERIED_DAYS, size, glacier=True).total
    return QUERIES.format(
        days=QUERIED_DAYS,
        standard=query_bill(QUERIED_DAYS, size, glacier=False).total,
        glacier=glacier,
        many=100 * glacier,
        month=query_bill(22, size, glacier=False).total,
        years=QUERIED_YEARS,
        by_year=years_query_bill(QUERIED_YEARS, sizes.of("year", "ftse100_prices")).total,
    )


def _about(found: Estimate) -> str:
    functions = json.loads((facts.FUNCTIONS / "functions.json").read_text("utf-8"))["functions"]
    timeout = functions["fetch"]["timeout_seconds"]
    fetches = found.daily.batches * assumed("runs_per_month") if found.daily else 0
    more = (timeout - assumed("upstream_seconds")) * fetches
    return ABOUT.format(
        upstream=assumed("upstream_seconds"),
        fetches=round(fetches),
        timeout=timeout,
        slow=prices().by_name["lambda_gb_second"].of(more),
        clean_days=assumed("clean_days"),
    )


def _lines(found: Bill) -> str:
    return markdown_table(
        ["service", "item", "quantity", "unit", "$", "of it free"], map(_line, found.largest(99)), left=2
    )


def _line(line: Line) -> list[str]:
    quantity = f"{line.quantity:,.0f}" if line.quantity >= 100 else f"{line.quantity:.4g}"
    return [line.service, line.item, quantity, line.unit, f"{line.usd:.4f}", f"{line.free_usd:.4f}"]


def _assumptions() -> str:
    rows = [[f"`{name}`", f"{value:,.10g}", why] for name, (value, why) in assumptions().items()]
    watched = f"{', '.join(ALARMS)}; for each function {', '.join(ALARMS_A_FUNCTION)}; for each dataset "
    rows.append(["alarms", f"{alarms()}", f"{watched}{', '.join(ALARMS_A_DATASET)} (`infra/terraform/alarms.tf`)"])
    return markdown_table(["what", "value", "why"], rows, left=3)


def _prices() -> str:
    rows = [
        [
            p.service,
            p.item,
            f"{p.usd:.10g}",
            f"{p.per:,.10g} {p.unit}",
            f"{p.free:,.10g}",
            f"[{p.verified}]({p.source})",
        ]
        for p in prices().by_name.values()
    ]
    return markdown_table(["service", "item", "$", "for", "free a month", "compared with"], rows, left=2)
