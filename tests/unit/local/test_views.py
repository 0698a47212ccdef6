"""Views: what Glue is given, and what the emulator's Athena makes of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from infra.local.ministack_server import inline_views, parquet_of
from infra.package.tables import View, table_inputs, view_definition, views
from marketlake.layout import year_table
from marketlake.reader.shipped import VIEWS
from marketlake.schemas import polars_schema
from tests.unit.lake import PRICES, RATES

NAMES = {"raw_bucket": "raw", "clean_bucket": "clean", "artifacts_bucket": "artifacts", "database": "lake"}
TABLES = {table["Name"]: table for table in table_inputs(NAMES)}
DUCKDB_TYPES = {"VARCHAR": "varchar", "DOUBLE": "double", "BIGINT": "bigint"}


def days(dates: list[str], **columns: list[object]) -> pl.DataFrame:
    """Rows of A.L in pounds, without dividends or splits but for ``columns``."""
    count = len(dates)
    common: dict[str, list[object]] = {
        "ticker": ["A.L"] * count,
        "close": [1.0] * count,
        "currency": ["GBP"] * count,
        "dividend": [0.0] * count,
        "split_ratio": [1.0] * count,
        "quoted_currency": ["GBp"] * count,
    }
    schema = polars_schema(PRICES)
    nothing: list[object] = [None] * count
    values = {name: (common | columns).get(name, nothing) for name in schema}
    return pl.DataFrame({"dt": dates, **values}, schema={"dt": pl.String(), **schema})


def rates(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    """Rows of dt, base, target and rate."""
    return pl.DataFrame(
        [(*row, None) for row in rows], schema={"dt": pl.String(), **polars_schema(RATES)}, orient="row"
    )


NO_RATES = rates(("1999-01-04", "EUR", "GBP", 0.7))


def ask(folder: Path, query: str, prices: pl.DataFrame, rates: pl.DataFrame = NO_RATES) -> duckdb.DuckDBPyConnection:
    """What the emulator's Athena does with ``query``, over tables by year with these rows."""
    connection = duckdb.connect()
    for contract, frame in ((PRICES, prices), (RATES, rates)):
        name, files = year_table(contract.name), []
        for (year,), rows in frame.group_by(pl.col("dt").str.slice(0, 4)):
            files.append(folder / name / f"year={year}" / "part-0.parquet")
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            rows.write_parquet(files[-1])
        relation = parquet_of(TABLES[name], [str(file) for file in files])
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {relation}")  # noqa: S608
    return connection.execute(inline_views(query, texts().get))


def texts() -> dict[str, str]:
    """The views' own queries as Glue has them."""
    found = {name: table["ViewOriginalText"] for name, table in TABLES.items() if table["TableType"] == "VIRTUAL_VIEW"}
    return {name: view_definition(text)["originalSql"] for name, text in found.items()}


def adjusted(
    folder: Path, prices: pl.DataFrame, rates: pl.DataFrame = NO_RATES, columns: str = "adj_factor"
) -> list[tuple[object, ...]]:
    return ask(folder, f"SELECT {columns} FROM ftse100_prices_adjusted ORDER BY ticker, dt", prices, rates).fetchall()  # noqa: S608


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_what_glue_is_given_decodes_to_the_file_s_query_and_the_columns_of_its_answer(
    view: View, tmp_path: Path
) -> None:
    table = TABLES[view.name]
    definition = view_definition(table["ViewOriginalText"])
    text = (VIEWS / f"{view.name}.sql").read_text("utf-8")
    assert text.endswith(definition["originalSql"] + "\n")
    assert definition["originalSql"].startswith("WITH ")
    assert (definition["catalog"], definition["schema"]) == ("awsdatacatalog", "lake")
    assert table["ViewExpandedText"] == "/* Presto View */"
    answer = ask(tmp_path, f"SELECT * FROM {view.name}", days(["2023-01-03"])).description or []  # noqa: S608
    assert [(name, DUCKDB_TYPES[str(kind)]) for name, kind, *_ in answer] == [
        (column["name"], column["type"]) for column in definition["columns"]
    ]
    types = {"varchar": "string"}
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        (column["name"], types.get(column["type"], column["type"])) for column in definition["columns"]
    ]


def test_a_close_is_adjusted_for_the_dividends_of_later_days(tmp_path: Path) -> None:
    rows = days(
        ["2022-12-29", "2022-12-30", "2023-01-03", "2023-01-04", "2023-01-05"],
        close=[10.0, 12.0, 11.0, 8.0, 9.0],
        dividend=[0.0, 1.0, 0.0, 2.2, 0.0],
        dividend_currency=[None, "GBP", None, "GBP", None],
    )
    found = adjusted(tmp_path, rows, columns="dividend_paid, adj_factor, adj_close")
    factors = [0.9 * 0.8, 0.8, 0.8, 1.0, 1.0]
    assert [row[0] for row in found] == [0.0, 1.0, 0.0, 2.2, 0.0]
    assert [row[1] for row in found] == pytest.approx(factors, rel=1e-12)
    assert [row[2] for row in found] == pytest.approx([7.2, 9.6, 8.8, 8.0, 9.0], rel=1e-12)


def test_a_dividend_in_another_currency_is_converted_by_the_last_rate_of_ten_days_whatever_the_base(
    tmp_path: Path,
) -> None:
    rows = days(
        ["2023-01-20", "2023-01-31", "2023-02-15"],
        close=[10.0] * 3,
        dividend=[0.0, 1.2, 1.2],
        dividend_currency=[None, "USD", "USD"],
    )
    by_euro = [("2023-01-25", "EUR", "GBP", 0.8), ("2023-01-25", "EUR", "USD", 1.2)]
    by_euro += [("2023-01-30", "EUR", "GBP", 0.9), ("2023-01-30", "EUR", "USD", 1.2)]
    by_euro += [("2023-01-31", "EUR", "GBP", 0.9), ("2023-02-01", "EUR", "USD", 9.9), ("2023-02-01", "EUR", "GBP", 9.9)]
    by_pound = [("2023-01-30", "GBP", "USD", 1.2 / 0.9), ("2023-02-01", "GBP", "USD", 1.0)]
    for number, quoted in enumerate((by_euro, by_pound)):
        found = adjusted(tmp_path / f"{number}", rows, rates(*quoted), "dividend_paid, adj_factor")
        # The third is fourteen days after the last rates: not known, and so none.
        assert found[2] == (None, 1.0)
        assert found[1] == (pytest.approx(0.9), 1.0)
        assert found[0] == (0.0, pytest.approx(0.91))


def test_a_dividend_in_doubt_or_of_all_that_the_share_is_worth_counts_as_none(tmp_path: Path) -> None:
    rows = days(
        ["2023-01-03", "2023-01-04", "2023-01-05", "2023-01-06"],
        close=[1.0, 2.0, 1.0, 1.0],
        dividend=[0.0, None, 2.0, 1.5],
        dividend_currency=[None, "GBP", "GBP", "GBP"],
    )
    assert adjusted(tmp_path, rows, columns="dividend_paid, adj_factor") == [(0.0, 1), (None, 1), (2.0, 1), (1.5, 1)]


def test_a_dividend_on_the_first_day_that_the_lake_has_adjusts_nothing(tmp_path: Path) -> None:
    rows = days(["2023-01-03", "2023-01-04"], dividend=[0.5, 0.0], dividend_currency=["GBP", None])
    assert adjusted(tmp_path, rows) == [(1.0,), (1.0,)]


def test_rows_from_before_prices_had_a_currency_are_adjusted(tmp_path: Path) -> None:
    rows = days(["2023-01-03", "2023-01-04"], dividend=[0.0, 0.5], currency=[None, None])
    assert adjusted(tmp_path, rows) == [(0.5,), (1.0,)]


def test_each_ticker_has_its_own_dividends_and_every_row_is_there_once(tmp_path: Path) -> None:
    dates = ["2023-01-03", "2023-01-04", "2023-01-05"]
    paid = days(dates, dividend=[0.0, 0.5, 0.0], dividend_currency=[None, "GBP", None])
    other = days(dates[1:], ticker=["B.L"] * 2)
    found = adjusted(tmp_path, pl.concat([paid, other]), columns="ticker, dt, adj_factor")
    assert found == [
        *(("A.L", day, factor) for day, factor in zip(dates, (0.5, 1.0, 1.0), strict=True)),
        *(("B.L", day, 1.0) for day in dates[1:]),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT x FROM v", 'SELECT x FROM {v} AS "v"'),
        ("SELECT a.x FROM v a JOIN v AS b ON a.x = b.x", "SELECT a.x FROM {v} a JOIN {v} AS b ON a.x = b.x"),
        ("WITH w AS (SELECT x FROM v) SELECT x FROM w", 'WITH w AS (SELECT x FROM {v} AS "v") SELECT x FROM w'),
        ("SELECT x FROM outer_v", 'SELECT x FROM (SELECT x FROM {v} AS "v") AS "outer_v"'),
        ("WITH v AS (SELECT 2 AS x) SELECT x FROM v", "WITH v AS (SELECT 2 AS x) SELECT x FROM v"),
        ("SELECT 'FROM v' AS v FROM t", "SELECT 'FROM v' AS v FROM t"),
    ],
)
def test_the_emulator_puts_a_view_s_query_in_the_place_of_its_name(query: str, expected: str) -> None:
    views_there = {"v": "SELECT 1 AS x FROM t", "outer_v": "SELECT x FROM v"}
    assert inline_views(query, views_there.get) == expected.replace("{v}", "(SELECT 1 AS x FROM t)")
