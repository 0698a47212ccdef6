"""A source is never asked faster than its pace, by a virtual clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fetch.sources import pace as module
from fetch.sources.pace import Pace


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
