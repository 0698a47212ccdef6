"""``marketlake partitions``: what is in the lake and what is missing, by calendar."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.options import AsJson, known_datasets, parse_day, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.client.lake import Inventory, take_inventory, years_of
from marketlake.failures import load_again
from marketlake.intervals import text_of

COLUMNS = ["dataset", "year", "due", "complete", "by_day", "in_history", "missing", "which"]


def partitions(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Argument(help="Only this dataset.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="First day; else the first that is stored.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last day; else the last that is due.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show, by year, the days that each dataset's calendar has, those in the lake, and those missing.

    A day is complete when it was checked and the history (the table by year) holds it; its object by day expires.
    """
    screen = Screen(as_json)
    first, last = parse_day("--start", start), parse_day("--end", end)
    if first and last and first > last:
        raise Refusal(f"--start {first} is after --end {last}; accepted is a start on or before the end")
    names = known_datasets(dataset)
    target = setup_of(context).target()
    inventories = [take_inventory(target, name, first, last) for name in screen.each("looking at", names)]
    records = [record for inventory in inventories for record in inventory.years()]
    cells = records if as_json else [{**r, "which": text_of(r["missing_days"], most=2)} for r in records]
    screen.table(cells, COLUMNS, title=f"days in {safe(target.described)}", empty="no day is stored yet")
    for inventory in inventories:
        _remark(screen, inventory)
    if target.simulated:
        screen.say(f"[yellow]{safe(target.simulated)}[/]")


def _remark(screen: Screen, inventory: Inventory) -> None:
    name = inventory.contract.name
    if inventory.missing:
        screen.say(f"load what is missing: {load_again(name, inventory.missing)}")
    if inventory.unchecked:
        screen.say(f"{name}: {len(inventory.unchecked)} days are written but not checked; a backfill loads them again")
    if inventory.lost:
        years = " or ".join(f"marketlake restore {name} {year}" for year in years_of(inventory.lost))
        screen.say(
            f"[red]{name}: {len(inventory.lost)} days were checked, and are not in the history any more[/]; "
            f"bring back their year's object: {years}; else load what is missing"
        )
    if inventory.unexpected:
        days = ", ".join(f"{day}" for day in inventory.unexpected[:3])
        screen.say(f"{name}: {len(inventory.unexpected)} days are stored that are not in its calendar, such as {days}")
