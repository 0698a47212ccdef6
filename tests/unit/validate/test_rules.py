"""Each row rule: what breaks it, what just does not, and that one bad row takes no other with it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv, rates_json
from validate.raw import RawDay, raw_schema, read_raw
from validate.rules import row_reasons

DAY = date(2023, 1, 3)
GOOD = Bar("GOOD.L")


def reasons(*bars: Bar) -> dict[str, str | None]:
    """Reason by ticker, of one day's bars."""
    frame = read_raw(PRICES, [RawDay(DAY, prices_csv(bars))])
    return dict(zip(frame["ticker"].to_list(), row_reasons(PRICES, frame).to_list(), strict=True))


BAD: list[tuple[dict[str, object], str]] = [
    ({"currency": "JPY"}, "quoted_currency is not one of GBp, GBX, GBP, EUR, USD: no unit is known for these prices"),
    ({"currency": ""}, "is missing"),
    ({"close": None}, "close is missing"),
    ({"close": "NaN"}, "close is not a finite number"),
    ({"close": "inf"}, "close is not a finite number"),
    ({"split_ratio": "inf"}, "split_ratio is not a finite number"),
    ({"close": -100}, "close is not positive"),
    ({"close": 0}, "close is not positive"),
    ({"split_ratio": -2}, "split_ratio is negative"),
]


@pytest.mark.parametrize(("change", "words"), BAD, ids=[f"{next(iter(c))}-{n}" for n, (c, _) in enumerate(BAD)])
def test_a_bad_row_is_told_and_the_good_one_beside_it_stays(change: dict[str, object], words: str) -> None:
    found = reasons(replace(Bar("BAD.L"), **change), GOOD)  # type: ignore[arg-type]
    assert words in str(found["BAD.L"])
    assert found["GOOD.L"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"volume": None},
        {"volume": -1},
        {"open": 0, "high": -1, "low": "inf"},
        {"high": 1, "low": 10_000},
        {"adj_close": "nan"},
        {"dividend": 5000},
        {"dividend": None, "split_ratio": None},
        {"currency": "GBX"},
        {"currency": "EUR"},
        {"split_ratio": 0.1},
        {"close": 1e-6},
    ],
)
def test_a_doubt_about_another_value_than_the_close_costs_no_row(change: dict[str, object]) -> None:
    assert reasons(replace(Bar("A.L"), **change)) == {"A.L": None}  # type: ignore[arg-type]


def test_a_key_that_is_there_twice_is_bad_both_times_and_others_are_not() -> None:
    frame = read_raw(PRICES, [RawDay(DAY, prices_csv([GOOD, Bar("A.L"), Bar("A.L", close=101)]))])
    assert row_reasons(PRICES, frame).to_list() == ["more than one row for ticker"] * 2 + [None]


def test_the_same_key_on_two_days_is_no_duplicate() -> None:
    body = prices_csv([GOOD])
    frame = read_raw(PRICES, [RawDay(DAY, body), RawDay(date(2023, 1, 4), body)])
    assert row_reasons(PRICES, frame).to_list() == [None, None]


def test_a_row_without_a_ticker_is_bad() -> None:
    assert reasons(Bar(""), GOOD) == {None: "ticker is missing", "GOOD.L": None}


@pytest.mark.parametrize("rate", [0, -1.5, math.nan, math.inf])
def test_a_rate_is_a_positive_number(rate: float) -> None:
    frame = read_raw(RATES, [RawDay(DAY, rates_json(DAY, {"USD": rate, "GBP": 0.88}))])
    found = row_reasons(RATES, frame).to_list()
    assert found[0] is None
    assert str(found[1]).startswith("rate is not")


def test_a_rate_without_a_base_is_bad() -> None:
    frame = read_raw(RATES, [RawDay(DAY, f'{{"base": null, "date": "{DAY}", "rates": {{"USD": 1.0}}}}'.encode())])
    assert row_reasons(RATES, frame).to_list() == ["base_currency is missing"]


PRICE = st.one_of(st.none(), st.floats(-10, 1000, allow_nan=False), st.sampled_from(["nan", "inf", "-inf", 0]))
BARS = st.builds(
    Bar,
    ticker=st.sampled_from(["A.L", "B.L", "C.L", ""]),
    open=PRICE,
    high=PRICE,
    low=PRICE,
    close=PRICE,
    adj_close=PRICE,
    volume=st.one_of(st.none(), st.integers(-5, 10**12)),
    dividend=PRICE,
    split_ratio=PRICE,
    currency=st.sampled_from(["GBp", "GBP", "JPY", ""]),
)


@given(st.lists(st.one_of(BARS, BARS, st.floats(1, 1000).map(lambda close: at("D.L", close))), max_size=8))
def test_a_row_without_a_reason_has_all_that_may_not_be_null_and_a_close(bars: list[Bar]) -> None:
    frame = read_raw(PRICES, [RawDay(DAY, prices_csv(bars))])
    good = frame.with_columns(reason=row_reasons(PRICES, frame)).filter(pl.col("reason").is_null())
    for row in good.iter_rows(named=True):
        assert all(row[column.name] not in (None, "") for column in PRICES.columns if not column.nullable)
        assert 0 < row["close"] < math.inf
        assert 0 <= row["split_ratio"] < math.inf
    assert good["ticker"].n_unique() == good.height


def test_no_rows_no_reasons() -> None:
    empty = pl.DataFrame(schema=raw_schema(PRICES))
    assert row_reasons(PRICES, empty).to_list() == []
