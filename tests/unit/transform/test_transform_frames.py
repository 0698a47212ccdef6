from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.batch_rows import AcceptedDay
from marketlake.contract import Contract
from marketlake.errors import DataQualityError
from marketlake.schemas import polars_schema
from tests.unit.frames import clean_frames
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv
from transform.days import Day, StoredDay, changed_rows, patched
from validate.raw import RawDay

DAY = AcceptedDay(date(2023, 1, 3), "sha")


def clean(*bars: Bar) -> pl.DataFrame:
    (frame,) = clean_frames(PRICES, [RawDay(DAY.dt, prices_csv(bars))])
    return frame


def put_into(old: pl.DataFrame, new: pl.DataFrame, contract: Contract = PRICES) -> pl.DataFrame:
    return patched(contract, Day(DAY, new, StoredDay(old, "etag"))).frame


def test_new_rows_take_the_place_of_their_own_and_the_others_stay() -> None:
    old = clean(at("A.L", 100), at("B.L", 200), at("D.L", 400))
    new = clean(at("B.L", 250), at("C.L", 300))
    found = put_into(old, new)
    assert found.select("ticker", "close").rows() == [("A.L", 1.0), ("B.L", 2.5), ("C.L", 3.0), ("D.L", 4.0)]
    assert found.schema == polars_schema(PRICES)


def test_some_symbols_never_pass_for_a_day_that_is_not_there() -> None:
    with pytest.raises(DataQualityError, match=r"ftse100_prices 2023-01-03.*run the day without symbols first"):
        patched(PRICES, Day(DAY, clean(Bar("A.L"))))


RATE_ROWS = st.dictionaries(st.sampled_from(["AUD", "GBP", "JPY", "USD", "ZAR"]), st.sampled_from([1.0, 2.0, 3.0]))


def rates(rows: dict[str, float]) -> pl.DataFrame:
    columns = {"base_currency": ["EUR"] * len(rows), "target_currency": list(rows), "rate": list(rows.values())}
    return pl.DataFrame(columns, schema=polars_schema(RATES)).sort(RATES.key)


@given(old=RATE_ROWS, new=RATE_ROWS)
def test_patching_is_an_update_of_a_mapping(old: dict[str, float], new: dict[str, float]) -> None:
    found = put_into(rates(old), rates(new), RATES)
    assert found.equals(rates(old | new))


@given(old=RATE_ROWS, new=RATE_ROWS)
def test_changed_rows_counts_what_differs(old: dict[str, float], new: dict[str, float]) -> None:
    gone, come = set(old.items()) - set(new.items()), set(new.items()) - set(old.items())
    assert changed_rows(rates(old), rates(new)) == max(len(gone), len(come))


def test_nulls_that_stay_null_are_no_change() -> None:
    assert changed_rows(clean(Bar("A.L", open=None)), clean(Bar("A.L", open=None))) == 0
    assert changed_rows(clean(Bar("A.L", open=None)), clean(Bar("A.L", open=100))) == 1
