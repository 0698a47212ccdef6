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
from tests.unit.lake import RATES, Counting, Lake
from transform.compact import compact_years

DAYS = [date(2022, 12, 29), date(2022, 12, 30), date(2023, 1, 2)]


def frame(rate: float) -> pl.DataFrame:
    rows = [("EUR", "GBP", rate), ("EUR", "USD", rate + 1)]
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


BASE, TARGET, RATE = RATES.columns
FIXING = Column("fixing", "double", nullable=True, description="")


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (renamed(BASE, TARGET, RATE, FIXING), [("EUR", "GBP", 1.0, None), ("EUR", "USD", 2.0, None)]),
        (renamed(BASE, TARGET), [("EUR", "GBP"), ("EUR", "USD")]),
        (renamed(RATE, TARGET, BASE), [(1.0, "GBP", "EUR"), (2.0, "USD", "EUR")]),
    ],
)
def test_rows_of_an_earlier_contract_come_in_the_columns_of_this_one(contract: Contract, expected: list[Any]) -> None:
    found = in_contracts_columns(contract, frame(1.0), "key")
    assert found.rows() == expected
    assert found.schema == polars_schema(contract)
    assert in_contracts_columns(RATES, found, "key").schema == polars_schema(RATES)


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
