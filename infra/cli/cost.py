"""``marketlake cost``: what an execution costs on AWS, and what a month and a ten-year backfill do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import msgspec
import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.client.executions import Execution, describe, latest
from infra.client.target import Target
from infra.cost.month import PARTS, items, month, quantities, scale, verdict
from infra.cost.prices import Bill, assumed, bill, price_list
from infra.cost.recorded import Used, is_daily, overlapping, used_by

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
    known = {e.arn: _used(screen, target, e) for e in (chosen, daily, other) if e is not None}
    runs, loaded = known[daily.arn] if daily else None, known[other.arn] if other else None
    own, bills = bill(quantities(known[chosen.arn])), month(runs, loaded)
    if as_json:
        totals = {f"{part}_usd": found.total for part, found in bills.items()}
        screen.document(
            {
                "execution": chosen.name,
                "lines": [asdict(line) for line in own.lines],
                "daily": msgspec.to_builtins(runs),
                "backfill": msgspec.to_builtins(loaded),
                "items": items(bills),
                **totals,
                "limit_usd": assumed("limit_usd"),
            }
        )
    else:
        _show(screen, known[chosen.arn], own, loaded, bills)


def latest_daily(target: Target) -> Execution | None:
    """The latest daily execution that succeeded, among the last ones."""
    good = (describe(target, found.arn) for found in latest(target, LOOKED_AT) if found.status == "SUCCEEDED")
    return next((found for found in good if is_daily(found)), None)


def _used(screen: Screen, target: Target, execution: Execution) -> Used:
    if execution.stopped is None:
        raise Refusal(f"{execution.name} is still {execution.status}", "ask again when it has ended")
    used, others = used_by(target, execution), overlapping(target, execution)
    if used.requests_of:
        screen.say(
            f"[yellow]no requests are recorded for {safe(used.name)}[/]: its S3 requests are those a day of the "
            f"recorded execution {used.requests_of}, see docs/cost.md"
        )
    elif others:
        screen.say(
            f"[yellow]at the same time as {safe(used.name)} ran {safe(', '.join(others))}[/]:"
            " the S3 requests of all of them are counted"
        )
    return used


def _show(screen: Screen, chosen: Used, own: Bill, backfill: Used | None, bills: dict[str, Bill]) -> None:
    table = price_list()
    screen.say(f"list prices of {table.region} as of {table.date}, no free tier taken off")
    if chosen.emulated:
        screen.say("[yellow]measured on the local AWS emulator[/]: its times are scaled, see docs/cost.md")
    lines = [
        asdict(line) | {"quantity": float(f"{line.quantity:.4g}"), "usd": round(line.usd, 6)} for line in own.lines
    ]
    screen.table(lines, ["service", "item", "quantity", "unit", "usd"], title=f"{safe(chosen.name)}: ${own.total:.4f}")
    title = f"a month in dollars, {assumed('runs_per_month'):.0f} daily runs"
    screen.table(items(bills), ["service", "item", *PARTS], title=title)
    if backfill:
        screen.say(f"ten years are {scale(backfill):.2f} times the {backfill.days:,} days of the backfill")
    else:
        screen.say("for a ten-year backfill give one with --backfill NAME")
    color = "green" if bills["month_with_backfill"].total < assumed("limit_usd") else "bold red"
    screen.say(f"[{color}]{safe(verdict(bills))}[/]")
