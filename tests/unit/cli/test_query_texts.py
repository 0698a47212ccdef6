"""The texts of the saved queries: described, in Athena's dialect, each table under a condition on its partitions."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from infra.client.saved_queries import FOLDER, SavedQuery, find_query, literals_of, saved_queries, with_literals
from infra.facts import ROOT
from infra.package.tables import ACTIONS, View, views
from infra.pages import queries
from infra.pages.queries import answer_of, query_sections, read_answers, write_answers
from marketlake.contract import dataset_names
from marketlake.layout import year_table

QUERIES = saved_queries()
VIEWS = views()
YEAR_TABLES = {year_table(name) for name in dataset_names()} | {view.name for view in VIEWS}
"""And the views, whose rows have the year, too."""
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
    *(
        "ln",
        "max",
        "argmax",
        "argmin",
        "filter",
        "min",
        "nullif",
        "round",
        "rownumber",
        "sqrt",
        "stddevsamp",
        "substring",
        "sum",
    ),
    *("variance", "cast", "case", "if", "and", "or"),
}
"""What both engines have with the same meaning, by sqlglot's names; one more is tried on both first."""


def parsed(query: SavedQuery | View) -> exp.Expr:
    return sqlglot.parse_one(query.sql, dialect="athena")


def is_constant(value: exp.Expr) -> bool:
    """Whether ``value`` holds parameters and literals only, which Athena evaluates before it lists partitions."""
    return value.find(exp.Column, exp.Subquery, exp.Select) is None


def bounds_of(condition: exp.Expr, column: str) -> tuple[str, str] | None:
    """The first and the last value of ``column`` that ``condition`` lets through, where both are constants."""
    if not isinstance(condition, exp.Between | exp.EQ) or not isinstance(condition.this, exp.Column):
        return None
    between = isinstance(condition, exp.Between)
    low, high = (condition.args[name] for name in (("low", "high") if between else ("expression", "expression")))
    if condition.this.name != column or not is_constant(low) or not is_constant(high):
        return None
    return low.sql(), high.sql()


def is_pruned(table: exp.Table) -> bool:
    """Whether the SELECT that reads ``table`` has bounds of ``dt`` among what its WHERE demands, and no other table.

    A table by year wants bounds of ``year`` as well: the years of these very days.
    """
    select = table.parent_select
    if select is None or select.args.get("joins") or select.args.get("where") is None:
        return False
    condition = select.args["where"].this
    demanded = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    days, years = ({bounds_of(part, name) for part in demanded} - {None} for name in ("dt", "year"))
    if table.name not in YEAR_TABLES:
        return bool(days)
    return any(tuple(f"SUBSTRING({end}, 1, 4)" for end in ends) in years for ends in days if ends)


def named(query: SavedQuery) -> exp.Expr:
    """The query with each question mark replaced by the name of its parameter."""
    text = with_literals(query.sql, [f"'{name}'" for name in query.places])
    return sqlglot.parse_one(text, dialect="athena")


@EVERY
def test_a_saved_query_is_described_and_parses_in_athena_s_dialect(query: SavedQuery) -> None:
    assert query.description
    assert len(query.description) < 160
    assert len(list(parsed(query).find_all(exp.Placeholder))) == len(query.places)
    assert literals_of(query, query.examples)


@EVERY
def test_parameters_stand_in_where_clauses_only_and_no_comment_has_a_semicolon(query: SavedQuery) -> None:
    for mark in parsed(query).find_all(exp.Placeholder):
        clause = mark.find_ancestor(exp.Where, exp.Select, exp.Filter)
        assert isinstance(clause, exp.Where), mark.parent
        assert isinstance(clause.parent, exp.Select), "FILTER (WHERE ...) is another clause"
    # The whole file is the named query, and its statement the prepared one.
    text = (FOLDER / f"{query.name}.sql").read_text("utf-8")
    assert [line for line in text.splitlines() if ";" in line.partition("--")[2]] == []
    assert len(sqlglot.parse(text, read="athena")) == 1


def test_the_page_executes_a_prepared_statement_with_a_value_for_each_question_mark() -> None:
    movers = find_query("movers")
    values = ", ".join(literals_of(movers, movers.examples))
    assert f"`EXECUTE movers USING {values}`" in (ROOT / "docs" / "queries.md").read_text("utf-8")


@EVERY
def test_every_table_that_has_days_is_read_between_bounds_of_dt_and_of_their_years(query: SavedQuery) -> None:
    days = {*dataset_names(), *(f"quarantine_{name}" for name in dataset_names()), *YEAR_TABLES}
    tables = [table for table in named(query).find_all(exp.Table) if table.name in days]
    # The corporate actions of all days are one small object.
    assert tables or ACTIONS in {table.name for table in named(query).find_all(exp.Table)}
    assert [table.sql() for table in tables if not is_pruned(table)] == []


@EVERY
def test_no_query_reads_a_table_by_day_whose_objects_expire(query: SavedQuery) -> None:
    assert {table.name for table in named(query).find_all(exp.Table)}.isdisjoint(dataset_names())


@pytest.mark.parametrize("query", [*QUERIES, *VIEWS], ids=lambda query: query.name)
def test_only_what_both_engines_have_is_used(query: SavedQuery | View) -> None:
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


def test_an_answer_says_how_many_rows_there_are_and_shows_no_markup_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a|b", 1.23456789, None)] * 4
    answers = {query.name: answer_of(["x", "y", "z"], rows) for query in QUERIES}
    monkeypatch.setattr(queries, "ANSWERS", tmp_path / "answers.json")
    write_answers(answers)
    assert read_answers() == answers
    table = "| x | y | z |\n| --- | --- | --- |\n" + "| a\\|b | 1.23457 |  |\n" * 3 + "\n4 rows\n"
    assert query_sections().count(table) == len(QUERIES)


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
        "SELECT dt FROM fx_rates_by_year WHERE dt BETWEEN 'a' AND 'b'",
        "SELECT dt FROM fx_rates_by_year WHERE year BETWEEN substr('a', 1, 4) AND substr('b', 1, 4)",
        "SELECT dt FROM fx_rates_by_year WHERE year BETWEEN substr('a', 1, 4) AND substr('b', 1, 4) AND dt = 'b'",
        "SELECT dt FROM fx_rates_by_year WHERE year >= substr('a', 1, 4) AND dt BETWEEN 'a' AND 'b'",
        "SELECT dt FROM fx_rates_by_year WHERE year BETWEEN substr(dt, 1, 4) AND substr('b', 1, 4) AND dt = 'b'",
    ],
)
def test_a_query_that_opens_every_day_would_be_found(sql: str) -> None:
    tables = [table for table in sqlglot.parse_one(sql, dialect="athena").find_all(exp.Table) if table.name != "x"]
    assert not all(is_pruned(table) for table in tables)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_names_each_of_its_columns_and_reads_the_tables_by_year(view: View) -> None:
    # With a star, a new column of the table would make the view stale until it is deployed again.
    tree = parsed(view)
    assert isinstance(tree, exp.Select)
    assert [column.alias_or_name for column in tree.selects] == [column["Name"] for column in view.columns]
    of_text = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table)} - of_text <= {
        year_table(name) for name in dataset_names()
    }


@pytest.mark.parametrize("name", ["missing_days", "symbol_gaps", "quarantined_rows", "flagged_rows", "rows_by_month"])
def test_a_question_about_all_datasets_reads_each_of_them(name: str) -> None:
    query = next(query for query in QUERIES if query.name == name)
    tables = {table.name.removesuffix("_by_year") for table in parsed(query).find_all(exp.Table)}
    assert {name for name in dataset_names() if name not in tables} == set()
