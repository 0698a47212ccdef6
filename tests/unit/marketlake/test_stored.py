from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest

from marketlake.batch_rows import PARQUET, to_parquet
from marketlake.contract import Column, Contract
from marketlake.errors import ContractViolation
from marketlake.layout import clean_key, year_key
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket
from marketlake.stored import StoredDay, in_contracts_columns, read_year, read_years, stored_days
from tests.unit.lake import PRICES, RATES, Counting, Lake
from transform.compact import compact_years

DAYS = [date(2022, 12, 29), date(2022, 12, 30), date(2023, 1, 2)]


def frame(rate: float) -> pl.DataFrame:
    rows = [("EUR", "GBP", rate, None), ("EUR", "USD", rate + 1, None)]
    return pl.DataFrame(rows, schema=polars_schema(RATES), orient="row")


def put(lake: Lake, day: date, rate: float) -> StoredDay:
    rows = frame(rate)
    return StoredDay(rows, lake.clean.put(clean_key(RATES.name, day), to_parquet(rows), PARQUET))


def load(lake: Lake, **rates: float) -> dict[date, StoredDay]:
    """Days with a rate (as ``d0``) by day and by year."""
    written = {DAYS[int(name[1:])]: put(lake, DAYS[int(name[1:])], rate) for name, rate in rates.items()}
    compact_years(RATES, lake.clean, read_years(RATES, lake.clean, {2022, 2023}), written)
    return written


def stored(lake: Lake, clean: Bucket | None = None) -> dict[date, StoredDay]:
    return stored_days(RATES, clean or lake.clean, DAYS, read_years(RATES, lake.clean, {2022, 2023}))


def test_days_are_found_in_their_years_without_reading_their_objects(lake: Lake) -> None:
    written, counting = load(lake, d0=1.0, d2=3.0), Counting(lake.clean)
    found = stored(lake, counting)
    assert counting.read == []
    assert {day: one.etag for day, one in found.items()} == {day: one.etag for day, one in written.items()}
    assert found[DAYS[2]].frame.equals(frame(3.0))


def test_a_day_that_expired_has_its_rows_and_no_etag(lake: Lake) -> None:
    load(lake, d0=1.0)
    lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key(RATES.name, DAYS[0]))
    found = stored(lake)
    assert found[DAYS[0]].frame.equals(frame(1.0))
    assert found[DAYS[0]].etag == ""


def test_a_day_that_was_written_since_is_read_from_its_own_object(lake: Lake) -> None:
    load(lake, d0=1.0)
    newer = put(lake, DAYS[0], 9.0)
    assert stored(lake)[DAYS[0]].frame.equals(newer.frame)


def renamed(*columns: Column) -> Contract:
    return msgspec.structs.replace(RATES, columns=columns)


BASE, TARGET, RATE, _ = RATES.columns
FIXING = Column("fixing", "double", nullable=True, description="")


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (renamed(BASE, TARGET, RATE, FIXING), [("EUR", "GBP", 1.0, None), ("EUR", "USD", 2.0, None)]),
        (renamed(*RATES.columns, FIXING), [("EUR", "GBP", 1.0, None, None), ("EUR", "USD", 2.0, None, None)]),
        (renamed(BASE, TARGET), [("EUR", "GBP"), ("EUR", "USD")]),
        (renamed(RATE, TARGET, BASE), [(1.0, "GBP", "EUR"), (2.0, "USD", "EUR")]),
    ],
)
def test_rows_of_an_earlier_contract_come_in_the_columns_of_this_one(contract: Contract, expected: list[Any]) -> None:
    found = in_contracts_columns(contract, frame(1.0), "key")
    assert found.rows() == expected
    assert found.schema == polars_schema(contract)
    assert in_contracts_columns(RATES, found, "key").schema == polars_schema(RATES)


OLD_PRICES = pl.DataFrame(
    {
        "ticker": ["A.L", "B.L", "C.L"],
        "open": [1.0, 2.0, 3.0],
        "high": [1.0, 2.0, 3.0],
        "low": [1.0, 2.0, 3.0],
        "close": [1.0, 2.0, 3.0],
        "adj_close": [0.9, 2.0, 3.0],
        "volume": [10, None, 30],
        "dividend": [0.0, 0.05, 0.06],
        "split_ratio": [1.0, 1.0, 1.0],
        "quoted_currency": ["GBp", "GBp", "GBP"],
    }
)
"""Prices as version 1 of their contract had them, all in pounds."""


def test_prices_from_before_they_had_a_currency_get_that_of_their_unit() -> None:
    found = in_contracts_columns(PRICES, OLD_PRICES, "key")
    assert found.schema == polars_schema(PRICES)
    assert found["currency"].to_list() == ["GBP"] * 3
    assert found.select("dividend", "dividend_currency").rows() == [(0.0, None), (0.05, "GBP"), (0.06, "GBP")]
    assert found["flags"].to_list() == [None] * 3
    # A row that has them keeps them, whatever its unit.
    assert in_contracts_columns(PRICES, found.with_columns(currency=pl.lit("EUR")), "key")["currency"][0] == "EUR"


def test_a_lake_from_before_prices_had_a_currency_heals_with_the_next_write_of_its_year(lake: Lake) -> None:
    old, new = DAYS[:2]
    dated = OLD_PRICES.select(pl.lit(f"{old}").alias("dt"), pl.all())
    body = to_parquet(dated, metadata={"marketlake.days": f'{{"{old}": "x"}}'})
    lake.clean.put(year_key(PRICES.name, 2022), body, PARQUET)
    rows = in_contracts_columns(PRICES, OLD_PRICES, "key")
    written = {new: StoredDay(rows, lake.clean.put(clean_key(PRICES.name, new), to_parquet(rows), PARQUET))}
    assert compact_years(PRICES, lake.clean, read_years(PRICES, lake.clean, {2022}), written) == 1
    year = read_year(PRICES, lake.clean, 2022)
    assert year is not None
    assert year.current
    assert year.frame.filter(pl.col("dt") == f"{old}").drop("dt").equals(rows)


def test_a_column_whose_type_does_not_fit_any_more_is_refused() -> None:
    as_text = renamed(BASE, TARGET, msgspec.structs.replace(RATE, type="bigint"))
    nothing_lost = in_contracts_columns(as_text, frame(1.0), "key")
    assert nothing_lost["rate"].to_list() == [1, 2]
    words = frame(1.0).with_columns(rate=pl.lit("much"))
    with pytest.raises(ContractViolation, match=r"key was written under another contract.*give a column whose type"):
        in_contracts_columns(RATES, words, "key")


@pytest.mark.parametrize("body", [b"", b"no Parquet", to_parquet(frame(1.0))])
def test_a_year_that_cannot_be_read_is_not_taken_for_an_empty_one(lake: Lake, body: bytes) -> None:
    lake.clean.put(year_key(RATES.name, 2022), body, PARQUET)
    with pytest.raises(ContractViolation, match=r"is not readable.*: marketlake restore fx_rates 2022"):
        read_year(RATES, lake.clean, 2022)
