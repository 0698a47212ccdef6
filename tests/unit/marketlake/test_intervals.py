from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.contract import Contract
from marketlake.intervals import from_intervals, text_of, to_intervals
from tests.unit.lake import PRICES, RATES

YEARS = {contract.name: contract.days(date(2010, 1, 1), date(2012, 12, 31)) for contract in (PRICES, RATES)}


@st.composite
def days_of(draw: Any) -> tuple[Contract, list[date]]:
    """Any days of a contract's calendar, ascending."""
    contract = draw(st.sampled_from([PRICES, RATES]))
    days = YEARS[contract.name]
    start = draw(st.integers(0, len(days) - 60))
    chosen = draw(st.lists(st.booleans(), min_size=0, max_size=60))
    return contract, [day for day, taken in zip(days[start:], chosen, strict=False) if taken]


@given(days_of())
def test_days_survive_the_round_trip(drawn: tuple[Contract, list[date]]) -> None:
    contract, days = drawn
    assert from_intervals(contract, to_intervals(contract, days)) == days


@given(days_of())
def test_no_two_runs_could_be_one(drawn: tuple[Contract, list[date]]) -> None:
    contract, days = drawn
    runs = to_intervals(contract, days)
    for left, right in pairwise(runs):
        last, first = date.fromisoformat(left[-10:]), date.fromisoformat(right[:10])
        assert len(contract.days(last, first)) > 2, f"no day lies between {left} and {right}"


def test_a_run_reaches_over_weekends_and_holidays_of_its_calendar() -> None:
    easter = [date(2023, 4, 6), date(2023, 4, 11)]
    assert to_intervals(RATES, easter) == ["2023-04-06/2023-04-11"]
    assert to_intervals(RATES, [date(2023, 4, 6)]) == ["2023-04-06"]
    assert to_intervals(RATES, []) == []


@pytest.mark.parametrize("text", ["", "2023", "2023-02-30", "2023-01-02/x", "x/2023-01-02"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|day|month|range"):
        from_intervals(RATES, [text])


def test_text_for_people_is_bounded_and_counts_the_rest() -> None:
    runs = ["2023-01-02", "2023-01-04/2023-01-06", "2023-02-01", "2023-03-01", "2023-04-03"]
    assert text_of(runs[:1]) == "2023-01-02"
    assert text_of(runs) == "2023-01-02, 2023-01-04 to 2023-01-06, 2023-02-01 and 2 more ranges"
