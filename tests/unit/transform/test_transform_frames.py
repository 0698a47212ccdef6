from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import DataQualityError
from marketlake.manifest import ValidatedDay
from marketlake.raw_frames import RawDay
from marketlake.schemas import polars_schema
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv
from transform.handler import changed_rows, clean_frames, patched

DAY, NEXT = date(2023, 1, 3), date(2023, 1, 4)


def clean(*bars: Bar, dropped: tuple[Any, ...] = ()) -> pl.DataFrame:
    raw = RawDay(DAY, prices_csv(bars))
    (frame,) = clean_frames(PRICES, [raw], [ValidatedDay(DAY, raw.sha256, 0, list(dropped))])
    return frame


def test_what_validate_put_aside_is_not_there_and_the_rest_is_sorted() -> None:
    frame = clean(Bar("C.L"), Bar("A.L"), Bar("B.L"), dropped=("B.L",))
    assert frame["ticker"].to_list() == ["A.L", "C.L"]


def test_a_row_without_a_ticker_that_was_put_aside_takes_no_other_with_it() -> None:
    assert clean(Bar(""), Bar("A.L"), Bar("B.L"), dropped=(None,))["ticker"].to_list() == ["A.L", "B.L"]
    assert clean(Bar(""), Bar("A.L"), Bar("B.L"), dropped=("B.L", None))["ticker"].to_list() == ["A.L"]


def test_days_keep_their_rows_apart_and_an_empty_one_has_its_columns() -> None:
    raw = [RawDay(DAY, prices_csv([Bar("A.L")])), RawDay(NEXT, prices_csv([]))]
    frames = clean_frames(PRICES, raw, [ValidatedDay(day.day, day.sha256, 0, ["B.L"]) for day in raw])
    assert [frame.height for frame in frames] == [1, 0]
    assert [frame.schema for frame in frames] == [polars_schema(PRICES)] * 2


def test_new_rows_take_the_place_of_their_own_and_the_others_stay() -> None:
    old = clean(at("A.L", 100), at("B.L", 200), at("D.L", 400))
    new = clean(at("B.L", 250), at("C.L", 300))
    day = ValidatedDay(DAY, "sha", 2)
    found = patched(PRICES, day, old, new)
    assert found.select("ticker", "close").rows() == [("A.L", 1.0), ("B.L", 2.5), ("C.L", 3.0), ("D.L", 4.0)]
    assert found.schema == polars_schema(PRICES)


def test_some_symbols_never_pass_for_a_day_that_is_not_there() -> None:
    with pytest.raises(DataQualityError, match=r"ftse100_prices 2023-01-03.*run the day without symbols first"):
        patched(PRICES, ValidatedDay(DAY, "sha", 1), None, clean(Bar("A.L")))


RATE_ROWS = st.dictionaries(st.sampled_from(["AUD", "GBP", "JPY", "USD", "ZAR"]), st.sampled_from([1.0, 2.0, 3.0]))


def rates(rows: dict[str, float]) -> pl.DataFrame:
    columns = {"base_currency": ["EUR"] * len(rows), "target_currency": list(rows), "rate": list(rows.values())}
    return pl.DataFrame(columns, schema=polars_schema(RATES)).sort(RATES.key)


@given(old=RATE_ROWS, new=RATE_ROWS)
def test_patching_is_an_update_of_a_mapping(old: dict[str, float], new: dict[str, float]) -> None:
    found = patched(RATES, ValidatedDay(DAY, "sha", 0), rates(old), rates(new))
    assert found.equals(rates(old | new))


@given(old=RATE_ROWS, new=RATE_ROWS)
def test_changed_rows_counts_what_differs(old: dict[str, float], new: dict[str, float]) -> None:
    gone, come = set(old.items()) - set(new.items()), set(new.items()) - set(old.items())
    assert changed_rows(rates(old), rates(new)) == max(len(gone), len(come))


def test_nulls_that_stay_null_are_no_change() -> None:
    assert changed_rows(clean(Bar("A.L", open=None)), clean(Bar("A.L", open=None))) == 0
    assert changed_rows(clean(Bar("A.L", open=None)), clean(Bar("A.L", open=100))) == 1
