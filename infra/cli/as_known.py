"""``marketlake as-known``: a day's rows as the lake had them at an earlier time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

import typer

from infra.cli.options import AsJson, known_datasets, parse_day, setup_of
from infra.cli.screen import Screen, safe
from infra.client.day_states import DayStates, states_of
from infra.client.errors import Refusal
from marketlake.contract import load_contract


def as_known(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    day: Annotated[str, typer.Argument(help="The day, YYYY-MM-DD.")],
    on: Annotated[str | None, typer.Option("--on", help="As known at the end of this day (UTC); else each.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", help="This symbol alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a day's rows as the lake had them before they were corrected, as far back as versions are kept."""
    known_datasets(dataset)
    contract, about, end = load_contract(dataset), parse_day("DAY", day), parse_day("--on", on)
    if about is None:
        raise Refusal("DAY is empty; accepted is a date as YYYY-MM-DD")
    screen, found = Screen(as_json), states_of(setup_of(context).target(), contract, about)
    if not found.states:
        raise Refusal(f"no version that is kept of {dataset} {about.year} holds {about}", "marketlake partitions")
    moment = datetime.combine(end, time(), UTC) + timedelta(days=1) if end else None
    states = [found.on(moment)] if moment else list(found.states)
    records = [
        {"since": state.since, "until": state.until, **row}
        for state in states
        if state is not None
        for row in state.rows
        if symbol in (None, row[contract.symbol_column])
    ]
    columns = ["since", "until", *(column.name for column in contract.columns)]
    screen.table(records, columns, title=f"{dataset} {about} as it was known", empty="no such row then")
    _remark(screen, found, moment)


def _remark(screen: Screen, found: DayStates, moment: datetime | None) -> None:
    oldest = found.states[0]
    if moment and oldest.until and moment <= oldest.until:
        screen.say("that is the oldest version that is kept; the day may have had other rows before")
    for entry in found.forgotten:
        changed = "" if entry.changed_rows is None else f", which changed {entry.changed_rows} rows"
        screen.say(
            f"not kept any more: the rows of execution {safe(entry.execution)}, "
            f"replaced by {safe(entry.replaced_by)}{changed}"
        )
