from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.parts import part_request
from marketlake.contract import Contract
from marketlake.errors import InvalidRequest
from marketlake.intervals import from_intervals
from marketlake.messages import Batch, Input
from marketlake.request import Request, parse_request
from marketlake.symbols import Listing, Symbols
from plan.batches import (
    MAX_GAP_DAYS,
    fitting,
    parts_of,
    patchable,
    plan_batches,
    refuse_too_large,
    sharing_a_pass,
    window_of,
)
from tests.unit.lake import PRICES, RATES

CONTRACTS = {contract.name: contract for contract in (PRICES, RATES)}
AT = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
PLAIN = Request(("fx_rates",), date(2010, 1, 1), None, (), False, False, AT, False)
DAILY = replace(PLAIN, start=None)
SMALL = msgspec.structs.replace(RATES, batch_days=7)
DAYS = RATES.days(date(2010, 1, 1), date(2012, 12, 31))


def days_in(contract: Contract, batches: list[Batch]) -> list[date]:
    return [day for batch in batches for day in from_intervals(contract, batch.days)]


def listed(count: int) -> Symbols:
    return Symbols(tuple(Listing(f"S{number:05}.L", date.min, date.max) for number in range(count)))


@st.composite
def windows(draw: st.DrawFn) -> tuple[tuple[date, ...], set[date]]:
    """A window of days and those among them that are done, with gaps of all sizes."""
    start, length = draw(st.integers(0, 400)), draw(st.integers(0, 300))
    days = DAYS[start : start + length]
    done = {day for day in days if draw(st.booleans())} if len(days) < 30 else set()
    for _ in range(draw(st.integers(0, 4))):
        first, many = draw(st.integers(0, 300)), draw(st.integers(0, 120))
        done |= set(days[first : first + many])
    return tuple(days), done


@given(windows())
def test_exactly_the_days_without_a_marker_are_planned(drawn: tuple[tuple[date, ...], set[date]]) -> None:
    days, done = drawn
    batches = plan_batches(SMALL, PLAIN, days, done)
    assert days_in(SMALL, batches) == [day for day in days if day not in done]
    assert not any(batch.recheck for batch in batches)


def test_the_batches_of_a_window_share_a_pass_where_the_source_answers_for_all_of_it() -> None:
    days = tuple(PRICES.days(date(2010, 1, 1), date(2012, 6, 30)))
    batches = plan_batches(PRICES, PLAIN, days, set())
    shared = sharing_a_pass(PRICES, batches, listed(100))
    assert len(shared) == 3
    assert {batch.window for batch in shared} == {"2010-01-04/2012-06-29"}
    assert [msgspec.structs.replace(batch, window="") for batch in shared] == batches
    # One alone, a source that is asked for a batch at once, and a window that no function can hold.
    assert [batch.window for batch in sharing_a_pass(PRICES, batches[:1], listed(100))] == [""]
    assert {batch.window for batch in sharing_a_pass(RATES, batches, listed(30))} == {""}


@pytest.mark.parametrize(("symbols", "days"), [(100, 260), (1_000, 250), (10_000, 25), (1_000_000, 1)])
def test_a_batch_is_bounded_by_its_rows(symbols: int, days: int) -> None:
    year = tuple(PRICES.days(date(2010, 1, 1), date(2010, 12, 31)))
    batches = plan_batches(PRICES, PLAIN, year, set(), symbols)
    assert max(batch.count for batch in batches) == min(days, len(year))
    assert len(batches) == math.ceil(len(year) / days)
    assert days_in(PRICES, batches) == list(year)


@pytest.mark.parametrize(
    ("symbols", "years", "pace", "parts"),
    # By the pace: 480 symbols in two minutes; by what yfinance can do of a source without one; by rows.
    [(480, 1, 4, 0), (481, 1, 4, 2), (10_000, 1, 4, 21), (1_201, 1, 0, 2), (400, 12, 4, 2), (100, 26, 4, 0)],
)
def test_a_pass_has_parts_where_one_function_cannot_make_it(symbols: int, years: int, pace: int, parts: int) -> None:
    days = tuple(PRICES.days(date(2000, 1, 1), date(1999 + years, 12, 31)))
    batches = plan_batches(PRICES, PLAIN, days, set(), symbols)
    planned = sharing_a_pass(PRICES, batches, listed(symbols), pace)
    assert {batch.parts for batch in planned} == {parts}
    assert len({batch.window for batch in planned}) == 1
    found = parts_of(planned)
    assert [(part.number, part.of) for part in found] == [(number, parts) for number in range(1, parts + 1)]
    # Every symbol is asked for once, and no part has more than two minutes' worth.
    shares = [part_request(PRICES, part, listed(symbols), 30).symbols for part in found]
    assert not found or [name for share in shares for name in share] == listed(symbols).names
    assert not pace or max(map(len, shares), default=0) <= 120 * pace


def test_a_list_that_was_named_and_a_drill_have_no_parts() -> None:
    days = tuple(PRICES.days(date(2000, 1, 1), date(2025, 12, 31)))
    named = plan_batches(PRICES, replace(PLAIN, symbols=("A.L",)), days, set(), 10_000)
    # Whole days are written, whoever is put into them.
    assert max(batch.count for batch in named) == 25
    assert {batch.parts for batch in sharing_a_pass(PRICES, named, listed(200), 0.1)} == {0}
    drill = plan_batches(PRICES, replace(PLAIN, drill=True), days, set(), 10_000)
    assert parts_of(sharing_a_pass(PRICES, drill, listed(10_000), 4)) == []


def test_the_first_part_waits_for_new_days_alone() -> None:
    days = tuple(PRICES.days(date(2012, 1, 3), date(2012, 1, 10)))
    planned = plan_batches(PRICES, DAILY, days, set(days[:-2]), 5_000, quiet=days[-2:-1])
    first, *others = parts_of(sharing_a_pass(PRICES, planned, listed(5_000), 4))
    assert (first.window, first.awaited) == ("2012-01-03/2012-01-10", ["2012-01-10"])
    assert len(others) == 10
    assert not any(part.awaited for part in others)


def test_a_year_of_ten_thousand_symbols_fits_and_seven_do_not() -> None:
    for years, fits in ((1, True), (7, True), (8, False)):
        days = tuple(PRICES.days(date(2010, 1, 1), date(2009 + years, 12, 31)))
        batches = plan_batches(PRICES, PLAIN, days, set(), 10_000)
        planned = sharing_a_pass(PRICES, batches, listed(10_000), 4)
        if fits:
            refuse_too_large(planned, parts_of(planned))
        else:
            with pytest.raises(InvalidRequest, match="ask for fewer years"):
                refuse_too_large(planned, parts_of(planned))


def test_an_evening_is_one_pass_over_pending_days_and_those_looked_at_again() -> None:
    days = tuple(PRICES.days(date(2012, 1, 3), date(2012, 1, 10)))
    batches = plan_batches(PRICES, DAILY, days, set(days[:-1]))
    assert [(batch.recheck, batch.window) for batch in sharing_a_pass(PRICES, batches, listed(100))] == [
        (False, "2012-01-03/2012-01-10"),
        (True, "2012-01-03/2012-01-10"),
    ]


@given(windows(), st.booleans())
def test_batches_keep_to_their_bounds(drawn: tuple[tuple[date, ...], set[date]], daily: bool) -> None:
    days, done = drawn
    for batch in plan_batches(SMALL, DAILY if daily else PLAIN, days, done):
        of_batch = from_intervals(SMALL, batch.days)
        assert 0 < batch.count == len(of_batch) <= SMALL.batch_days
        assert len({day.year for day in of_batch}) == 1
        gaps = [(right - left).days for left, right in pairwise(of_batch)]
        assert max(gaps, default=0) <= MAX_GAP_DAYS
        assert (batch.input.start, batch.input.end) == (of_batch[0], of_batch[-1])


@given(windows())
def test_a_daily_run_looks_at_every_day_once_and_again_at_those_that_are_done(
    drawn: tuple[tuple[date, ...], set[date]],
) -> None:
    days, done = drawn
    batches = plan_batches(SMALL, DAILY, days, done)
    fresh = days_in(SMALL, [batch for batch in batches if not batch.recheck])
    again = days_in(SMALL, [batch for batch in batches if batch.recheck])
    assert fresh == [day for day in days if day not in done]
    assert again == [day for day in days if day in done]


@given(windows(), st.sampled_from([{"force": True}, {"symbols": ("USD",)}, {"drop_missing": True}]), st.booleans())
def test_force_and_symbols_take_all_days_whatever_is_done(
    drawn: tuple[tuple[date, ...], set[date]], what: dict[str, Any], daily: bool
) -> None:
    days, done = drawn
    request = replace(DAILY if daily else PLAIN, **what)
    batches = plan_batches(SMALL, request, days, done)
    assert days_in(SMALL, batches) == list(days)
    assert not any(batch.recheck for batch in batches)
    assert all(batch.symbols == list(request.symbols) for batch in batches)


@settings(max_examples=50)
@given(windows(), st.sampled_from([{}, {"force": True}, {"symbols": ("USD",)}]), st.booleans())
def test_the_input_of_a_batch_is_accepted_and_plans_its_days_again(
    drawn: tuple[tuple[date, ...], set[date]], what: dict[str, Any], daily: bool
) -> None:
    days, done = drawn
    known = {"fx_rates": ["GBP", "USD"], "ftse100_prices": ["BP.L"]}
    for batch in plan_batches(SMALL, replace(DAILY if daily else PLAIN, **what), days, done):
        request = parse_request(json.loads(msgspec.json.encode(batch.input)), known, AT)
        assert request.datasets == ("fx_rates",)
        window = window_of(SMALL, request, 7, None)
        # The days in between that are done are left out again, unless they were to be loaded anyway.
        planned = days_in(SMALL, plan_batches(SMALL, request, window, done))
        assert set(from_intervals(SMALL, batch.days)) <= set(planned)
        assert request.force == bool(what.get("force") or batch.recheck)
        assert request.symbols == what.get("symbols", ())


@given(windows(), st.sampled_from([{}, {"force": True}, {"symbols": ("USD",)}]), st.booleans())
def test_only_the_first_of_the_batches_that_write_over_days_compares_with_the_day_before(
    drawn: tuple[tuple[date, ...], set[date]], what: dict[str, Any], daily: bool
) -> None:
    days, done = drawn
    batches = plan_batches(SMALL, replace(DAILY if daily else PLAIN, **what), days, done)
    new = [batch for batch in batches if not (what or batch.recheck)]
    again = [batch for batch in batches if what or batch.recheck]
    assert [batch.continues for batch in new] == [False] * len(new)
    assert [batch.continues for batch in again] == [at > 0 for at in range(len(again))]


@pytest.mark.parametrize("name", list(CONTRACTS))
def test_no_two_batches_of_a_backfill_share_a_year(name: str) -> None:
    contract = CONTRACTS[name]
    days = tuple(contract.days(date(2000, 1, 1), date(2025, 12, 31)))
    years = [batch.input.start.year for batch in plan_batches(contract, PLAIN, days, set())]
    assert years == list(range(2000, 2026))


@given(windows(), st.dates(DAYS[0], DAYS[-1]))
def test_symbols_are_put_into_complete_days_on_which_they_are_listed(
    drawn: tuple[tuple[date, ...], set[date]], since: date
) -> None:
    days, done = drawn
    symbols = Symbols((Listing("USD", since, date.max),))
    wanted = tuple(day for day in days if day in done and day >= since)
    assert tuple(patchable(days, done, symbols)) == (wanted or days)


def test_days_far_apart_are_not_one_pass_over_the_source() -> None:
    near = (date(2010, 1, 4), date(2010, 4, 6))  # 92 days
    far = (date(2010, 1, 4), date(2010, 4, 7))  # 93 days
    assert [(day in RATES.days(day, day)) for day in (*near, *far)] == [True] * 4
    assert len(plan_batches(RATES, PLAIN, near, set())) == 1
    assert len(plan_batches(RATES, PLAIN, far, set())) == 2


@pytest.mark.parametrize("done", ["none", "every other day", "all but one in ninety"])
def test_a_plan_of_25_years_of_both_datasets_is_accepted(done: str) -> None:
    batches: list[Batch] = []
    for contract in CONTRACTS.values():
        days = tuple(contract.days(date(2000, 1, 1), date(2025, 12, 31)))
        assert len(days) > 6500
        there = {"none": days[:0], "every other day": days[::2], "all but one in ninety": ()}[done]
        marked = set(there) if done != "all but one in ninety" else set(days) - set(days[::60])
        batches += plan_batches(contract, PLAIN, days, marked)
    refuse_too_large(batches)
    # A batch is some 60 events of history, of 25,000.
    assert len(batches) <= 2 * 110


def test_a_daily_window_ends_with_the_last_day_due_and_looks_back_a_week() -> None:
    before = replace(DAILY, at=datetime(2026, 11, 20, 15, 14, tzinfo=UTC))
    after = replace(DAILY, at=datetime(2026, 11, 20, 15, 16, tzinfo=UTC))
    assert window_of(RATES, before, 7, None) == RATES.days(date(2026, 11, 12), date(2026, 11, 19))
    assert window_of(RATES, after, 7, None) == RATES.days(date(2026, 11, 13), date(2026, 11, 20))


def test_on_replay_the_window_ends_with_the_last_day_of_the_source() -> None:
    last = date(2026, 10, 30)
    assert window_of(RATES, DAILY, 7, last)[-1] == last
    assert window_of(RATES, DAILY, 7, last)[0] == date(2026, 10, 23)
    assert window_of(RATES, replace(PLAIN, start=date(2026, 11, 2)), 7, last) == []


@given(
    start=st.one_of(st.none(), st.dates(date(1999, 1, 1), AT.date())),
    length=st.integers(0, 500),
    open_end=st.booleans(),
    back=st.integers(0, 30),
    contract=st.sampled_from(list(CONTRACTS.values())),
)
def test_a_window_holds_due_days_of_the_calendar_only(
    start: date | None, length: int, open_end: bool, back: int, contract: Contract
) -> None:
    end = None if open_end or start is None else min(start + timedelta(days=length), AT.date())
    window = window_of(contract, replace(PLAIN, start=start, end=end), back, None)
    last = contract.last_due_day(AT)
    assert window == contract.days(start or last - timedelta(days=back), min(end or last, last))


def test_patches_that_do_not_fit_wait() -> None:
    window = [Batch("x", [], 0, Input(["x"], DAYS[0], DAYS[0]))] * 10
    patches = [Batch("x", [f"{day}"], 1, Input(["x"], day, day), symbols=["S" * 8] * 600) for day in DAYS[:30]]
    kept = fitting(window, patches, [])
    assert 0 < len(kept) < 30
    assert kept == patches[: len(kept)]
    refuse_too_large([*window, *kept])
    with pytest.raises(InvalidRequest):
        refuse_too_large([*window, *patches[: len(kept) + 1]])


def test_a_plan_that_would_not_fit_through_the_state_machine_is_refused() -> None:
    batch = Batch("x", [], 0, Input(["x"], DAYS[0], DAYS[0]), symbols=["S" * 8] * 200)
    refuse_too_large([batch] * 40)
    with pytest.raises(InvalidRequest, match=r"plan of \d+ KB with .* accepted are 250 KB"):
        refuse_too_large([batch] * 60)
