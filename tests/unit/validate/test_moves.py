"""The day-on-day rule: who is blamed for a jump, and who is not."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.contract import MoveRule
from tests.unit.frames import judged
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv, rates_json
from validate.neighbours import move_reason, split_reason
from validate.raw import RawDay

FIRST = date(2023, 1, 2)
RULE = PRICES.rules.move


def days_of(*closes: float | None, ticker: str = "A.L") -> list[RawDay]:
    """One day for each close (pence), none where it is None; other prices around it."""
    return [
        RawDay(FIRST + timedelta(days=number), prices_csv([at(ticker, close)] if close else []))
        for number, close in enumerate(closes)
    ]


def blamed(days: list[RawDay], before: RawDay | None = None) -> dict[int, str]:
    """Number of the day to its reason, of the rows that are bad."""
    rows = judged(PRICES, days, before)
    bad = rows.filter(pl.col("reason").is_not_null())
    return {(day - FIRST).days: reason for day, reason in bad.select("dt", "reason").iter_rows()}


def context(close: float, ticker: str = "A.L") -> RawDay:
    return RawDay(date.min, prices_csv([at(ticker, close)]))


def test_pounds_for_pence_on_one_day_blame_that_day_and_not_the_one_after() -> None:
    found = blamed(days_of(500, 505, 5.02, 508, 510))
    assert list(found) == [2]
    assert found[2] == "close moved 101-fold from 5.05 to 0.0502: a unit error, pence for pounds"


def test_pence_for_pounds_the_other_way_round() -> None:
    found = blamed(days_of(500, 50500, 505))
    assert list(found) == [1]
    assert "a unit error" in found[1]


def test_several_days_in_the_wrong_unit_are_all_blamed() -> None:
    found = blamed(days_of(500, 5.05, 5.1, 5.0, 510, 505))
    assert list(found) == [1, 2, 3]
    assert all("a unit error" in reason for reason in found.values())


def test_the_first_day_is_held_against_the_bars_before_the_batch() -> None:
    assert list(blamed(days_of(5.0, 505), before=context(500))) == [0]
    assert blamed(days_of(500, 505), before=context(500)) == {}


def test_the_bars_before_the_batch_are_never_rows_of_it() -> None:
    rows = judged(PRICES, days_of(500), before=context(500))
    assert rows["dt"].to_list() == [FIRST]


def test_a_bad_bar_before_the_batch_is_no_measure() -> None:
    broken = RawDay(date.min, prices_csv([Bar("A.L", close=5.0, low=6.0)]))
    assert blamed(days_of(500, 505), before=broken) == {}


def test_what_is_usual_before_the_batch_counts_and_not_its_last_bar() -> None:
    """As in the daily run after a day in the wrong unit, or some of them."""
    one_wrong = RawDay(date.min, prices_csv([at("A.L", close) for close in (500, 510, 505, 5.0)]))
    assert blamed(days_of(505, 500), before=one_wrong) == {}
    first_wrong = RawDay(date.min, prices_csv([at("A.L", close) for close in (5.0, 500, 510)]))
    assert blamed(days_of(505, 5.05), before=first_wrong) == {1: _unit(5.05, 0.0505)}
    some_wrong = RawDay(date.min, prices_csv([at("A.L", close) for close in (500, 510, 505, 5.0, 5.1)]))
    assert list(blamed(days_of(5.05, 5.0), before=some_wrong)) == [0, 1]


def _unit(before: float, now: float) -> str:
    return f"close moved 100-fold from {before:g} to {now:g}: a unit error, pence for pounds"


@pytest.mark.parametrize(
    ("before", "now", "split", "words"),
    [
        (10.0, 5.1, 2.0, "not adjusted"),
        (5.1, 10.0, 0.5, "not adjusted"),
        (5.0, 10.2, 2.0, "adjusted twice"),
        (10.0, 5.1, 0.5, "adjusted twice"),
        (10.0, 10.1, 2.0, None),  # adjusted, as it should be
        (10.0, 4.3, 2.0, None),
        (10.0, 5.8, 2.0, None),
        (10.0, 5.0, 1.0, None),
        (10.0, 7.9, 1.25, None),
        (10.0, 5.0, 0.0, None),
    ],
)
def test_a_move_of_the_size_of_its_split(before: float, now: float, split: float, words: str | None) -> None:
    reason = split_reason(RULE, before, now, split)
    assert (reason is None) if words is None else (reason is not None and reason.endswith(words))


def test_a_gap_in_between_changes_nothing() -> None:
    assert list(blamed(days_of(500, None, None, 5.0, None, 500))) == [3]


def test_a_row_that_another_rule_refused_is_neither_measured_nor_a_measure() -> None:
    days = days_of(500, 505, 510)
    days[1] = RawDay(days[1].day, prices_csv([Bar("A.L", close=5.0, low=50.0)]))
    found = blamed(days)
    assert list(found) == [1]
    assert found[1] == "low is above close"


def test_a_threefold_move_is_a_market_and_not_an_error() -> None:
    assert blamed(days_of(100, 300, 100, 33.4)) == {}
    assert blamed(days_of(100, 400, 100)) == {}, "the bound itself is allowed"


def test_beyond_the_bound_but_far_from_a_unit_is_described_as_such() -> None:
    assert blamed(days_of(100, 450)) == {1: "close moved 4.5-fold from 1 to 4.5, beyond 4-fold"}
    assert blamed(days_of(1000, 100)) == {1: "close moved 10.0-fold from 10 to 1, beyond 4-fold"}


def test_one_symbol_is_not_blamed_for_another() -> None:
    days = [
        RawDay(FIRST, prices_csv([at("A.L", 500), at("B.L", 5.0)])),
        RawDay(FIRST + timedelta(days=1), prices_csv([at("A.L", 5.0), at("B.L", 5.1)])),
    ]
    rows = judged(PRICES, days).filter(pl.col("reason").is_not_null())
    assert rows.select("dt", "ticker").rows() == [(FIRST + timedelta(days=1), "A.L")]


def test_rates_have_a_bound_of_their_own() -> None:
    days = [
        RawDay(FIRST + timedelta(days=n), rates_json(FIRST + timedelta(days=n), {"USD": usd, "GBP": 0.88}))
        for n, usd in enumerate((1.05, 2.09, 108.0, 2.2))
    ]
    rows = judged(RATES, days).filter(pl.col("reason").is_not_null())
    assert rows.select("dt", "target_currency").rows() == [(FIRST + timedelta(days=2), "USD")]


@pytest.mark.parametrize(
    ("before", "now", "unit"),
    [(1, 80.0, True), (1, 79.9, False), (1, 125, True), (1, 125.1, False), (100, 1, True), (4.01, 1, False)],
)
def test_near_a_hundredfold_is_a_unit_error(before: float, now: float, unit: bool) -> None:
    reason = move_reason(RULE, before, now)
    assert reason is not None
    assert ("a unit error" in reason) is unit


CLOSES = st.floats(0.01, 1e5)


@given(before=CLOSES, now=CLOSES, bound=st.floats(1.1, 50))
def test_a_move_is_judged_alike_up_and_down(before: float, now: float, bound: float) -> None:
    rule = MoveRule("close", bound, 100.0, 0.25)
    assert (move_reason(rule, before, now) is None) == (move_reason(rule, now, before) is None)
    assert (move_reason(rule, before, now) is None) == (max(now / before, before / now) <= bound)


@given(closes=st.lists(st.floats(1, 100_000), min_size=1, max_size=12), with_context=st.booleans())
def test_what_passes_never_jumps_and_what_is_blamed_jumps_from_the_last_that_passed(
    closes: list[float], with_context: bool
) -> None:
    # The plain definition of the rule, close by close, against the vectorised one.
    last = closes[0] if with_context else None
    expected: list[int] = []
    for number, close in enumerate(closes):
        ratio = max(close / last, last / close) if last else 1.0
        if ratio > 4.0 * (1 + 1e-12):
            expected.append(number)
        elif ratio < 4.0 * (1 - 1e-12):
            last = close
        else:
            return  # on the very bound, where rounding in pounds and pence may differ
    assert list(blamed(days_of(*closes), context(closes[0]) if with_context else None)) == expected
