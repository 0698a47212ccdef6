"""A symbol's level: which rows are blamed for a change of it, and which are not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.frames import judged
from tests.unit.lake import PRICES, RATES, Bar, at, before_csv, prices_csv, rates_json
from validate.levels import Value, levels, right_unit, unadjusted, unit_step
from validate.raw import RawDay

FIRST = date(2023, 1, 2)
RULE = PRICES.rules.move
Held = Sequence[tuple[date, str, float]]


def days_of(*closes: float | None, splits: dict[int, float] | None = None) -> list[RawDay]:
    """One day for each close (pence), none where it is None; other prices around it."""
    return [
        RawDay(
            FIRST + timedelta(days=number),
            prices_csv([Bar("A.L", close=close, split_ratio=(splits or {}).get(number, 0))] if close else []),
        )
        for number, close in enumerate(closes)
    ]


def context(*closes: float) -> bytes:
    """The bars of the days before the first."""
    first = FIRST - timedelta(days=len(closes))
    return before_csv([(first + timedelta(days=number), Bar("A.L", close=c)) for number, c in enumerate(closes)])


def lake(*closes: float, last: int = 1) -> Held:
    """What the lake holds (pounds) of the days that end ``last`` days before the first."""
    days = range(last + len(closes) - 1, last - 1, -1)
    return [(FIRST - timedelta(days=back), "A.L", close) for back, close in zip(days, closes, strict=True)]


def blamed(days: list[RawDay], before: bytes | None = None, held: Held = ()) -> dict[int, str]:
    """Number of the day to its reason, of the rows that are bad."""
    rows = judged(PRICES, days, before, held)
    bad = rows.filter(pl.col("reason").is_not_null())
    return {(day - FIRST).days: reason for day, reason in bad.select("dt", "reason").iter_rows()}


@pytest.mark.parametrize(
    ("closes", "wrong"),
    [
        ((500, 505, 5.02, 508, 510), [2]),
        ((500, 50500, 505), [1]),
        ((500, 5.05, 5.1, 5.0, 510, 505), [1, 2, 3]),
        ((5.0, 505, 500, 510), [0]),
        ((5.0, 5.1, 505, 500, 510, 505), [0, 1]),
        ((500, None, None, 5.0, None, 500), [3]),
        ((5.0, 500, 5.0, 501, 502, 503), [0, 2]),
    ],
)
def test_where_nothing_older_is_beside_it_most_rows_decide_the_unit(
    closes: tuple[float | None, ...], wrong: list[int]
) -> None:
    found = blamed(days_of(*closes))
    assert list(found) == wrong
    assert all("a unit error" in reason for reason in found.values())


def test_the_reason_names_the_value_and_what_is_usual() -> None:
    assert blamed(days_of(500, 505, 5.02, 508)) == {2: "close is 0.0502 where 5.05 is usual: a unit error"}


def test_the_bars_before_the_batch_count_and_are_not_rows_of_it() -> None:
    assert list(blamed(days_of(5.0), context(500, 505))) == [0]
    assert list(blamed(days_of(505), context(500, 5.0, 501))) == []
    assert judged(PRICES, days_of(500), context(500))["dt"].to_list() == [FIRST]


def test_an_answer_in_another_unit_than_the_lake_is_wrong_as_a_whole_however_long_it_lasts() -> None:
    assert list(blamed(days_of(5.0, 5.1), context(5.0, 5.1, 5.0), lake(5.0, 5.1, 5.0))) == [0, 1]
    long_ago = lake(5.0, last=300)
    assert list(blamed(days_of(5.0, 5.1), context(5.0, 5.1, 5.0), long_ago)) == [0, 1]


def test_the_lake_decides_against_most_of_the_rows() -> None:
    most_wrong = days_of(5.0, 5.1, 5.0, 5.1, 500, 510)
    assert list(blamed(most_wrong)) == [4, 5]
    assert list(blamed(most_wrong, context(505), lake(5.05))) == [0, 1, 2, 3]


def test_one_wrong_row_in_the_lake_does_not_outvote_the_others() -> None:
    assert blamed(days_of(500), context(500, 505, 500), lake(5.0, 5.05, 0.05)) == {}


def test_a_redenomination_that_the_metadata_names_passes() -> None:
    pounds = [RawDay(FIRST, prices_csv([Bar("A.L", close=5.0, currency="GBP")]))]
    before = before_csv([(FIRST - timedelta(days=1), Bar("A.L", close=5.05, currency="GBP"))])
    assert blamed(pounds, before, lake(5.05)) == {}


def test_a_new_level_is_accepted_when_the_next_day_agrees_with_it() -> None:
    before, held = context(500, 505, 500), lake(5.0, 5.05, 5.0)
    assert list(blamed(days_of(5000), before, held)) == [0]
    assert blamed(days_of(5000, 5100), before, held) == {}
    # The evening after: the first day of the new level is before the batch, and not in the lake.
    assert blamed(days_of(5100), context(500, 505, 5000), lake(5.0, 5.05, last=2)) == {}


def test_a_level_of_a_few_days_between_two_that_agree_is_an_error() -> None:
    assert list(blamed(days_of(500, 505, 5000, 5100, 500, 510))) == [2, 3]
    assert blamed(days_of(100, 300, 100, 33.4)) == {}, "a threefold move is a market"
    found = blamed(days_of(100, 110, 450, 100))
    assert found == {2: "close moved 4.1-fold between 1.1 and 4.5, beyond 4-fold"}


def test_a_first_bar_that_nothing_confirms_is_the_odd_one() -> None:
    assert list(blamed(days_of(50, 505, 500, 510))) == [0]
    assert blamed(days_of(505)) == {}, "the first day of a listing"


def test_a_restated_history_is_no_unit_error() -> None:
    """A split in the bars before: the lake is on the old basis, the answer on the new one."""
    before = before_csv(
        [
            (FIRST - timedelta(days=2), Bar("A.L", close=5.0)),
            (FIRST - timedelta(days=1), Bar("A.L", close=5.1, split_ratio=100.0)),
        ]
    )
    assert blamed(days_of(5.05), before, lake(5.0, last=2)) == {}
    assert list(blamed(days_of(5.05), context(5.0, 5.1), lake(5.0, last=2))) == [0]
    assert blamed(days_of(5.0, 5.05, splits={1: 100.0}), context(4.9), lake(4.9)) == {}
    ten_to_one = days_of(50.0, 50.5, splits={0: 10.0})
    assert blamed(ten_to_one, context(49.0, 50.0), lake(4.9, 5.0)) == {}


@pytest.mark.parametrize(
    ("before", "now", "split", "flagged"),
    [
        (10.0, 5.1, 2.0, True),
        (5.1, 10.0, 0.5, True),
        (5.0, 10.2, 2.0, True),
        (10.0, 5.1, 0.5, True),
        (1000.0, 101.0, 10.0, True),
        (10.0, 10.1, 2.0, False),  # adjusted, as it should be
        (10.0, 4.3, 2.0, False),
        (10.0, 5.8, 2.0, False),
        (10.0, 5.0, 1.0, False),
        (10.0, 7.9, 1.25, False),
        (10.0, 5.0, 0.0, False),
    ],
)
def test_a_split_of_which_one_side_is_not_adjusted_is_flagged_and_stays(
    before: float, now: float, split: float, flagged: bool
) -> None:
    assert unadjusted(RULE, before, now, split) is flagged
    rows = judged(PRICES, days_of(before, now, now, splits={1: split}))
    assert rows["flags"].to_list() == [None, "split" if flagged else None, None]
    assert rows["reason"].null_count() == 3


def test_one_symbol_is_not_blamed_for_another() -> None:
    days = [
        RawDay(FIRST, prices_csv([at("A.L", 500), at("B.L", 5.0)])),
        RawDay(FIRST + timedelta(days=1), prices_csv([at("A.L", 5.0), at("B.L", 5.1)])),
    ]
    rows = judged(PRICES, days).filter(pl.col("reason").is_not_null())
    assert rows.select("dt", "ticker").rows() == [(FIRST + timedelta(days=1), "A.L")]


def test_rates_have_a_bound_of_their_own_and_are_held_against_the_lake() -> None:
    def day(number: int, usd: float) -> RawDay:
        return RawDay(
            FIRST + timedelta(days=number), rates_json(FIRST + timedelta(days=number), {"USD": usd, "GBP": 0.88})
        )

    rows = judged(RATES, [day(n, usd) for n, usd in enumerate((1.05, 1.09, 108.0, 2.3, 1.1))])
    bad = rows.filter(pl.col("reason").is_not_null())
    assert bad.select("dt", "target_currency").rows() == [(FIRST + timedelta(days=n), "USD") for n in (2, 3)]
    held = [(FIRST - timedelta(days=1), "USD", 1.05), (FIRST - timedelta(days=1), "GBP", 0.87)]
    whole = judged(RATES, [day(0, 105.0)], lake=held).filter(pl.col("reason").is_not_null())
    assert whole["target_currency"].to_list() == ["USD"]


CLOSES = st.floats(0.01, 1e5)


@given(before=CLOSES, now=CLOSES, spread=st.floats(1.01, 3))
def test_a_step_of_unit_is_judged_alike_up_and_down(before: float, now: float, spread: float) -> None:
    assert unit_step(RULE, now / before, spread) == -unit_step(RULE, before / now, spread)


@given(
    moves=st.lists(st.floats(0.7, 1.4), min_size=3, max_size=30),
    wrong=st.sets(st.integers(0, 30)),
    down=st.booleans(),
)
def test_rows_in_the_wrong_unit_are_blamed_and_no_others_whatever_their_number(
    moves: list[float], wrong: set[int], down: bool
) -> None:
    """Held against what the lake has of the day before."""
    closes, close = [], 500.0
    for move in moves:
        # Back to the middle, so that no two closes are as far apart as two units.
        close *= move if 250 < close * move < 1000 else 1
        closes.append(close)
    shown = [close * (0.01 if down else 100) if n in wrong else close for n, close in enumerate(closes)]
    assert set(blamed(days_of(*shown), context(500.0), lake(5.0))) == {n for n in wrong if n < len(closes)}


@given(st.lists(CLOSES, max_size=20))
def test_levels_are_all_values_in_order_cut_where_they_move_beyond_the_bound(closes: list[float]) -> None:
    values = [Value(number, close, 1.0, None) for number, close in enumerate(closes)]
    found = levels(RULE, values)
    assert [value for level in found for value in level] == values
    for level, following in pairwise(found):
        ratio = following[0].value / level[-1].value
        assert max(ratio, 1 / ratio) > RULE.max_ratio


def test_votes_of_the_lake_go_before_numbers_of_rows() -> None:
    values = [Value(0, 5.0, 1.0, 5.0), Value(1, 0.05, 1.0, None), Value(2, 0.05, 1.0, None)]
    assert right_unit(RULE, values, [0, -1, -1], None) == 0
    unheld = [Value(value.row, value.value, 1.0, None) for value in values]
    assert right_unit(RULE, unheld, [0, -1, -1], None) == -1
    assert right_unit(RULE, unheld, [0, -1, -1], 6.0) == 0
