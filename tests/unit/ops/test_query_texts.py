"""The texts of the saved queries: described, in Athena's dialect, each table under a condition on its partitions."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from infra.ops.queries_page import PAGE, example_of, examples_in, page
from infra.ops.saved_queries import SavedQuery, literals_of, saved_queries
from marketlake.contract import dataset_names

QUERIES = saved_queries()
EVERY = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)

TRINO_RESERVED = {
    *("alter", "and", "as", "between", "by", "case", "cast", "constraint", "create", "cross", "cube", "deallocate"),
    *("delete", "describe", "distinct", "drop", "else", "end", "escape", "except", "execute", "exists", "extract"),
    *("false", "for", "from", "full", "group", "grouping", "having", "in", "inner", "insert", "intersect", "into"),
    *("is", "join", "left", "like", "listagg", "natural", "normalize", "not", "null", "on", "or", "order", "outer"),
    *("prepare", "recursive", "right", "rollup", "select", "skip", "table", "then", "trim", "true", "uescape"),
    *("union", "unnest", "using", "values", "when", "where", "with", "current_date", "localtime", "first", "last"),
}
"""https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html, for SELECT statements."""

FUNCTIONS = {
    *("avg", "coalesce", "corr", "count", "covarsamp", "datediff", "denserank", "exp", "firstvalue", "lag", "lead"),
    *("ln", "max", "argmax", "min", "nullif", "round", "rownumber", "sqrt", "stddevsamp", "substring", "sum"),
    *("variance", "cast", "case", "if", "and", "or"),
}
"""What both engines have with the same meaning, by sqlglot's names; one more is tried on both first."""


def parsed(query: SavedQuery) -> exp.Expr:
    return sqlglot.parse_one(query.sql, dialect="athena")


def is_constant(value: exp.Expr) -> bool:
    """Whether ``value`` holds parameters and literals only, which Athena evaluates before it lists partitions."""
    return value.find(exp.Column, exp.Subquery, exp.Select) is None


def is_lower_bound(condition: exp.Expr) -> bool:
    column = condition.this
    if not isinstance(column, exp.Column) or column.name != "dt":
        return False
    if isinstance(condition, exp.Between):
        return is_constant(condition.args["low"]) and is_constant(condition.args["high"])
    return isinstance(condition, exp.EQ) and is_constant(condition.expression)


def is_pruned(table: exp.Table) -> bool:
    """Whether the SELECT that reads ``table`` has bounds of ``dt`` among what its WHERE demands, and no other table."""
    select = table.parent_select
    if select is None or select.args.get("joins") or select.args.get("where") is None:
        return False
    condition = select.args["where"].this
    demanded = condition.flatten() if isinstance(condition, exp.And) else [condition]
    return any(is_lower_bound(part) for part in demanded)


@EVERY
def test_a_saved_query_is_described_and_parses_in_athena_s_dialect(query: SavedQuery) -> None:
    assert query.description
    assert len(query.description) < 160
    assert len(list(parsed(query).find_all(exp.Placeholder))) == len(query.places)
    assert literals_of(query, query.examples)


@EVERY
def test_every_table_that_has_days_is_read_between_bounds_of_dt(query: SavedQuery) -> None:
    days = {*dataset_names(), *(f"quarantine_{name}" for name in dataset_names())}
    tables = [table for table in parsed(query).find_all(exp.Table) if table.name in days]
    assert tables
    assert [table.sql() for table in tables if not is_pruned(table)] == []


@EVERY
def test_only_what_both_engines_have_is_used(query: SavedQuery) -> None:
    tree = parsed(query)
    functions = {found.key for found in tree.find_all(exp.Func)}
    assert functions <= FUNCTIONS, "try it on Athena and on DuckDB, then add it"
    names = {found.alias.lower() for found in tree.find_all(exp.Alias, exp.CTE)}
    assert names.isdisjoint(TRINO_RESERVED)
    assert all(isinstance(found.parent, exp.Cast | exp.Paren) for found in _date_arithmetic(tree)), (
        "DuckDB makes a timestamp of a date and an interval: cast it back to a date"
    )


def _date_arithmetic(tree: exp.Expr) -> list[exp.Expr]:
    """Sums and differences with an interval."""
    return [
        found
        for found in tree.find_all(exp.Add, exp.Sub)
        if isinstance(found.expression, exp.Interval | exp.Mul) and found.find(exp.Interval)
    ]


def test_the_page_has_the_texts_and_parameters_of_the_queries() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(examples_in(text)), "write it again: python -m tests.e2e.queries_page"


def test_an_example_says_how_many_rows_there_are_and_shows_no_markup_of_its_own() -> None:
    rows = [("a|b", 1.23456789, None)] * 4
    assert example_of(["x", "y", "z"], rows) == (
        "| x | y | z |\n| --- | --- | --- |\n" + "| a\\|b | 1.23457 |  |\n" * 3 + "\n4 rows\n"
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT dt FROM fx_rates",
        "SELECT dt FROM fx_rates WHERE dt >= ?",
        "SELECT dt FROM fx_rates WHERE dt = ? OR rate > 1",
        "SELECT dt FROM fx_rates WHERE rate = ?",
        "SELECT dt FROM fx_rates WHERE dt BETWEEN ? AND (SELECT max(d) FROM x)",
        "SELECT a.dt FROM fx_rates a JOIN fx_rates b ON a.dt = b.dt WHERE a.dt = ?",
        "WITH x AS (SELECT dt FROM fx_rates) SELECT dt FROM x WHERE dt = ?",
    ],
)
def test_a_query_that_opens_every_day_would_be_found(sql: str) -> None:
    tables = [table for table in sqlglot.parse_one(sql, dialect="athena").find_all(exp.Table) if table.name != "x"]
    assert not all(is_pruned(table) for table in tables)
