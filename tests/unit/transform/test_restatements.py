"""Which changes of days seen again are a restatement. Prices here are in pounds, quoted in pence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketlake.schemas import polars_schema
from tests.unit.lake import PRICES, RATES
from transform.restatements import find_restated

FIRST = date(2026, 10, 19)
DAYS = [FIRST + timedelta(days=number) for number in range(5)]
CLOSES = [4.0, 4.1, 3.9, 4.05, 4.2]
QUOTES = ("open", "high", "low", "close")

FACTORS = st.one_of(st.floats(0.02, 0.95), st.floats(1.05, 50.0))


def pence(least: int) -> st.SearchStrategy[list[int]]:
    """Five closes in hundredths of a penny."""
    return st.lists(st.integers(least * 100, 1_000_000), min_size=5, max_size=5)


def frame(closes: Sequence[float], days: Sequence[date] = DAYS, symbol: str = "A.L") -> pl.DataFrame:
    """Days of one symbol with their prices around ``closes``."""
    columns = {
        "dt": list(days),
        "ticker": [symbol] * len(days),
        "open": [close * 0.99 for close in closes],
        "high": [close * 1.02 for close in closes],
        "low": [close * 0.98 for close in closes],
        "close": list(closes),
        "volume": [1000] * len(days),
        "currency": ["GBP"] * len(days),
        "dividend": [0.0] * len(days),
        "dividend_currency": [None] * len(days),
        "split_ratio": [1.0] * len(days),
        "quoted_currency": ["GBp"] * len(days),
        "flags": [None] * len(days),
    }
    return pl.DataFrame(columns, schema={"dt": pl.Date(), **polars_schema(PRICES)})


def rounded(days: pl.DataFrame) -> pl.DataFrame:
    """The prices as quoted: two decimals of a penny."""
    return days.with_columns((pl.col(*QUOTES) * 100).round(2) / 100)


def times(days: pl.DataFrame, factor: float, until: date = DAYS[-1], names: Sequence[str] = QUOTES) -> pl.DataFrame:
    """``days`` with the prices up to ``until`` times ``factor``."""
    now = [pl.when(pl.col("dt") <= until).then(pl.col(name) * factor).otherwise(pl.col(name)) for name in names]
    return days.with_columns(now)


def found(before: pl.DataFrame, now: pl.DataFrame, unchanged: Sequence[date] = ()) -> list[tuple[str, str, date]]:
    return [(x.event, x.symbol, date.fromisoformat(x.last)) for x in find_restated(PRICES, before, now, unchanged)]


BEFORE = frame(CLOSES)


@given(pence(250), FACTORS, st.integers(2, 5))
def test_a_split_is_found_whatever_its_factor_and_the_rounding(closes: list[int], factor: float, many: int) -> None:
    # From 250 p on: where a split leaves a price of a penny or so, two decimals hardly tell by how much it moved.
    before = rounded(frame([hundredths / 10_000 for hundredths in closes]))
    (restated,) = find_restated(PRICES, before, rounded(times(before, factor, DAYS[many - 1])))
    assert (restated.event, restated.symbol, restated.last) == ("split", "A.L", f"{DAYS[many - 1]}")
    assert restated.factor == pytest.approx(factor, rel=0.01)


@given(st.integers(1, 4), FACTORS, st.floats(1.05, 1.5))
def test_a_close_that_is_corrected_on_the_evening_of_a_split_does_not_hide_it(
    place: int, factor: float, wrong: float
) -> None:
    # The oldest day speaks for the others.
    assume(not 70 < max(factor, 1 / factor) < 130)
    assume(abs(factor / wrong - 1) > 0.01)
    wrong_then = [close * wrong if number == place else close for number, close in enumerate(CLOSES)]
    (restated,) = find_restated(PRICES, frame(wrong_then), times(BEFORE, factor))
    assert restated.last == f"{DAYS[4]}"
    assert restated.factor == pytest.approx(factor, rel=0.01)


def test_two_days_with_one_factor_and_one_with_another_are_corrections() -> None:
    now = pl.concat([times(BEFORE.head(2), 0.5), times(BEFORE.slice(2, 1), 0.6)])
    assert found(BEFORE.head(3), now) == []


def test_a_dividend_restates_nothing_that_the_lake_holds() -> None:
    paid = pl.when(pl.col("dt") == DAYS[2]).then(0.1).otherwise(0.0)
    assert found(BEFORE, BEFORE.with_columns(dividend=paid)) == []


@given(st.lists(st.floats(0.7, 1.4), min_size=5, max_size=5))
def test_days_that_moved_by_factors_of_their_own_are_corrections(factors: list[float]) -> None:
    assume(max(factors) / min(factors) > 1.01)
    assume(sum(abs(factor - 1) > 0.001 for factor in factors) > 1)
    moved = [round(factor, 2) for factor in factors if abs(factor - 1) > 0.001]
    assume(len(set(moved)) > 1)
    assume(max(moved.count(factor) for factor in moved) < 3)
    now = frame([close * factor for close, factor in zip(CLOSES, factors, strict=True)])
    assert found(BEFORE, now) == []


@given(st.lists(st.floats(1 - 5e-6, 1 + 5e-6), min_size=5, max_size=5))
def test_noise_in_the_last_digits_is_nothing(noise: list[float]) -> None:
    costly = frame([close * 50 for close in CLOSES])  # so that rounding explains nothing
    assert found(costly, costly.with_columns(pl.col(*QUOTES) * pl.Series(noise))) == []
    assert found(BEFORE, BEFORE) == []


def test_one_price_of_a_bar_that_is_corrected_is_no_split() -> None:
    for name in QUOTES:
        moved = BEFORE.with_columns(pl.col(name) * 0.5)
        assert "split" not in {event for event, _, _ in found(BEFORE, moved)}
        one_day = pl.concat([BEFORE.head(2), moved.slice(2, 1), BEFORE.tail(2)])
        assert found(BEFORE, one_day) == []


def test_newer_days_that_moved_while_older_ones_did_not_are_corrections() -> None:
    now = times(BEFORE, 2.0).filter(pl.col("dt") > DAYS[1]).vstack(BEFORE.filter(pl.col("dt") <= DAYS[1]))
    assert found(BEFORE, now) == []
    assert found(BEFORE.tail(3), times(BEFORE.tail(3), 2.0), unchanged=DAYS[:2]) == []


def test_one_day_that_moved_before_days_that_did_not_needs_its_event() -> None:
    now = times(BEFORE, 0.5, DAYS[0])
    assert found(BEFORE, now) == []
    split = pl.when(pl.col("dt") == DAYS[1]).then(2.0).otherwise(1.0)
    assert found(BEFORE, now.with_columns(split_ratio=split)) == [("split", "A.L", DAYS[0])]
    later = pl.when(pl.col("dt") == DAYS[2]).then(2.0).otherwise(1.0)
    assert found(BEFORE, now.with_columns(split_ratio=later)) == []


def test_the_only_day_seen_again_is_enough_unless_it_moved_as_a_wrong_unit_does() -> None:
    assert found(BEFORE.head(1), times(BEFORE, 0.5).head(1)) == [("split", "A.L", DAYS[0])]
    for factor in (100.0, 0.01, 98.0):
        assert found(BEFORE.head(1), times(BEFORE, factor).head(1)) == []
    assert found(BEFORE.head(2), times(BEFORE, 0.01).head(2)) == [("split", "A.L", DAYS[1])]


def test_symbols_are_judged_each_for_itself_and_missing_ones_not_at_all() -> None:
    other, gone, new = (frame(CLOSES, symbol=symbol) for symbol in ("B.L", "GONE.L", "NEW.L"))
    before, now = pl.concat([BEFORE, other, gone]), pl.concat([times(BEFORE, 0.2), other, new])
    assert found(before, now) == [("split", "A.L", DAYS[4])]


def test_values_that_are_missing_are_not_compared() -> None:
    no_open = pl.lit(None, dtype=pl.Float64()).alias("open")
    assert found(BEFORE.with_columns(no_open), times(BEFORE, 0.2)) == [("split", "A.L", DAYS[4])]


def test_a_dataset_without_adjustments_has_no_history_to_restate() -> None:
    rates = pl.DataFrame(
        {"dt": DAYS, "base_currency": "EUR", "target_currency": "USD", "rate": CLOSES, "flags": None},
        schema={"dt": pl.Date(), **polars_schema(RATES)},
    )
    assert find_restated(RATES, rates, rates.with_columns(pl.col("rate") * 2)) == []
