"""Each saved query on the embedded Athena, its answer held against Polars over the very files it read."""

from __future__ import annotations

import polars as pl
import pytest
import sqlglot

from infra.ops.saved_queries import SavedQuery, saved_queries
from tests.e2e.pipeline import Pipeline

WINDOW = {"start": "2017-03-01", "end": "2017-03-31"}
VALUES = {
    "since": "2017-03-20",
    "from_day": "2017-03-01",
    "to_day": "2017-03-31",
    "currency": "USD",
    "start": "2017-03-01",
    "end": "2017-03-31",
}


def asked(pipeline: Pipeline, name: str) -> list[list[str | None]]:
    (query,) = [query for query in saved_queries() if query.name == name]
    sql = query.sql
    for parameter in query.parameters:
        sql = sql.replace("?", f"'{VALUES[parameter]}'", 1)
    return pipeline.query(sql)


@pytest.fixture(scope="module")
def loaded(shared_pipeline: Pipeline) -> Pipeline:
    assert shared_pipeline.run(WINDOW).status == "SUCCEEDED"
    return shared_pipeline


def frame(pipeline: Pipeline, dataset: str) -> pl.DataFrame:
    root = pipeline.config.root / "s3" / "000000000000" / pipeline.name("clean_bucket") / "clean" / dataset
    return pl.concat(
        pl.read_parquet(path).with_columns(dt=pl.lit(path.parent.name.removeprefix("dt=")))
        for path in sorted(root.glob("dt=*/*.parquet"))
    )


def numbers(values: list[str | None]) -> list[float]:
    return [float(str(value)) for value in values]


@pytest.mark.parametrize("query", saved_queries(), ids=lambda query: query.name)
def test_a_saved_query_is_described_and_parses_in_athena_s_dialect(query: SavedQuery) -> None:
    assert query.description
    assert sqlglot.parse_one(query.sql, dialect="athena")
    assert query.sql.count("?") == len(query.parameters)
    assert "dt" in query.sql.partition("WHERE")[2], "a query without a condition on dt opens every partition"


def test_latest_prices(loaded: Pipeline) -> None:
    rows = asked(loaded, "latest_prices")
    wanted = frame(loaded, "ftse100_prices").filter(pl.col("dt") >= "2017-03-20")
    wanted = wanted.sort("dt").group_by("ticker").last().sort("ticker")
    assert [row[1] for row in rows] == wanted["ticker"].to_list()
    assert numbers([row[2] for row in rows]) == pytest.approx(wanted["close"].to_list())


def test_movers(loaded: Pipeline) -> None:
    prices = frame(loaded, "ftse100_prices")
    before, after = (prices.filter(pl.col("dt") == VALUES[day]) for day in ("from_day", "to_day"))
    wanted = before.join(after, on="ticker").select("ticker", change=pl.col("close_right") / pl.col("close") - 1)
    wanted = wanted.sort(["change", "ticker"], descending=[True, False])
    rows = asked(loaded, "movers")
    assert [row[0] for row in rows] == wanted["ticker"].to_list()
    assert numbers([row[3] for row in rows]) == pytest.approx(wanted["change"].to_list())


def test_currency_history(loaded: Pipeline) -> None:
    rates = frame(loaded, "fx_rates").filter(pl.col("dt").str.starts_with("2017-03"), target_currency="USD").sort("dt")
    rows = asked(loaded, "currency_history")
    assert len(rows) == 23
    assert [(row[0], float(str(row[3]))) for row in rows] == list(zip(rates["dt"], rates["rate"], strict=True))


def test_rows_by_month(loaded: Pipeline) -> None:
    found = {(row[0], row[1]): (int(str(row[2])), int(str(row[3]))) for row in asked(loaded, "rows_by_month")}
    for dataset in ("ftse100_prices", "fx_rates"):
        rows = frame(loaded, dataset).with_columns(month=pl.col("dt").str.slice(0, 7))
        wanted = rows.group_by("month").agg(pl.col("dt").n_unique(), pl.len())
        assert {month: (days, count) for month, days, count in wanted.rows()} == {
            month: counts for (name, month), counts in found.items() if name == dataset
        }
