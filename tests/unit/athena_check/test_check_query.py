"""The SQL against two independent engines: sqlglot reads it as Athena would, DuckDB answers it over real Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import sqlglot
from sqlglot import expressions as exp

from athena_check.partitions import Partition, check_sql, parse_answer
from marketlake.batch_rows import to_parquet
from marketlake.contract import Contract
from tests.unit.frames import clean_frames
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv, rates_json
from transform.days import measured
from validate.raw import RawDay

DAYS = [date(2023, 1, day) for day in (3, 4, 5)]
EVERY_OTHER_DAY = [f"{day}" for day in PRICES.days(date(2023, 1, 3), date(2023, 12, 29))[::2]]


def write(folder: Path, contract: Contract, frames: dict[date, pl.DataFrame]) -> None:
    for day, frame in frames.items():
        path = folder / f"dt={day}" / "part-0.parquet"
        path.parent.mkdir(parents=True)
        path.write_bytes(to_parquet(frame))
    (folder / "contract.txt").write_text(contract.name)


def ask(folder: Path, sql: str) -> list[dict[str, str]]:
    """DuckDB's answer as Athena would give it: text, empty where null."""
    table = (folder / "contract.txt").read_text()
    with duckdb.connect() as connection:
        # What Transform makes by year has the same rows.
        for name, columns in ((table, "*"), (f"{table}_by_year", "substr(dt, 1, 4) AS year, *")):
            connection.execute(
                f"CREATE VIEW {name} AS SELECT {columns} FROM read_parquet('{folder}/*/*.parquet', "  # noqa: S608
                "hive_partitioning = true, hive_types = {'dt': VARCHAR})"
            )
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [
            {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]


def frames_of(contract: Contract, bodies: Sequence[bytes]) -> dict[date, pl.DataFrame]:
    raw = [RawDay(day, body) for day, body in zip(DAYS, bodies, strict=False)]
    return dict(zip(DAYS, clean_frames(contract, raw), strict=False))


@pytest.mark.parametrize("contract", [PRICES, RATES], ids=lambda c: c.name)
@pytest.mark.parametrize("intervals", [["2023-01-03"], ["2023-01-03/2023-01-05", "2023-02-01"], EVERY_OTHER_DAY])
def test_athena_can_parse_it_and_it_reads_the_asked_partitions_only(contract: Contract, intervals: list[str]) -> None:
    sql = check_sql(contract, intervals)
    assert len(sql) < 262_144, "Athena's longest statement"
    statement: Any = sqlglot.parse_one(sql, dialect="athena")
    assert isinstance(statement, exp.Union)
    by_day, by_year = statement.left, statement.right
    for select, table, partition in ((by_day, "", {"dt"}), (by_year, "_by_year", {"dt", "year"})):
        assert [found.name for found in select.find_all(exp.Table)] == [f"{contract.name}{table}"]
        filters: Any = select.args["where"]
        assert {column.name for column in filters.find_all(exp.Column)} == partition, "little else is read"
        days = {literal.this for literal in filters.find_all(exp.Literal)} - {"2023"}
        assert days == {day for interval in intervals for day in interval.split("/")}


def test_the_answer_over_real_parquet_is_what_was_written(tmp_path: Path) -> None:
    frames = frames_of(
        PRICES,
        [
            prices_csv([at("A.L", 100), at("B.L", 250.5), replace(at("C.L", 90), volume=None, open=None)]),
            prices_csv([at("A.L", 123.456789012345)]),
            prices_csv([Bar("A.L", volume=None)]),
        ],
    )
    write(tmp_path, PRICES, frames)
    found = parse_answer(PRICES, ask(tmp_path, check_sql(PRICES, ["2023-01-03/2023-01-05"])))
    assert found["day"] == found["year"]
    assert found["day"] == {
        day: Partition(frame.height, frame.height, found_of_day.nulls, found_of_day.ranges)
        for (day, frame), found_of_day in zip(frames.items(), measured(PRICES, frames).values(), strict=True)
    }
    assert found["day"][DAYS[0]].nulls == {"open": 1, "volume": 1, "dividend_currency": 3, "flags": 3}
    assert found["day"][DAYS[2]].ranges["volume"] is None


def test_only_the_partitions_asked_for_are_answered(tmp_path: Path) -> None:
    write(tmp_path, RATES, frames_of(RATES, [rates_json(day, {"USD": 1.0 + n}) for n, day in enumerate(DAYS)]))
    found = parse_answer(RATES, ask(tmp_path, check_sql(RATES, ["2023-01-03", "2023-01-05"])))
    assert sorted(found["day"]) == [DAYS[0], DAYS[2]]
    assert found["day"][DAYS[2]].ranges == {"rate": (3.0, 3.0)}


def test_a_duplicate_and_a_null_key_show_in_the_key_count(tmp_path: Path) -> None:
    frame = frames_of(RATES, [rates_json(DAYS[0], {"USD": 1.0, "GBP": 0.9})])[DAYS[0]]
    without_key = frame.with_columns(base_currency=pl.lit(None, pl.String()))
    write(tmp_path, RATES, {DAYS[0]: pl.concat([frame, frame]), DAYS[1]: without_key})
    found = parse_answer(RATES, ask(tmp_path, check_sql(RATES, ["2023-01-03/2023-01-04"])))
    assert (found["day"][DAYS[0]].rows, found["day"][DAYS[0]].keys) == (4, 2)
    assert (found["day"][DAYS[1]].rows, found["day"][DAYS[1]].keys, found["day"][DAYS[1]].nulls) == (
        2,
        0,
        {"base_currency": 2, "flags": 2},
    )


@pytest.mark.parametrize("text", ["2023-01-03' OR '1'='1", "2023-01-03/2023-01-04'; DROP TABLE fx_rates --", ""])
def test_nothing_but_dates_reaches_the_statement(text: str) -> None:
    with pytest.raises(ValueError, match="isoformat"):
        check_sql(RATES, [text])
