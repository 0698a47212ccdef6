"""``marketlake cost``: what an execution costs on AWS, and what a month and a ten-year backfill do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.client.executions import Execution, HistoryReader, describe, latest
from infra.client.target import Target
from infra.cost.bill import bill
from infra.cost.estimate import Estimate, estimate, scale
from infra.cost.measure import Measured, Sizes, measure
from infra.cost.sizes import take_sizes
from infra.cost.tables import assumed, prices
from infra.cost.views import (
    LINE_COLUMNS,
    SERVICE_COLUMNS,
    estimate_document,
    line_records,
    service_records,
    verdict,
)

LOOKED_AT = 50
"""Executions among which the latest daily one is looked for."""


def cost(
    context: typer.Context,
    execution: Annotated[
        str | None, typer.Argument(help="Name or ARN; else the latest daily one that succeeded.")
    ] = None,
    backfill: Annotated[str | None, typer.Option(help="A backfill, to be scaled to ten years.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute what an execution costs on AWS, what a month of daily runs does, and what a ten-year backfill does."""
    screen, target = Screen(as_json), setup_of(context).target()
    chosen = describe(target, execution) if execution else latest_daily(target)
    if chosen is None:
        raise Refusal("no daily execution has succeeded yet", "name one, or run one with: marketlake run")
    other = describe(target, backfill) if backfill else None
    if other is None and not is_daily(chosen):
        other, daily = chosen, latest_daily(target)
    else:
        daily = chosen
    sizes = take_sizes(target)
    known = {e.arn: measured(target, e, sizes) for e in (chosen, daily, other) if e is not None}
    found = estimate(known[daily.arn] if daily else None, known[other.arn] if other else None)
    lines = line_records(bill(known[chosen.arn].quantities, prices()))
    if as_json:
        screen.document({"execution": chosen.name, "lines": lines, **estimate_document(found)})
        return
    _tell(screen, target, chosen, lines, found)


def measured(target: Target, execution: Execution, sizes: Sizes) -> Measured:
    """What ``execution`` used.

    Raises:
        Refusal: it has not ended.
    """
    if execution.stopped is None:
        raise Refusal(f"{execution.name} is still {execution.status}", "ask again when it has ended")
    events = HistoryReader(target.states, execution.arn).new()
    return measure(execution.name, events, execution.started, execution.stopped, sizes, embedded=target.is_local)


def is_daily(execution: Execution) -> bool:
    """Whether it was given no window, as the schedule gives none."""
    return "start" not in json.loads(execution.input or "{}")


def latest_daily(target: Target) -> Execution | None:
    """The latest daily execution that succeeded, among the last ones."""
    good = (describe(target, found.arn) for found in latest(target, LOOKED_AT) if found.status == "SUCCEEDED")
    return next((found for found in good if is_daily(found)), None)


def _tell(screen: Screen, target: Target, chosen: Execution, lines: list[dict[str, object]], found: Estimate) -> None:
    table = prices()
    screen.say(f"list prices of {table.region} as of {table.date}, no free tier taken off")
    if target.is_local:
        screen.say("[yellow]measured on the embedded AWS[/]: its times are scaled, see docs/cost.md")
    screen.table(lines, LINE_COLUMNS, title=f"{safe(chosen.name)}: ${sum(float(str(x['usd'])) for x in lines):.4f}")
    runs = f"{assumed('runs_per_month'):.0f} daily runs" if found.daily else "no daily run measured"
    screen.table(service_records(found), SERVICE_COLUMNS, title=f"a month in dollars, {runs}")
    if found.backfill:
        screen.say(f"ten years are {scale(found.backfill):.2f} times the {found.backfill.days:,} days of the backfill")
    else:
        screen.say("for a ten-year backfill give one with --backfill NAME")
    named = [f"{line.service}, {line.item.lower()} ${line.usd:.2f}" for line in found.worst_month.largest()]
    screen.say(f"largest: {safe('; '.join(named))}")
    color = "green" if found.within_limit else "bold red"
    screen.say(f"[{color}]{safe(verdict(found))}[/]")
