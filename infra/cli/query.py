"""``marketlake query``: SQL through Athena, shown or written to a file by the file's extension."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.files import Replace, checked, written
from infra.cli.options import setup_of
from infra.cli.screen import Screen, safe, seconds_text
from infra.client.athena import Result, run_query
from infra.client.errors import Refusal
from infra.client.export_files import write_csv
from infra.client.saved_queries import NAME, filled, find_query, saved_queries
from infra.client.target import Target
from infra.client.texts import plain

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".parquet", ".json", ".ndjson")
SHOWN_ROWS = 200
NO_ROWS = "no rows; the days that the lake holds: marketlake partitions"


def query(
    context: typer.Context,
    sql: Annotated[str | None, typer.Argument(metavar="SQL|NAME", help="SQL in quotes, or a saved query.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="A saved query's parameter, as name=value.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file: .csv, .parquet, .json or .ndjson.")
    ] = None,
    replace: Replace = False,
    list_them: Annotated[bool, typer.Option("--list", help="List the saved queries.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs, a line a row.")] = False,
) -> None:
    """Ask Athena, in SQL or with a saved query (assets/queries), and show or save the answer."""
    screen = Screen(as_json)
    if list_them:
        _list(screen)
        return
    if not sql:
        raise Refusal("give SQL in quotes, or the name of a saved query", "see them with: marketlake query --list")
    if output:
        checked(output, FORMATS, replace=replace)
    target = setup_of(context).target()
    with screen.progress("asking Athena", None):
        result = _ask(target, sql.strip(), param or [])
    _show(screen, target, result, output)


def _list(screen: Screen) -> None:
    found = [
        {
            "name": query.name,
            "description": query.description,
            "parameters": ", ".join(parameter.name for parameter in query.parameters),
            "example": query.command,
        }
        for query in saved_queries()
    ]
    screen.table(found, ["name", "description", "example"], title="saved queries", empty="none")


def _ask(target: Target, text: str, given: list[str]) -> Result:
    if not NAME.fullmatch(text):
        if given:
            raise Refusal("--param goes with a saved query only", "write the values into the SQL")
        return run_query(target, text)
    return run_query(target, filled(find_query(text), given))


def _show(screen: Screen, target: Target, result: Result, output: Path | None) -> None:
    table = result.table
    remark = f"{table.num_rows:,} rows in {seconds_text(result.seconds)}"
    if not target.is_local:
        # The emulator's number is not the bytes scanned.
        remark += f", {result.scanned_bytes / 1e6:,.1f} MB scanned"
    if output:
        write(table, output)
        remark += f", written to {output}"
    elif screen.json:
        screen.lines(rows_of(table.to_pylist()))
    else:
        screen.table(table.slice(0, SHOWN_ROWS).to_pylist(), table.column_names, empty=NO_ROWS)
        if table.num_rows > SHOWN_ROWS:
            remark += f"; the first {SHOWN_ROWS} are shown, --output FILE takes all"
    screen.err.print(safe(remark), highlight=False)
    screen.warn(target.simulated)


def write(table: pa.Table, path: Path) -> None:
    """Write ``table`` to ``path``, by its ending.

    Raises:
        OpsError: the file cannot be written.
    """
    import polars as pl
    from pyarrow import parquet

    kind = path.suffix.lower()
    with written(path) as part:
        if kind == ".csv":
            write_csv(pl.DataFrame(pl.from_arrow(table)), part)
        elif kind == ".parquet":
            parquet.write_table(table, part)
        else:
            rows = [json.dumps(row, default=plain, ensure_ascii=False) for row in rows_of(table.to_pylist())]
            text = "\n".join(rows) if kind == ".ndjson" else "[" + ",\n".join(rows) + "]"
            part.write_text(f"{text}\n" if rows or kind == ".json" else "", "utf-8")


def rows_of(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """``records`` as JSON can hold them: JSON has no NaN and no infinity, so these become null."""
    for record in records:
        yield {n: None if isinstance(v, float) and not math.isfinite(v) else v for n, v in record.items()}
