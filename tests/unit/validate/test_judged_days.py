from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import MAX_MESSAGE_BYTES
from marketlake.intervals import from_intervals
from marketlake.messages import Fetched, Input, Rejection
from marketlake.symbols import Symbols, parse_symbols
from tests.unit.lake import PRICES, RATES, SHORT_LIST, TEN
from validate.days import MAX_REJECTIONS, RejectedDay, judge_days, messages, missing_days

DAY = date(2023, 1, 3)
SYMBOLS: Symbols = parse_symbols(SHORT_LIST, "list.csv")
DAYS = PRICES.days(DAY, date(2023, 12, 29))
AGAIN = Input(["ftse100_prices"], DAYS[0], DAYS[-1])


def judged(good: list[str], bad: list[str], day: date = DAY) -> pl.DataFrame:
    reasons = [None] * len(good) + ["close is not positive"] * len(bad)
    return pl.DataFrame(
        {"dt": [day] * len(reasons), "ticker": good + bad, "reason": reasons},
        schema={"dt": pl.Date(), "ticker": pl.String(), "reason": pl.String()},
    )


def cause_of(rows: pl.DataFrame) -> str | None:
    found = judge_days(PRICES, rows, [DAY], SYMBOLS)
    assert all(rejection.error == "DataQualityError" for rejection in found)
    return found[0].cause if found else None


def test_a_complete_day_is_accepted() -> None:
    assert cause_of(judged(TEN, [])) is None


def test_bad_rows_up_to_the_bound_are_quarantined_and_the_day_goes_on() -> None:
    assert cause_of(judged(TEN[:9], TEN[9:])) is None, "one in ten is the bound"


def test_one_bad_row_more_and_the_day_is_rejected_whole() -> None:
    cause = cause_of(judged([*TEN[:8], "X.L", "Y.L"], TEN[8:]))
    assert cause == (
        "2 of 12 rows are bad, more than 10%; most often: close is not positive (2 rows); see the quarantined rows"
    )


def test_missing_symbols_up_to_the_share_are_allowed_and_beyond_it_named() -> None:
    assert cause_of(judged(TEN[:9], [])) is None
    assert cause_of(judged(TEN[:8], [])) == (
        "8 of 10 expected symbols have a good row, 90% are needed; without one: I.L, J.L"
    )


def test_symbols_that_nobody_expects_do_not_make_up_for_those_that_are() -> None:
    cause = cause_of(judged([*TEN[:8], "X.L", "Y.L", "Z.L"], []))
    assert str(cause).startswith("8 of 10 expected")


def test_a_day_without_rows_is_rejected_with_a_bounded_list() -> None:
    cause = cause_of(judged([], []))
    assert str(cause).startswith("0 of 10 expected symbols have a good row")
    assert str(cause).endswith("A.L, B.L, C.L, D.L, E.L ...")


def test_a_day_on_which_nothing_is_expected_is_never_accepted() -> None:
    nobody = parse_symbols(b"ticker,valid_from,valid_to\nA.L,2024-01-01,\n", "list.csv")
    assert len(judge_days(PRICES, judged(["A.L"], []), [DAY], nobody)) == 1


def test_days_are_judged_each_for_itself() -> None:
    other = DAY + timedelta(days=1)
    rows = pl.concat([judged(TEN, []), judged(TEN[:5], TEN[5:], other)])
    assert [rejection.day for rejection in judge_days(PRICES, rows, [DAY, other], SYMBOLS)] == [other]


@given(good=st.integers(0, 14), bad=st.integers(0, 14))
def test_a_day_is_accepted_just_when_both_shares_are_kept(good: int, bad: int) -> None:
    names = [*TEN, *(f"X{n}.L" for n in range(20))]
    cause = cause_of(judged(names[:good], names[good : good + bad]))
    expected = good > 0 and min(good, 10) >= 9 and bad * 10 <= good + bad
    assert (cause is None) == expected


def test_days_that_fetch_did_not_get_are_rejections_of_two_kinds() -> None:
    found = missing_days(RATES, Fetched([], 0, late=["2023-01-05/2023-01-06"], holes=["2022-12-30"]))
    assert [(rejection.day, rejection.error) for rejection in found] == [
        (date(2023, 1, 5), "NotYetPublished"),
        (date(2023, 1, 6), "NotYetPublished"),
        (date(2022, 12, 30), "UpstreamUnavailable"),
    ]
    assert "ecb did not have the day in time" in found[0].cause
    assert "run it again" in found[2].cause


def test_one_message_a_day_with_the_input_that_runs_it_again() -> None:
    found = messages(PRICES, AGAIN, [RejectedDay(DAYS[1], "B", "second"), RejectedDay(DAYS[0], "A", "first")])
    assert found == [
        Rejection([f"{day}"], error, cause, Input(["ftse100_prices"], day, day))
        for day, error, cause in ((DAYS[0], "A", "first"), (DAYS[1], "B", "second"))
    ]


def test_what_was_asked_for_beside_the_days_is_asked_for_again() -> None:
    again = Input(["ftse100_prices"], DAYS[0], DAYS[-1], symbols=["A.L"], force=True)
    (message,) = messages(PRICES, again, [RejectedDay(DAYS[5], "E", "c")])
    assert message.input == Input(["ftse100_prices"], DAYS[5], DAYS[5], symbols=["A.L"], force=True)


SOME_DAYS = st.builds(
    lambda start, many, step: DAYS[start : start + many * step : step],
    st.integers(0, 60),
    st.integers(0, 3 * MAX_REJECTIONS),
    st.integers(1, 3),
)


@given(
    chosen=SOME_DAYS,
    cause=st.text(max_size=1000),
    order=st.randoms(use_true_random=False),
)
def test_messages_are_few_and_short_and_no_day_is_lost(chosen: list[date], cause: str, order: Any) -> None:
    rejections = [RejectedDay(day, "DataQualityError", cause) for day in chosen]
    order.shuffle(rejections)
    found = messages(PRICES, AGAIN, rejections)
    assert len(found) == min(len(chosen), MAX_REJECTIONS)
    assert [day for message in found for day in from_intervals(PRICES, message.days)] == chosen
    for message in found:
        days = from_intervals(PRICES, message.days)
        assert (message.input.start, message.input.end) == (days[0], days[-1])
        assert len(message.cause) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("every", [1, 2])
def test_a_whole_batch_rejected_is_a_small_payload(every: int) -> None:
    rejections = [RejectedDay(day, "DataQualityError", "c" * 1000) for day in DAYS[::every]]
    payload = msgspec.json.encode(messages(PRICES, AGAIN, rejections)).decode()
    assert len(payload) < 20_000
    assert f"{len(rejections) - MAX_REJECTIONS + 1} days, " in payload
