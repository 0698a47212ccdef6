"""The saved queries as table macros of DuckDB: ``FROM returns('2022-12-01', '2022-12-30')``.

https://duckdb.org/docs/stable/sql/statements/create_macro
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.client.saved_queries import SavedQuery, saved_queries, with_literals

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MARK = "p_"
"""Before the name of a parameter: a macro puts its argument in the place of every name that is the parameter's, and
``ticker`` is a column, too."""


def macro_of(query: SavedQuery) -> str:
    """The statement that makes the macro of ``query``; all of it is text of our own files."""
    parameters = ", ".join(MARK + parameter.name for parameter in query.parameters)
    body = with_literals(query.sql, [MARK + name for name in query.places])
    return f'CREATE OR REPLACE MACRO "{query.name}"({parameters}) AS TABLE {body}'


def call_of(query: SavedQuery) -> str:
    """A statement that asks the macro, with each parameter's example."""
    arguments = ", ".join(parameter.literal(parameter.example) for parameter in query.parameters)
    return f"FROM {query.name}({arguments})"


def make_macros(connection: DuckDBPyConnection) -> None:
    """Make a macro of each saved query; ``connection`` has the lake's tables."""
    for query in saved_queries():
        connection.execute(macro_of(query))
