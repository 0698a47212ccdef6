from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import ContractViolation, StorageUnavailable
from marketlake.layout import ledger_key
from marketlake.ledger import (
    KNOWN_AFTER,
    MAX_PATCHES,
    MAX_TRIES,
    Ledger,
    Patch,
    Ran,
    after_batches,
    read_ledger,
    update_ledger,
    with_holes,
    with_patches,
    with_silent,
)
from tests.unit.lake import Counting, Lake

D = date(2023, 1, 2)
SPLIT = Patch(["A.L"], date(2020, 1, 2), date(2022, 12, 30), "split")


def days(first: str, last: str) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(place) for place in range((end - start).days + 1)]


def of_patch(first: str, last: str, *, failed: bool = False) -> Ran:
    return Ran(days(first, last), ["A.L"], force=True, failed=failed)


def test_two_executions_at_once_lose_and_double_nothing(lake: Lake) -> None:
    def first(ledger: Ledger) -> Ledger:
        if "other" not in ledger.seen:  # the other one writes between this one's read and its write
            update_ledger(lake.clean, "fx_rates", "other", lambda old: with_patches(old, [SPLIT], "other"))
        return with_silent(ledger, {"B.L": "B.L: 404"}, "first", whole=True)

    update_ledger(lake.clean, "fx_rates", "first", first)
    ledger, _ = read_ledger(lake.clean, "fx_rates")
    assert (ledger.patches, list(ledger.silent), ledger.seen) == ([SPLIT], ["B.L"], ["other", "first"])


def test_a_report_that_runs_again_counts_nothing_twice_and_reports_the_same(lake: Lake) -> None:
    def change(ledger: Ledger) -> Ledger:
        return with_holes(ledger, [Ran([D], [], False, missing=frozenset([D]))], "run", D, daily=True)

    once = update_ledger(lake.clean, "fx_rates", "run", change)
    assert update_ledger(lake.clean, "fx_rates", "run", change) == once
    assert once.holes[D].asked == 1


def test_nothing_to_note_costs_one_request_and_writes_nothing(lake: Lake) -> None:
    bucket = Counting(lake.clean)
    assert update_ledger(bucket, "fx_rates", "run", lambda ledger: ledger) == Ledger()
    assert bucket.read == [ledger_key("fx_rates")]
    assert lake.everything() == {}


def test_a_ledger_that_is_not_one_and_one_that_others_always_change(lake: Lake) -> None:
    lake.clean.put(ledger_key("fx_rates"), b"[]", "application/json")
    with pytest.raises(ContractViolation, match=r"state/fx_rates\.json is not readable"):
        read_ledger(lake.clean, "fx_rates")

    def always_late(ledger: Ledger) -> Ledger:
        other = len(ledger.patches)
        lake.clean.put(ledger_key("ftse100_index"), b'{"renamed": ["%d"]}' % len(ledger.renamed[:1] or [other]), "x")
        lake.clean.put(ledger_key("ftse100_index"), b'{"renamed": ["%r"]}' % id(ledger), "x")
        return with_patches(ledger, [SPLIT], "run")

    with pytest.raises(StorageUnavailable, match="other writers"):
        update_ledger(lake.clean, "ftse100_index", "run", always_late)


def test_a_history_is_done_in_parts_and_what_failed_is_asked_for_again() -> None:
    ledger = Ledger(patches=[SPLIT])
    ran = [of_patch("2020-01-02", "2020-12-31"), of_patch("2021-01-04", "2021-12-31", failed=True)]
    part = after_batches(ledger, [*ran, of_patch("2022-01-04", "2022-12-30")], "one", daily=True)
    (left,) = part.patches
    assert (left.start, left.end, left.tries) == (date(2021, 1, 1), SPLIT.end, 1)
    rest = [of_patch("2021-01-04", "2021-12-31"), of_patch("2022-01-04", "2022-12-30")]
    assert after_batches(part, rest, "two", daily=True).patches == []


def test_a_person_s_reload_of_some_later_days_does_not_pass_for_the_whole_history() -> None:
    ledger = Ledger(patches=[SPLIT])
    assert after_batches(ledger, [of_patch("2022-01-04", "2022-12-30")], "one", daily=False) == ledger
    unforced = Ran(days("2020-01-01", "2022-12-31"), [], force=False)
    assert after_batches(ledger, [unforced], "one", daily=False) == ledger
    whole = Ran(days("2020-01-01", "2022-12-31"), [], force=True)
    assert after_batches(ledger, [whole], "one", daily=False).patches == []
    lacking = Ran(whole.days, [], force=True, lacking={"A.L": "A.L: 503"})
    assert after_batches(ledger, [lacking], "one", daily=False) == ledger


def test_a_patch_that_fails_every_evening_is_given_up_and_reported() -> None:
    ledger = Ledger(patches=[SPLIT])
    for evening in range(MAX_TRIES):
        assert ledger.patches, evening
        ledger = after_batches(
            ledger, [of_patch("2020-01-02", "2020-12-31", failed=True)], f"run-{evening}", daily=True
        )
    assert ledger.patches == []
    (gone,) = ledger.given_up
    assert gone.reported_by == f"run-{MAX_TRIES - 1}"


def test_patches_of_the_same_symbols_are_one_and_their_number_is_bounded() -> None:
    later = Patch(["A.L"], date(2022, 1, 4), date(2023, 6, 1), "another split")
    (one,) = with_patches(Ledger(), [SPLIT, later], "run").patches
    assert (one.start, one.end) == (SPLIT.start, later.end)
    many = [Patch([f"{number}.L"], D, D, "x") for number in range(MAX_PATCHES + 2)]
    ledger = with_patches(Ledger(), many, "run")
    assert len(ledger.patches) == MAX_PATCHES
    assert [patch.symbols for patch in ledger.given_up] == [["0.L"], ["1.L"]]


def test_a_day_is_a_known_hole_after_three_evenings_and_one_that_comes_is_forgotten() -> None:
    asked = Ran([D, D + timedelta(1)], [], False, missing=frozenset([D]))
    ledger = Ledger()
    for evening in range(KNOWN_AFTER):
        assert ledger.known_holes == set()
        for twice in ("evening", "morning"):
            ledger = with_holes(ledger, [asked], f"{evening}-{twice}", D + timedelta(evening), daily=True)
    assert ledger.known_holes == {D}
    assert ledger.holes[D].reported_by == "2-evening"
    assert with_holes(ledger, [asked], "by hand", D, daily=False) == ledger
    assert with_holes(ledger, [Ran([D], [], True)], "by hand", D, daily=False).holes == {}


def test_a_silent_symbol_is_reported_once_until_it_has_bars_again() -> None:
    one = with_silent(Ledger(), {"A.L": "A.L: 404; last bar 2023-01-02"}, "one", whole=True)
    assert with_silent(one, {"A.L": "A.L: 404; last bar 2023-01-02"}, "two", whole=True) == one
    assert with_silent(one, {}, "two", whole=False) == one, "others may be silent that were not listed"
    back = with_silent(one, {}, "two", whole=True)
    assert back.silent == {}
    assert with_silent(back, {"A.L": "A.L: 404"}, "three", whole=True).silent["A.L"].reported_by == "three"


RUNS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29), st.booleans()).filter(lambda t: t[0] <= t[1]))


@given(RUNS)
def test_no_day_of_a_patch_is_lost_whatever_ran(runs: list[tuple[int, int, bool]]) -> None:
    every = days("2023-01-01", "2023-01-30")
    patch = Patch(["A.L"], every[0], every[-1], "x")
    ran = [Ran(every[first : last + 1], [], True, failed=failed) for first, last, failed in runs]
    loaded = {day for one in ran if not one.failed for day in one.days}
    left = after_batches(Ledger(patches=[patch]), ran, "run", daily=True).patches
    still = set(days(str(left[0].start), str(left[0].end))) if left else set()
    assert set(every) <= loaded | still
