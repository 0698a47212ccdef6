"""Each row rule: what breaks it, what just does not, and that one bad row takes no other with it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.schemas import polars_schema
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv, rates_json
from validate.raw import RawDay, read_raw
from validate.rules import row_reasons

DAY = date(2023, 1, 3)
GOOD = Bar("GOOD.L")


def reasons(*bars: Bar) -> dict[str, str | None]:
    """Reason by ticker, of one day's bars."""
    frame = read_raw(PRICES, [RawDay(DAY, prices_csv(bars))])
    return dict(zip(frame["ticker"].to_list(), row_reasons(PRICES, frame).to_list(), strict=True))


BAD: list[tuple[dict[str, object], str]] = [
    ({"currency": "USD"}, "quoted_currency is not one of GBp, GBX, GBP: no unit is known for these prices"),
    ({"currency": ""}, "is missing"),
    ({"close": None}, "close is missing"),
    ({"open": "nan"}, "open is not a finite number"),
    ({"high": "inf"}, "high is not a finite number"),
    ({"low": "-inf"}, "low is not a finite number"),
    ({"close": "NaN"}, "close is not a finite number"),
    ({"adj_close": "nan"}, "adj_close is not a finite number"),
    ({"dividend": "nan"}, "dividend is not a finite number"),
    ({"split_ratio": "inf"}, "split_ratio is not a finite number"),
    ({"open": 0, "low": 0}, "open is not positive"),
    ({"high": -1}, "high is not positive"),
    ({"low": 0}, "low is not positive"),
    ({"low": -5}, "low is not positive"),
    ({"close": -100}, "close is not positive"),
    ({"close": 0}, "close is not positive"),
    ({"adj_close": 0}, "adj_close is not positive"),
    ({"volume": -1}, "volume is negative"),
    ({"dividend": -0.1}, "dividend is negative"),
    ({"split_ratio": -2}, "split_ratio is negative"),
    ({"low": 100.1, "open": 100}, "low is above open"),
    ({"open": 150.1, "high": 150}, "open is above high"),
    ({"low": 60, "open": 70, "close": 50}, "low is above close"),
    ({"high": 99, "open": 90}, "close is above high"),
    ({"high": 10000, "low": 99}, "high is not 1 to 4 times low"),
    ({"high": 102, "low": 1}, "high is not 1 to 4 times low"),
    ({"high": 400.1, "low": 100}, "high is not 1 to 4 times low"),
    ({"adj_close": 101.1}, "adj_close is not 0.02 to 1.01 times close"),
    ({"adj_close": 0.95}, "adj_close is not 0.02 to 1.01 times close"),
    ({"dividend": 50.1}, "dividend is not 0.0003 to 0.5 times close"),
    ({"dividend": 0.029}, "dividend is not 0.0003 to 0.5 times close"),
]


@pytest.mark.parametrize(("change", "words"), BAD, ids=[f"{next(iter(c))}-{n}" for n, (c, _) in enumerate(BAD)])
def test_a_bad_row_is_told_and_the_good_one_beside_it_stays(change: dict[str, object], words: str) -> None:
    found = reasons(replace(Bar("BAD.L"), **change), GOOD)  # type: ignore[arg-type]
    assert words in str(found["BAD.L"])
    assert found["GOOD.L"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"volume": 0},
        {"volume": None},
        {"high": 400, "low": 100},
        {"adj_close": 2},
        {"adj_close": 101},
        {"dividend": 0.03},
        {"dividend": 50},
        {"open": None},
        {"high": None, "low": None},
        {"adj_close": None},
        {"dividend": None, "split_ratio": None},
        {"open": 100, "high": 100, "low": 100, "close": 100},
        {"currency": "GBP"},
        {"currency": "GBX"},
        {"split_ratio": 0.1},
        {"close": 1e-6, "low": 1e-6},
    ],
)
def test_what_may_be_there_or_missing_passes(change: dict[str, object]) -> None:
    assert reasons(replace(Bar("A.L"), **change)) == {"A.L": None}  # type: ignore[arg-type]


def test_equal_prices_that_floating_point_parts_are_equal() -> None:
    # 0.1 + 0.2 is a hair above 0.3: a low that equals the open but for its last digit is not an error.
    bar = Bar("A.L", open=0.3, low=0.1 + 0.2, close=0.3, high=0.3)
    assert reasons(bar) == {"A.L": None}
    assert reasons(replace(bar, low=0.3000001)) == {"A.L": "low is above open"}


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
    currency=st.sampled_from(["GBp", "GBP", "USD", ""]),
)


@given(st.lists(st.one_of(BARS, BARS, st.floats(1, 1000).map(lambda close: at("D.L", close))), max_size=8))
def test_a_row_without_a_reason_keeps_every_promise_of_the_contract(bars: list[Bar]) -> None:
    frame = read_raw(PRICES, [RawDay(DAY, prices_csv(bars))])
    good = frame.with_columns(reason=row_reasons(PRICES, frame)).filter(pl.col("reason").is_null())
    for row in good.iter_rows(named=True):
        assert all(row[column.name] not in (None, "") for column in PRICES.columns if not column.nullable)
        numbers = [row[c.name] for c in PRICES.columns if c.type == "double" and row[c.name] is not None]
        assert all(math.isfinite(number) for number in numbers)
        assert all(row[name] is None or row[name] > 0 for name in PRICES.rules.positive)
        assert all(row[name] is None or row[name] >= 0 for name in PRICES.rules.non_negative)
        for low, high in PRICES.rules.ordered:
            assert row[low] is None or row[high] is None or row[low] <= row[high] * (1 + 1e-9)
        for rule in PRICES.rules.portions:
            if row[rule.column] and row[rule.of]:
                assert rule.min - 1e-6 <= row[rule.column] / row[rule.of] <= rule.max + 1e-6
    assert good["ticker"].n_unique() == good.height


def test_no_rows_no_reasons() -> None:
    empty = pl.DataFrame(schema={"dt": pl.Date(), **polars_schema(PRICES)})
    assert row_reasons(PRICES, empty).to_list() == []
