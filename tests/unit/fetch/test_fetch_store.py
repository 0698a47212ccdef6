from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetch.sources.base import FetchedDays
from fetch.store import LATE_FOR, Gaps, find_gaps, refuse_late, store
from marketlake.errors import NotYetPublished
from marketlake.symbols import Symbols, parse_symbols
from tests.unit.lake import PRICES, RATES, SHORT_LIST, Lake

TODAY = date(2023, 1, 6)
WEEK = [date(2023, 1, day) for day in (2, 3, 4, 5, 6)]
SYMBOLS: Symbols = parse_symbols(SHORT_LIST, "list.csv")


def fetched(rows: dict[date, int]) -> FetchedDays:
    return FetchedDays(days=dict.fromkeys(rows, b"x"), rows=dict(rows))


def gaps(rows: dict[date, int], wanted: list[date] = WEEK, at: date = TODAY) -> Gaps:
    return find_gaps(RATES, wanted, fetched(rows), SYMBOLS, at)


def test_a_complete_answer_has_no_gaps() -> None:
    assert gaps(dict.fromkeys(WEEK, 10)) == Gaps([], [])


def test_a_missing_day_may_still_come_for_three_days_and_is_a_hole_afterwards() -> None:
    assert gaps({}) == Gaps(late=WEEK[1:], holes=WEEK[:1])
    assert gaps({}, at=TODAY + LATE_FOR) == Gaps(late=WEEK[4:], holes=WEEK[:4])
    assert gaps({}, at=TODAY + LATE_FOR + timedelta(days=1)) == Gaps([], WEEK)


def test_a_recent_day_with_too_few_symbols_is_late_and_an_old_one_is_left_to_validate() -> None:
    assert gaps(dict.fromkeys(WEEK, 8)) == Gaps(late=WEEK[1:], holes=[])
    assert gaps(dict.fromkeys(WEEK, 9)) == Gaps([], []), "nine of ten is the contract's share"


def test_a_day_is_measured_against_the_symbols_listed_on_it() -> None:
    listed_later = parse_symbols(SHORT_LIST + b"Z.L,2023-01-06,\n" * 3 + b"Y.L,2023-01-06,\n", "list.csv")
    rows = dict.fromkeys(WEEK, 9)
    assert find_gaps(RATES, WEEK, fetched(rows), listed_later, TODAY) == Gaps(late=[WEEK[4]], holes=[])


@given(
    have=st.dictionaries(st.sampled_from(WEEK), st.integers(0, 12)), age=st.integers(0, 10), length=st.integers(1, 5)
)
def test_every_wanted_day_is_stored_late_or_a_hole_and_only_one_of_them(
    have: dict[date, int], age: int, length: int
) -> None:
    wanted = WEEK[:length]
    found = gaps(have, wanted, at=WEEK[4] + timedelta(days=age))
    assert not set(found.late) & set(found.holes)
    assert set(found.late) | set(found.holes) <= set(wanted)
    assert {day for day in wanted if day not in have} <= set(found.late) | set(found.holes)
    assert not set(found.holes) & set(have), "what came is never a hole"


def test_late_days_ask_for_another_try_while_there_is_patience() -> None:
    some = Gaps(late=WEEK[3:], holes=[])
    with pytest.raises(NotYetPublished, match=r"fx_rates: ecb does not have 2023-01-05 to 2023-01-06 yet"):
        refuse_late(RATES, WEEK, some, patient=True)
    refuse_late(RATES, WEEK, some, patient=False)


def test_without_patience_a_batch_of_nothing_but_late_days_fails() -> None:
    with pytest.raises(NotYetPublished):
        refuse_late(RATES, WEEK, Gaps(late=WEEK, holes=[]), patient=False)


def test_holes_alone_are_not_waited_for() -> None:
    refuse_late(RATES, WEEK, Gaps(late=[], holes=WEEK), patient=True)


def test_days_are_stored_as_received_and_the_context_with_the_first(lake: Lake) -> None:
    answer = FetchedDays(days={day: f"{day}".encode() for day in WEEK}, before=b"context")
    store(PRICES, lake.raw, answer, WEEK[1:3], ())
    assert lake.everything() == {
        "raw/ftse100_prices/before/dt=2023-01-03/prices.csv": b"context",
        "raw/ftse100_prices/dt=2023-01-03/prices.csv": b"2023-01-03",
        "raw/ftse100_prices/dt=2023-01-04/prices.csv": b"2023-01-04",
    }
    kind = lake.client.head_object(Bucket=lake.raw.name, Key="raw/ftse100_prices/dt=2023-01-03/prices.csv")
    assert kind["ContentType"] == "text/csv"


def test_some_symbols_alone_never_lie_where_a_whole_day_lies(lake: Lake) -> None:
    store(RATES, lake.raw, FetchedDays(days={WEEK[0]: b"usd"}), WEEK[:1], ["USD"])
    (key,) = lake.everything()
    assert key.startswith("raw/fx_rates/dt=2023-01-02/symbols-")
    assert key.endswith(".json")


def test_nor_do_the_bars_before_some_symbols_lie_where_those_before_all_of_them_do(lake: Lake) -> None:
    """Of two executions side by side, one for a symbol and one for all, Validate would read the other's context."""
    for symbols in ([], ["A.L"], ["A.L", "B.L"]):
        answer = FetchedDays(days={WEEK[0]: b"day"}, before=f"before {symbols}".encode())
        store(PRICES, lake.raw, answer, WEEK[:1], symbols)
    contexts = {key: body for key, body in lake.everything().items() if "/before/" in key}
    assert sorted(contexts.values()) == [b"before ['A.L', 'B.L']", b"before ['A.L']", b"before []"]


def test_nothing_came_nothing_is_stored(lake: Lake) -> None:
    store(RATES, lake.raw, FetchedDays(before=b"context"), [], ())
    assert lake.everything() == {}
