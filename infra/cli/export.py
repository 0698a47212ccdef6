"""``marketlake export``: tables of the lake as one file for DuckDB, a spreadsheet, or whatever reads CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.files import Replace, checked, written
from infra.cli.options import parse_day, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.client.export_files import ONE_TABLE, WRITERS
from infra.client.exports import gaps_of, rows_of, wanted_of
from marketlake.contract import dataset_names


def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: .duckdb, .csv or .xlsx.")],
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="This dataset, or other table of the lake; may be given several times; else all datasets.",
        ),
    ] = None,
    start: Annotated[str | None, typer.Option("--start", help="First day; else the first that the lake has.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last day; else the last that the lake has.")] = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(help="Only this ticker or currency; may be given several times."),
    ] = None,
    replace: Replace = False,
) -> None:
    """Write tables of the lake into one file, without Athena: DuckDB and Excel take several tables, CSV takes one.

    Text stays text: no cell in Excel is a formula, and what a CSV would have as one gets an apostrophe before it.
    """
    screen, ending = Screen(), output.suffix.lower()
    checked(output, tuple(WRITERS), replace=replace)
    lake = setup_of(context).lake()
    wanted = wanted_of(lake, dataset or [], symbol or [], parse_day("--start", start), parse_day("--end", end))
    if ending in ONE_TABLE and len(wanted.tables) > 1:
        raise Refusal(f"a {ending} file holds one table, not {', '.join(wanted.tables)}", "choose one with --dataset")
    frames, remarks = {}, [lake.simulated] if lake.simulated else []
    for name in screen.each("reading", wanted.tables):
        remarks += gaps_of(lake, wanted, name) if name in dataset_names() else []
        frames[name] = rows_of(lake, wanted, name)
    about = [f"{lake!r}, read at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", *remarks]
    with screen.progress("writing", len(frames) + 1) as step, written(output) as part:
        WRITERS[ending](frames, about, part, step)
    screen.say(f"{safe(output)}: {', '.join(f'{frame.height:,} rows of {name}' for name, frame in frames.items())}")
    for remark in remarks:
        screen.warn(remark)
