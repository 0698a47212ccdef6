"""Values in doubt: what becomes null with which flag, and that the row and its close stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.frames import judged
from tests.unit.lake import PRICES, RATES, Bar, prices_csv, rates_json
from validate.raw import RawDay

DAY = date(2023, 1, 3)
GOOD = Bar("A.L", close=100, open=99, high=102, low=98)


def judged_bar(**change: object) -> dict[str, Any]:
    bar = replace(GOOD, **change)  # type: ignore[arg-type]
    return judged(PRICES, [RawDay(DAY, prices_csv([bar]))]).row(0, named=True)


RANGE = [
    ({"close": 103}, ["high"], "range"),
    ({"close": 97}, ["low"], "range"),
    ({"open": 102.5}, ["open"], "range"),
    ({"open": 97}, ["open"], "range"),
    ({"high": 10200}, ["high"], "range"),
    ({"low": 0.98}, ["low"], "range"),
    ({"open": 9900}, ["open"], "range"),
    ({"open": 0}, ["open"], "value"),
    ({"low": -5, "high": "inf"}, ["high", "low"], "value"),
    ({"open": "nan"}, ["open"], "value"),
    ({"open": 0, "close": 103}, ["high", "open"], "range,value"),
    ({"volume": -1}, ["volume"], "value"),
    ({"high": 98, "low": 102}, ["high", "low"], "range"),
]


@pytest.mark.parametrize(("change", "lost", "flags"), RANGE, ids=range(len(RANGE)))
def test_what_contradicts_the_close_becomes_null_and_the_close_stays(
    change: dict[str, object], lost: list[str], flags: str
) -> None:
    row = judged_bar(**change)
    assert (row["reason"], row["flags"], row["close"]) == (None, flags, float(str(change.get("close", 100))) / 100)
    assert sorted(name for name in ("open", "high", "low", "volume") if row[name] is None) == lost


@pytest.mark.parametrize(
    "change", [{}, {"open": None, "high": None}, {"high": 399, "low": 26}, {"low": 100.00001, "open": 100.00001}]
)
def test_prices_that_agree_and_those_that_are_missing_have_no_flag(change: dict[str, object]) -> None:
    assert judged_bar(**change)["flags"] is None


PRICE = st.one_of(st.none(), st.floats(0.001, 1e6), st.sampled_from([0.0, -1.0, "nan", "inf"]))


@given(opened=PRICE, high=PRICE, low=PRICE, close=st.floats(0.01, 1e4))
def test_no_price_costs_a_close_and_what_is_left_agrees(
    opened: object, high: object, low: object, close: float
) -> None:
    row = judged_bar(open=opened, high=high, low=low, close=close)
    assert row["reason"] is None
    room, shown = 1 + 2e-6, [row[name] for name in ("low", "open", "close", "high")]
    there = [price for price in shown if price is not None]
    assert all(0.25 * row["close"] / room <= price <= 4 * row["close"] * room for price in there)
    if row["low"] is not None:
        assert all(row["low"] <= price * room for price in there)
    if row["high"] is not None:
        assert all(price <= row["high"] * room for price in there)
    assert (row["flags"] is None) == (shown.count(None) == [low, opened, close, high].count(None))


def paid(
    dividend: float, implied: float, currency: str = "", *, days_after: int = 2, close: float = 100
) -> dict[str, Any]:
    """The row of an ex-day, of which the adjusted closes imply the share ``implied`` of the price."""
    bars = [Bar("A.L", close=close, adj_close=close * (1 - implied))]
    bars += [Bar("A.L", close=close, adj_close=close, dividend=dividend, dividend_currency=currency)]
    bars += [Bar("A.L", close=close, adj_close=close)] * days_after
    days = [RawDay(DAY + timedelta(days=number), prices_csv([bar])) for number, bar in enumerate(bars)]
    rows = judged(PRICES, days)
    assert rows["reason"].null_count() == len(bars), "a dividend never costs a price"
    return rows.row(1, named=True)


DIVIDENDS = [
    # amount in pence on a price of 100, what is implied, currency: what is kept in pounds, and flags
    ((4.0, 0.04, ""), 0.04, None),
    ((4.0, 0.042, ""), 0.04, None),
    ((0.04, 0.04, "GBP"), 0.04, None),
    ((4.0, 0.0, ""), 0.04, "dividend_adjusted"),  # not adjusted days later
    ((4.0, 0.0004, ""), 0.04, "dividend_adjusted"),  # adjusted for a hundredth
    ((400.0, 0.04, ""), None, "dividend_size"),
    ((40.0, 0.004, ""), None, "dividend_adjusted"),  # within the size of a special dividend
    ((0.02, 0.02, ""), None, "dividend_size"),  # pounds read as pence
    ((0.04, 0.04, ""), None, "dividend_adjusted"),
    ((8.0, 0.04, ""), None, "dividend_adjusted"),
    ((0.0, 0.04, ""), None, "dividend_adjusted"),
    ((-4.0, 0.0, ""), None, "value"),
    ((0.05, 0.04, "USD"), 0.05, None),
    ((5.0, 0.04, "USD"), None, "dividend_size"),
    ((0.0005, 0.04, "EUR"), None, "dividend_adjusted"),
    ((90.0, 0.04, "ZAR"), 90.0, None),  # not comparable with pounds
]


@pytest.mark.parametrize(("answer", "kept", "flags"), DIVIDENDS, ids=range(len(DIVIDENDS)))
def test_a_dividend_is_held_against_the_price_and_the_adjusted_closes(
    answer: tuple[float, float, str], kept: float | None, flags: str | None
) -> None:
    row = paid(*answer)
    assert row["flags"] == flags
    assert row["dividend"] == (kept if kept is None else pytest.approx(kept))


def test_on_the_evening_of_the_ex_day_adjusted_closes_contradict_nothing_yet() -> None:
    row = paid(4.0, 0.0, days_after=0)
    assert (row["dividend"], row["flags"]) == (pytest.approx(0.04), None)


def test_a_spike_between_two_days_that_agree_is_flagged_and_stays() -> None:
    closes = [500, 505, 800, 503, 640, 810]
    days = [
        RawDay(DAY + timedelta(days=number), prices_csv([Bar("A.L", close=close)]))
        for number, close in enumerate(closes)
    ]
    assert judged(PRICES, days)["flags"].to_list() == [None, None, "spike", None, None, None]


def test_a_rate_has_its_own_spike() -> None:
    days = [
        RawDay(DAY + timedelta(days=number), rates_json(DAY + timedelta(days=number), {"USD": usd, "GBP": 0.88}))
        for number, usd in enumerate((1.05, 1.06, 1.25, 1.05))
    ]
    rows = judged(RATES, days)
    assert rows.filter(rows["flags"].is_not_null()).select("dt", "target_currency", "flags").rows() == [
        (days[2].day, "USD", "spike")
    ]


def test_a_dividend_between_two_days_that_do_not_follow_each_other_is_not_missing_on_the_second() -> None:
    """A batch may leave out days that the lake has, and a share may have no bar on its ex-day."""
    before, last = date(2023, 1, 3), date(2023, 1, 6)
    old = [replace(GOOD, adj_close=97)]
    for day, flags in ((date(2023, 1, 4), "dividend_adjusted"), (date(2023, 1, 5), None)):
        bars = {before: old, day: [replace(GOOD, close=101, adj_close=101)], last: [replace(GOOD, adj_close=100)]}
        rows = judged(PRICES, [RawDay(at, prices_csv(of_day)) for at, of_day in bars.items()])
        found = rows.filter(pl.col("dt") == day).row(0, named=True)
        assert (found["flags"], found["dividend"]) == (flags, None if flags else 0.0)
