"""``marketlake query``: SQL through Athena, shown or written to a file by the file's extension."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe, seconds_text
from infra.client.athena import Result, run_query, run_saved
from infra.client.errors import OpsError, Refusal
from infra.client.saved_queries import NAME, find_query, saved_queries
from infra.client.target import Target
from infra.client.texts import plain

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".parquet", ".json")
SHOWN_ROWS = 200
NO_ROWS = "no rows; the days that the lake holds: marketlake partitions"


def query(
    context: typer.Context,
    sql: Annotated[str | None, typer.Argument(metavar="SQL|NAME", help="SQL in quotes, or a saved query.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="A saved query's parameter, as name=value.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file: .csv, .parquet or .json.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the saved queries.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask Athena, in SQL or with a saved query (assets/queries), and show or save the answer."""
    screen = Screen(as_json)
    if list_them:
        _list(screen)
        return
    if not sql:
        raise Refusal("give SQL in quotes, or the name of a saved query", "see them with: marketlake query --list")
    if output:
        refuse_unknown(output)
    target = setup_of(context).target()
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
    return run_saved(target, find_query(text), given)


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
        screen.document(records(table))
    else:
        screen.table(table.slice(0, SHOWN_ROWS).to_pylist(), table.column_names, empty=NO_ROWS)
        if table.num_rows > SHOWN_ROWS:
            remark += f"; the first {SHOWN_ROWS} are shown, --output FILE takes all"
    screen.err.print(safe(remark), highlight=False)
    if target.simulated:
        screen.err.print(f"[yellow]{safe(target.simulated)}[/]", highlight=False)


def refuse_unknown(path: Path) -> None:
    """Refuse a file that cannot be written, before a query is paid for.

    Raises:
        Refusal: the extension is not one of ``FORMATS``, or there is no such folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise Refusal(f"--output {path}: accepted are files ending with {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise Refusal(f"--output {path}: there is no folder {path.parent}")


def write(table: pa.Table, path: Path) -> None:
    """Write ``table`` to ``path``; a file that is there is replaced.

    Raises:
        OpsError: the file cannot be written.
    """
    from pyarrow import csv, parquet

    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            csv.write_csv(table, path)
        elif kind == ".parquet":
            parquet.write_table(table, path)
        else:
            text = json.dumps(records(table), indent=1, default=plain, ensure_ascii=False)
            path.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise OpsError(f"{path} cannot be written: {error.strerror or error}") from error


def records(table: pa.Table) -> list[dict[str, object]]:
    """A record a row as JSON can hold them: JSON has no NaN and no infinity, so these become null."""

    def kept(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{name: kept(value) for name, value in row.items()} for row in table.to_pylist()]
