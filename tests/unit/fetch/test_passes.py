"""Batches that share one pass over the source: each gets what it would have got alone, and the source is asked once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetch import handler as fetch_handler
from fetch import passes
from fetch.passes import YEAR, Pass, cut, lines_by
from fetch.sources.base import NO_BARS, FetchedDays, FetchRequest
from marketlake.errors import InvalidRequest, NotYetPublished, PassUnderWay, UpstreamThrottled
from marketlake.manifest import FetchNotes, manifest_keys, read_notes
from tests.unit.lake import HEADER, PRICES, SHORT_LIST, TEN, Context, Lake, batch_of, task_of

WINDOW = "2022-12-29/2023-01-06"
OLDER, NEWER = ["2022-12-29/2022-12-30"], ["2023-01-03/2023-01-06"]
STARTED = "2023-01-06T19:00:00Z"


class History:
    """A source with every bar of some symbols; ``lines`` are the same whatever window is asked for."""

    def __init__(self, symbols: Sequence[str] = TEN) -> None:
        self.symbols = symbols
        self.last = date(2023, 1, 6)
        self.asked: list[FetchRequest] = []
        self.errors: list[Exception] = []
        self.failed: dict[str, str] = {}

    def fetch(self, request: FetchRequest) -> FetchedDays:
        self.asked.append(request)
        if self.errors:
            raise self.errors.pop(0)
        came = sorted({*request.symbols} & {*self.symbols} - {*self.failed})
        days = [day for day in request.days if day <= self.last]
        earlier = PRICES.days(request.start, request.days[0] - timedelta(days=1))
        context = "".join(f"{day},{line(symbol, day)}" for symbol in came for day in earlier)
        return FetchedDays(
            days={day: f"{HEADER}\n{''.join(line(symbol, day) for symbol in came)}".encode() for day in days if came},
            before=f"dt,{HEADER}\n{context}".encode() if context else None,
            missing_symbols=dict.fromkeys({*request.symbols} - {*came} - {*self.failed}, NO_BARS),
            rows={day: len(came) for day in days if came},
            failed_symbols={symbol: why for symbol, why in self.failed.items() if symbol in request.symbols},
            last_bars=dict.fromkeys(came, max(days)) if days else {},
        )


def line(symbol: str, day: date) -> str:
    return f"{symbol},{day.toordinal()},,,1.5,1.5,7,0.0,,0.0,GBp\n"


@pytest.fixture
def source(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> History:
    lake.list_symbols("constituents.csv", SHORT_LIST)
    history = History()

    monkeypatch.setattr(fetch_handler, "source_of", lambda *_: history)
    return history


def fetch(days: Sequence[str], index: int, retry: int = 0, window: str = WINDOW) -> dict[str, Any]:
    context: Any = Context()
    event = {
        "task": task_of("Fetch", index=index, retry=retry),
        "batch": batch_of(PRICES, days, window=window),
        "started": STARTED,
        "entered": fetch_handler.now().isoformat(),
    }
    return fetch_handler.handler(event, context)


def stored(lake: Lake) -> dict[str, bytes]:
    return {key: body for key, body in lake.everything().items() if "/passes/" not in key}


def test_the_source_is_asked_once_and_each_batch_stores_what_it_would_have_got_alone(
    lake: Lake, source: History
) -> None:
    alone = [fetch(days, index, window="") for index, days in enumerate((OLDER, NEWER))]
    expected = stored(lake)
    assert len(source.asked) == 2
    for key in expected:
        lake.client.delete_object(Bucket=lake.raw.name, Key=key)
    assert [fetch(days, index) for index, days in enumerate((OLDER, NEWER))] == alone
    assert len(source.asked) == 3
    assert (source.asked[2].days[0], source.asked[2].days[-1]) == (date(2022, 12, 29), date(2023, 1, 6))
    assert stored(lake) == expected


def test_symbols_of_other_days_of_the_window_are_not_stored(lake: Lake, source: History) -> None:
    source.symbols = [*TEN, "NEW.L"]
    lake.list_symbols("constituents.csv", SHORT_LIST + b"NEW.L,2023-01-04,\n")
    fetch(OLDER, 0)
    assert "NEW.L" in source.asked[0].symbols
    assert b"NEW.L" not in lake.raw.get("raw/ftse100_prices/dt=2022-12-30/prices.csv").body
    fetch(NEWER, 1)
    assert b"NEW.L" in lake.raw.get("raw/ftse100_prices/dt=2023-01-04/prices.csv").body


def test_a_batch_that_comes_while_the_pass_is_made_waits(source: History) -> None:
    making = source.fetch

    def interrupted(request: FetchRequest) -> FetchedDays:
        with pytest.raises(PassUnderWay, match="another batch of this execution asks the source for 2022-12-29/2023"):
            fetch(OLDER, 0)
        return making(request)

    source.fetch = interrupted  # type: ignore[method-assign]
    fetch(NEWER, 1)
    assert fetch(OLDER, 0, retry=1)["stored"] == 2
    assert len(source.asked) == 1


def test_a_failed_pass_fails_each_other_batch_once_and_is_then_made_again(source: History) -> None:
    source.errors = [UpstreamThrottled("429"), UpstreamThrottled("429 again")]
    with pytest.raises(UpstreamThrottled, match="429"):
        fetch(NEWER, 0)
    with pytest.raises(UpstreamThrottled, match="429"):
        fetch(OLDER, 1)
    assert len(source.asked) == 1
    with pytest.raises(UpstreamThrottled, match="429 again"):
        fetch(OLDER, 1, retry=1)
    with pytest.raises(UpstreamThrottled, match="429 again"):
        fetch(NEWER, 0, retry=1)
    assert len(source.asked) == 2
    assert fetch(NEWER, 0, retry=2)["stored"] == 4
    assert fetch(OLDER, 1, retry=2)["stored"] == 2
    assert len(source.asked) == 3


def test_an_error_that_waiting_does_not_mend_is_passed_on_by_its_class(source: History) -> None:
    source.errors = [InvalidRequest("no such base")]
    for index, days in enumerate((NEWER, OLDER)):
        with pytest.raises(InvalidRequest, match="no such base"):
            fetch(days, index)


def test_a_pass_whose_function_was_killed_is_taken_over(source: History, monkeypatch: pytest.MonkeyPatch) -> None:
    source.errors = [KeyboardInterrupt("killed")]  # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        fetch(NEWER, 0)
    with pytest.raises(PassUnderWay):
        fetch(OLDER, 1)
    later = fetch_handler.now() + passes.LONGEST
    monkeypatch.setattr(fetch_handler, "now", lambda: later)
    assert fetch(OLDER, 1, retry=5)["stored"] == 2
    assert fetch(NEWER, 0, retry=1)["stored"] == 4
    assert len(source.asked) == 2


def test_a_killed_batch_takes_its_own_pass_up_again_at_once(source: History) -> None:
    source.errors = [KeyboardInterrupt("killed")]  # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        fetch(NEWER, 0)
    assert fetch(NEWER, 0, retry=1)["stored"] == 4


def test_a_day_that_was_late_in_the_pass_is_asked_for_again(source: History) -> None:
    source.last = date(2023, 1, 5)
    with pytest.raises(NotYetPublished, match="2023-01-06"):
        fetch(NEWER, 0)
    assert fetch(OLDER, 1)["stored"] == 2
    source.last = date(2023, 1, 6)
    assert fetch(NEWER, 0, retry=1)["stored"] == 4
    assert len(source.asked) == 2


def test_failed_symbols_are_those_of_the_pass(lake: Lake, source: History) -> None:
    source.failed = {"B.L": "status 500"}
    fetch(NEWER, 0)
    assert fetch(OLDER, 1)["missing_symbols"] == []
    assert read_notes(lake.clean, manifest_keys(lake.clean, "run-1")) == dict.fromkeys(
        (0, 1), FetchNotes(failed=["B.L: status 500"])
    )


def test_a_symbol_without_bars_on_three_days_is_told_with_its_last_one(lake: Lake, source: History) -> None:
    source.symbols = TEN[1:]
    came = source.fetch

    def with_old_bar(request: FetchRequest) -> FetchedDays:
        answer = came(request)
        answer.last_bars |= {"B.L": date(2023, 1, 3), "C.L": date(2023, 1, 4)}
        answer.missing_symbols["A.L"] = "No data found, symbol may be delisted"
        return answer

    source.fetch = with_old_bar  # type: ignore[method-assign]
    fetch(NEWER, 0)
    fetch(OLDER, 1)
    silent = [
        "A.L: No data found, symbol may be delisted; last bar before the days asked for",
        "B.L: no bar lately; last bar 2023-01-03",
    ]
    assert read_notes(lake.clean, manifest_keys(lake.clean, "run-1")) == {0: FetchNotes(silent=silent)}


DAYS = PRICES.days(date(2022, 11, 1), date(2023, 2, 28))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(25, len(DAYS) - 1),
    length=st.integers(1, 30),
    chosen=st.sets(st.sampled_from([*TEN, "NONE.L"]), min_size=1),
    context=st.integers(0, 40),
)
def test_any_part_cut_out_of_a_pass_is_what_the_source_says_of_it_alone(
    first: int, length: int, chosen: set[str], context: int
) -> None:
    """Property: for any days, symbols and length of context within the window."""
    source = History()
    source.last = DAYS[-1]
    part = FetchRequest(DAYS[first : first + length], sorted(chosen), min(context, 30))
    whole = FetchRequest(DAYS[25:], [*TEN, "NONE.L"], 30)
    fetched = source.fetch(whole)
    found = Pass(0, fetch_handler.now(), header=HEADER, missing_symbols=fetched.missing_symbols)
    lines = [text for _, year in sorted(lines_by(YEAR, fetched).items()) for text in year]
    expected = source.fetch(part)
    expected.last_bars = {}
    assert cut(lines, found, part) == expected
