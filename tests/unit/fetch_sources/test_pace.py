"""A source is never asked faster than its pace, by a virtual clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from fetch.parts import part_request
from fetch.sources import pace as module
from fetch.sources.pace import Pace
from infra import facts
from marketlake.request import Request
from marketlake.symbols import Listing, Symbols
from plan.batches import parts_of, plan_batches, sharing_a_pass
from tests.unit.lake import PRICES

LAST = date(2023, 1, 6)
EVENING = Request((PRICES.name,), None, None, (), False, False, datetime(2023, 1, 6, 19, tzinfo=UTC), True)


class Clock:
    """Time that passes by sleeping, and a little by asking for it; each thread has its own."""

    def __init__(self) -> None:
        self.local = threading.local()

    def monotonic(self) -> float:
        return float(getattr(self.local, "now", 0.0))

    def sleep(self, seconds: float) -> None:
        self.local.now = self.monotonic() + seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_turns_are_spaced_from_the_first_one_on(clock: Clock) -> None:
    pace, turns = Pace(4), list[float]()
    for busy in (0.0, 0.0, 0.1, 1.0, 0.0):
        clock.sleep(busy)
        pace.wait()
        turns.append(clock.monotonic())
    # What was not used is not made up for: at most four in any second.
    assert turns == pytest.approx([0.25, 0.5, 0.75, 1.75, 2.0])


def test_threads_share_the_pace(clock: Clock) -> None:
    pace = Pace(4)

    def turn(_: int) -> float:
        pace.wait()
        return clock.monotonic()

    with ThreadPoolExecutor(4) as pool:
        turns = sorted(pool.map(turn, range(40)))
    assert turns == pytest.approx([0.25 * number for number in range(1, 41)])


def test_no_pace_is_no_wait(clock: Clock) -> None:
    pace = Pace(0)
    for _ in range(100):
        pace.wait()
    assert clock.monotonic() == 0


class Limited:
    """A source that answers so many requests in any second, and 429 above."""

    def __init__(self, per_second: int) -> None:
        self.per_second, self.answered, self.refused = per_second, list[float](), 0

    def ask(self, at: float) -> None:
        last = self.answered[-self.per_second :]
        if len(last) == self.per_second and at - last[0] < 1 - 1e-6:
            self.refused += 1
        else:
            self.answered.append(at)


def test_the_daily_run_of_ten_thousand_symbols_fits_a_source_of_four_requests_a_second(clock: Clock) -> None:
    """Part after part, as the state machine calls them, a quarter of each asked once again."""
    rate, source = facts.parameters()["requests_per_second"], Limited(4)
    batches = plan_batches(PRICES, EVENING, [LAST], set(), 10_000)
    listed = Symbols(tuple(Listing(f"S{number:05}.L", date.min, date.max) for number in range(10_000)))
    parts = parts_of(sharing_a_pass(PRICES, batches, listed, rate))
    for part in parts:
        began, pace, symbols = clock.monotonic(), Pace(rate), part_request(PRICES, part, listed, 30).symbols
        for _ in [*symbols, *symbols[: len(symbols) // 4]]:
            pace.wait()
            source.ask(clock.monotonic())
        assert clock.monotonic() - began <= facts.functions_file()["functions"]["fetch"]["timeout_seconds"] / 2
    assert source.refused == 0
    assert len(source.answered) >= 12_400
    # An evening, with 900 events of the 25,000 that a history holds.
    assert clock.monotonic() < 60 * 60
    assert len(parts) * 7 < 900


def test_the_source_of_that_test_refuses_what_is_faster(clock: Clock) -> None:
    source, pace = Limited(4), Pace(4.1)
    for _ in range(100):
        pace.wait()
        source.ask(clock.monotonic())
    assert source.refused
