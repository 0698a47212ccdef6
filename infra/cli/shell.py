"""``marketlake shell``: SQL on the lake in DuckDB, with the saved queries as macros."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.options import setup_of
from infra.cli.query import NO_ROWS, SHOWN_ROWS, rows_of
from infra.cli.screen import Screen, safe
from infra.client.errors import OpsError
from infra.client.macros import call_of, make_macros
from infra.client.saved_queries import saved_queries

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

PROMPT, CONTINUED = "lake> ", "  ... "
HELP = "SQL ends with a semicolon. .tables, .queries: what there is; .exit or Ctrl-D: the end"


def shell(
    context: typer.Context,
    command: Annotated[
        str | None, typer.Option("--command", "-c", help="Run this SQL, and end; so does SQL from a pipe.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs, a line a row.")] = False,
) -> None:
    """Ask the lake in SQL on this machine, by DuckDB and without Athena's bill; the saved queries are macros.

    Tables are those of Athena. The lake is only read: what you create is gone at the end.
    """
    screen, lake = Screen(as_json), setup_of(context).lake()
    with lake.connect() as connection:
        make_macros(connection)
        given = command if command is not None else None if sys.stdin.isatty() else sys.stdin.read()
        if given is not None:
            run_sql(screen, connection, given)
            screen.warn(lake.simulated)
            return
        screen.say(f"{safe(lake)}. {HELP}")
        for text in statements():
            try:
                _answer(screen, connection, text)
            except OpsError as error:
                screen.err.print(f"[red]{safe(error)}[/]", highlight=False, soft_wrap=True)
            except KeyboardInterrupt:
                screen.say("stopped")


def statements() -> Iterator[str]:
    """What is typed, a whole statement or a line that begins with a dot at a time, until the end."""
    import readline  # noqa: F401 - gives input() its editing and its history

    lines: list[str] = []
    while True:
        try:
            lines.append(input(CONTINUED if lines else PROMPT))
        except EOFError:
            return
        except KeyboardInterrupt:
            lines.clear()
            print()
            continue
        text = "\n".join(lines).strip()
        if text in (".exit", ".quit"):
            return
        if not text or text.startswith(".") or text.endswith(";"):
            lines.clear()
            yield text


def _answer(screen: Screen, connection: DuckDBPyConnection, text: str) -> None:
    if not text.startswith("."):
        run_sql(screen, connection, text)
    elif text == ".tables":
        run_sql(screen, connection, "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal ORDER BY 1")
    elif text == ".queries":
        found = [{"query": call_of(query), "description": query.description} for query in saved_queries()]
        screen.table(found, ["query", "description"])
    else:
        screen.say(HELP)


def run_sql(screen: Screen, connection: DuckDBPyConnection, text: str) -> None:
    """Run each statement of ``text``, and show its rows.

    Raises:
        OpsError: DuckDB refuses one, in its words, or was stopped.
    """
    import duckdb

    try:
        for statement in connection.extract_statements(text):
            relation = connection.sql(statement.query)
            if relation is not None:
                _show(screen, relation)
    except duckdb.Error as error:
        raise OpsError(f"{error}", "the tables: marketlake shell, .tables; the macros: .queries") from error


def _show(screen: Screen, relation: DuckDBPyRelation) -> None:
    if screen.json:
        screen.lines(rows_of(_records(relation)))
        return
    # One more than is shown: whether there are more is known without all of them.
    found = list(_records(relation.limit(SHOWN_ROWS + 1)))
    screen.table(found[:SHOWN_ROWS], relation.columns, empty=NO_ROWS)
    if len(found) > SHOWN_ROWS:
        screen.err.print(f"the first {SHOWN_ROWS} rows are shown; --json, or COPY ... TO, takes all", highlight=False)


def _records(relation: DuckDBPyRelation) -> Iterator[dict[str, Any]]:
    return (dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall())
