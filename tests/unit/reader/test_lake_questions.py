"""What ``Lake`` answers over the sample data, and what it says of questions that have no answer."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import athena
from polars.testing import assert_frame_equal

import marketlake
from infra.facts import function_names
from infra.package.build import source_files
from infra.package.tables import table_inputs
from marketlake import GapsFound, GapWarning, Lake, LakeError
from marketlake.contract import load_contract
from marketlake.reader.errors import (
    NoAccess,
    NoLake,
    NoRates,
    OutOfLake,
    QueryFailed,
    UnknownDataset,
    UnknownSymbol,
    Unreadable,
    WrongArgument,
)
from marketlake.reader.places import local_root
from marketlake.reader.tables import DUCKDB_TYPES, stored_tables, table_names
from marketlake.symbols import symbols_of
from tests.lake_root import SAMPLE_DATA, empty_root, sample_root, write_years
from tests.unit.local.test_views import NAMES

PRICES = pl.read_parquet(SAMPLE_DATA / "by_year/ftse100_prices/year=2022/part-0.parquet")
RATES = pl.read_parquet(SAMPLE_DATA / "by_year/fx_rates/year=2022/part-0.parquet")
FIRST, LAST = date(2022, 9, 1), date(2022, 9, 30)
DAYS = load_contract("ftse100_prices").days(FIRST, LAST)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_root(tmp_path_factory.mktemp("sample") / "root")


@pytest.fixture(scope="module")
def lake(root: Path) -> Lake:
    return Lake.local(root)


def test_a_month_of_one_ticker_is_the_rows_of_the_table_by_year(lake: Lake) -> None:
    found = lake.prices("AZN.L", adjusted=False)
    wanted = PRICES.filter(ticker="AZN.L").sort("dt").with_columns(pl.col("dt").str.to_date())
    assert_frame_equal(found, wanted)
    assert found["dt"].to_list() == DAYS == lake.days("ftse100_prices")


def test_a_price_in_euro_is_the_price_by_the_day_s_rate(lake: Lake) -> None:
    found = lake.prices(["AZN.L"], "2022-09-01", "2022-09-02", currency="EUR")
    pounds = RATES.filter(pl.col("target_currency") == "GBP", pl.col("dt") < "2022-09-03").sort("dt")["rate"]
    own = PRICES.filter(pl.col("ticker") == "AZN.L", pl.col("dt") < "2022-09-03").sort("dt")
    assert found["close"].to_list() == pytest.approx([c / r for c, r in zip(own["close"], pounds, strict=True)])
    assert found["rate"].to_list() == pytest.approx([1 / rate for rate in pounds])
    assert set(found["currency"]) == {"EUR"}
    assert set(found["price_currency"]) == {"GBP"}
    assert found["rate_dt"].to_list() == found["dt"].to_list()
    assert found["adj_close"].to_list() == pytest.approx((found["close"] * found["adj_factor"]).to_list())


def test_its_own_currency_is_as_quoted(lake: Lake) -> None:
    own = lake.prices("AZN.L")
    assert_frame_equal(lake.prices("AZN.L", currency="GBP").select(own.columns), own)


def test_rates_by_another_base_are_ratios_of_the_same_day(lake: Lake) -> None:
    found = lake.rates(["USD", "EUR", "GBP"], "2022-09-01", "2022-09-02", base="GBP")
    euro = {row["dt"]: row["rate"] for row in lake.rates("GBP").rows(named=True)}
    dollars = {row["dt"]: row["rate"] for row in lake.rates("USD").rows(named=True)}
    days = [date(2022, 9, 1), date(2022, 9, 2)]
    wanted = [(day, "GBP", "EUR", 1 / euro[day], None) for day in days]
    wanted += [(day, "GBP", "USD", dollars[day] / euro[day], None) for day in days]
    assert found.columns == lake.rates("USD").columns
    assert lake.rates(start="2022-09-30").height == RATES.filter(dt="2022-09-30").height
    assert lake.rates(start="2022-09-30", base="GBP").height == RATES.filter(dt="2022-09-30").height, "the euro, too"
    assert [row[:3] + row[4:] for row in found.rows()] == [row[:3] + row[4:] for row in wanted]
    assert found["rate"].to_list() == pytest.approx([row[3] for row in wanted])


def test_the_index_scan_and_sql_are_of_the_same_rows(lake: Lake) -> None:
    scanned = lake.scan("fx_rates").filter(pl.col("year") == "2022", pl.col("dt") < "2022-09-02").collect()
    assert_frame_equal(scanned.drop("year"), RATES.filter(dt="2022-09-01"), check_row_order=False)
    assert lake.index()["close"].to_list() == lake.scan("ftse100_index").collect().sort("dt")["close"].to_list()
    assert lake.sql("SELECT count(*) AS n FROM ftse100_prices WHERE ticker = ?", ["AZN.L"]).item() == len(DAYS)
    relation = lake.relation("SELECT max(dt) FROM fx_rates_by_year WHERE year = '2022'")
    assert relation is not None
    assert relation.fetchall() == [("2022-09-30",)]
    assert lake.connect().sql("SELECT count(*) FROM ftse100_prices_adjusted").fetchall() == [(PRICES.height,)]
    assert lake.actions().is_empty()


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda lake: lake.prices("AZM.L"), UnknownSymbol, "'AZM.L'; near are AZN.L"),
        (lambda lake: lake.prices(["AZN.L", "azn.l"]), UnknownSymbol, "near are AZN.L"),
        (lambda lake: lake.prices("'; DROP TABLE x; --"), UnknownSymbol, "DROP TABLE"),
        (lambda lake: lake.prices([7]), WrongArgument, "7 is not a symbol"),
        (lambda lake: lake.prices(7), WrongArgument, "7 is not a symbol"),
        (lambda lake: lake.prices("AZN.L", currency=7), WrongArgument, "7 is not a symbol"),
        (lambda lake: lake.prices("AZN.L", "2022-08-01"), OutOfLake, "from 2022-09-01 to 2022-09-30"),
        (lambda lake: lake.prices("AZN.L", end="2022-10-03"), OutOfLake, "from 2022-09-01 to 2022-09-30"),
        (lambda lake: lake.index("2031-01-01", "2031-12-31"), OutOfLake, "from 2022-09-01 to 2022-09-30"),
        (lambda lake: lake.index("0001-01-01", "0001-01-02"), OutOfLake, "from 2022-09-01 to 2022-09-30"),
        (lambda lake: lake.prices("AZN.L", "2022-09-20", "2022-09-10"), WrongArgument, "ends before"),
        (lambda lake: lake.prices("AZN.L", "20 September"), WrongArgument, "YYYY-MM-DD"),
        (lambda lake: lake.prices("AZN.L", currency="XXX"), NoRates, "'XXX'; it has AUD, "),
        (lambda lake: lake.prices("AZN.L", currency="RUB"), NoRates, "the first AZN.L on 2022-09-01 in GBP"),
        (lambda lake: lake.rates("XXX"), NoRates, "it has AUD, "),
        (lambda lake: lake.rates("USD", base="usd"), NoRates, "'usd'; it has AUD, "),
        (lambda lake: lake.rates("RUB"), GapsFound, "RUB 2022-09-01 to 2022-09-30 (22 days: no rows)"),
        (lambda lake: lake.prices("MTLN.L"), GapsFound, "MTLN.L 2022-09-01 to 2022-09-30 (21 days: no rows)"),
        (lambda lake: lake.days("prices"), UnknownDataset, "there are ftse100_index, ftse100_prices, fx_rates"),
        (lambda lake: lake.sql("SELECT x FROM nowhere"), QueryFailed, "the tables are closing_days"),
        (lambda lake: lake.sql("SELECT CAST(ticker AS INTEGER) FROM ftse100_index"), QueryFailed, "Conversion Error"),
        (lambda lake: lake.prices("AZN.L", on_gaps="keep"), WrongArgument, "'raise' and 'warn'"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_what_there_is(
    lake: Lake, ask: Callable[[Lake], object], error: type[LakeError], words: str
) -> None:
    with pytest.raises(error, match=re.escape(words)):
        ask(lake)


def test_nothing_to_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoLake, match="marketlake up"):
        Lake.local(tmp_path)
    with pytest.raises(NoLake, match="holds nothing of ftse100_index; load it"):
        Lake.local(empty_root(tmp_path / "empty")).index()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(NoAccess, match="aws sso login"):
        Lake.aws()
    with pytest.raises(NoAccess, match="nobody"):
        Lake.aws(profile="nobody")


def test_the_nearest_lake_upwards_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = empty_root(tmp_path / ".marketlake", prices="closes.csv")
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs" / "deep")
    assert local_root() == made
    assert Lake.local().simulated == ""
    monkeypatch.setenv("MARKETLAKE_ROOT", f"{empty_root(tmp_path / 'other')}")
    assert "simulated (seed 7)" in repr(Lake.local())


@pytest.mark.parametrize("content", [b"not Parquet", b""])
def test_a_damaged_object_is_named_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    root = sample_root(tmp_path / "root")
    next((root / "s3").rglob("fx_rates/year=2022/part-0.parquet")).write_bytes(content)
    with pytest.raises(Unreadable, match="marketlake restore fx_rates 2022"):
        Lake.local(root).rates("USD")


# Gaps


def holed(tmp_path: Path, rows: pl.DataFrame, days: list[str]) -> Lake:
    root = empty_root(tmp_path / "root")
    write_years(root, "ftse100_prices", rows, days)
    return Lake.local(root)


def test_a_gap_raises_or_warns_and_is_never_filled(tmp_path: Path) -> None:
    lacking = (pl.col("ticker") == "AZN.L") & pl.col("dt").is_in(["2022-09-06", "2022-09-07", "2022-09-20"])
    lake = holed(tmp_path, PRICES.filter(~lacking, pl.col("dt") != "2022-09-14"), [])
    wanted = [
        ("ftse100_prices", None, date(2022, 9, 14), date(2022, 9, 14), 1, "day missing"),
        ("ftse100_prices", "AZN.L", date(2022, 9, 6), date(2022, 9, 7), 2, "row missing"),
        ("ftse100_prices", "AZN.L", date(2022, 9, 20), date(2022, 9, 20), 1, "row missing"),
    ]
    assert lake.gaps("ftse100_prices").rows() == wanted
    assert lake.gaps("ftse100_prices", "AZN.L", "2022-09-06", "2022-09-06").rows()[0][2:4] == (date(2022, 9, 6),) * 2
    with pytest.raises(GapsFound, match=r"all symbols 2022-09-14 to 2022-09-14 \(1 day: day missing\); AZN.L") as found:
        lake.prices(["BP.L", "AZN.L"])
    assert found.value.gaps.rows() == wanted
    with pytest.warns(GapWarning, match="AZN.L 2022-09-06 to 2022-09-07") as warned:
        rows = lake.prices("AZN.L", on_gaps="warn")
    message: Any = warned[0].message
    assert message.gaps.rows() == wanted
    assert rows.height == len(DAYS) - 4
    assert not rows["close"].has_nulls()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lake.prices("AZN.L", "2022-09-01", "2022-09-05")
        lake.prices(None, "2022-09-01", "2022-09-05")  # not listed then: MTLN.L and others, which nobody named


def test_a_day_that_is_held_without_a_row_lacks_the_rows_not_the_day(tmp_path: Path) -> None:
    lake = holed(tmp_path, PRICES.filter(pl.col("dt") != "2022-09-14"), ["2022-09-14"])
    assert lake.gaps("ftse100_prices", "BP.L").rows() == [
        ("ftse100_prices", "BP.L", date(2022, 9, 14), date(2022, 9, 14), 1, "row missing")
    ]


LISTED = [listing for listing in symbols_of(load_contract("ftse100_prices")).listings if listing.covers(FIRST, LAST)]


@given(st.sets(st.tuples(st.sampled_from(DAYS[1:-1]), st.sampled_from(LISTED[:4])), max_size=25))
def test_gaps_are_exactly_what_was_taken_away(tmp_path_factory: pytest.TempPathFactory, taken: set[Any]) -> None:
    gone = {(f"{day}", listing.symbol) for day, listing in taken}
    few = PRICES.filter(pl.col("ticker").is_in([listing.symbol for listing in LISTED[:4]]))
    rows = few.filter(~pl.concat_str("dt", "ticker").is_in([day + ticker for day, ticker in gone]))
    lake = holed(tmp_path_factory.mktemp("holed"), rows, [f"{day}" for day in DAYS])
    found = lake.gaps("ftse100_prices", [listing.symbol for listing in LISTED[:4]]).rows(named=True)
    said = {(f"{d}", gap["symbol"]) for gap in found for d in DAYS if gap["start"] <= d <= gap["end"]}
    assert said == gone
    assert sum(gap["days"] for gap in found) == len(gone)


@given(st.dates(FIRST - timedelta(20), LAST + timedelta(20)), st.dates(FIRST - timedelta(20), LAST + timedelta(20)))
def test_a_window_is_closed_and_within_the_lake(lake: Lake, start: date, end: date) -> None:
    whole = lake.prices("AZN.L")
    if start > end:
        with pytest.raises(WrongArgument):
            lake.prices("AZN.L", start, end)
        return
    due = load_contract("ftse100_prices").days(start, end)
    if end < FIRST or start > LAST or set(due) - set(DAYS):
        with pytest.raises(OutOfLake):
            lake.prices("AZN.L", start, end)
        return
    found = lake.prices("AZN.L", f"{start}", end)
    # Also the adjusted closes: they are of all later dividends in the lake, whatever the window.
    assert_frame_equal(found, whole.filter(pl.col("dt").is_between(start, end)))


# Tables, and what the library is not in


def test_the_tables_are_those_of_athena() -> None:
    glue = {table["Name"]: table for table in table_inputs(NAMES)}
    assert set(table_names()) == set(glue)
    for name, table in stored_tables().items():
        columns = {column["Name"]: athena._duckdb_type(column) for column in glue[name]["StorageDescriptor"]["Columns"]}
        keys = tuple(key["Name"] for key in glue[name]["PartitionKeys"])
        location = glue[name]["StorageDescriptor"]["Location"]
        assert (dict(table.columns), table.keys) == (columns, keys)
        assert location == f"s3://{NAMES[f'{table.kind}_bucket']}/{table.prefix}"
    assert set(DUCKDB_TYPES.values()) == {str(duckdb.sqltype(kind)) for kind in DUCKDB_TYPES.values()}


def test_an_object_from_before_prices_had_a_currency_is_read_in_pounds(tmp_path: Path) -> None:
    root = empty_root(tmp_path / "root")
    write_years(root, "ftse100_prices", PRICES)
    path = next((root / "s3").rglob("ftse100_prices/year=2022/part-0.parquet"))
    metadata = pl.read_parquet_metadata(path)
    old = PRICES.drop("currency", "dividend_currency").with_columns(adj_close=pl.col("close"))
    old.write_parquet(path, metadata={"marketlake.days": metadata["marketlake.days"]})
    lake = Lake.local(root)
    assert set(lake.prices("AZN.L")["currency"]) == {"GBP"}
    assert lake.sql("SELECT count(currency) FROM ftse100_prices_by_year").item() == 0, "as Athena has them"


@pytest.mark.parametrize("function", function_names())
def test_no_bundle_has_the_library(function: str) -> None:
    assert not [name for name in source_files(function) if name.startswith("marketlake/reader")]


def test_the_package_of_the_functions_imports_nothing_of_it() -> None:
    code = (
        "import marketlake, marketlake.contract, sys; print(sorted({'polars', 'duckdb', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'Lakes'"):
        marketlake.Lakes  # type: ignore[attr-defined]  # noqa: B018
