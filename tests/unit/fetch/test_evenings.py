"""Evenings on which a source is throttled or late: Fetch under the waits of the shipped definition, by a virtual clock.

Whatever comes within the waits is no failure, and days that came are never lost to one that did not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetch import handler as fetch_handler
from fetch.sources.base import FetchedDays, FetchRequest
from infra.client.machine import shipped_machine
from marketlake.contract import Contract
from marketlake.errors import MarketlakeError, UpstreamThrottled
from tests.unit.lake import PRICES, SHORT_LIST, Context, Lake, batch_of, task_of

RETRIERS = shipped_machine().state("Fetch").body["Retry"]
STARTED = datetime(2023, 1, 6, 19, tzinfo=UTC)
LAST = date(2023, 1, 6)
NEVER = 10_000.0


@dataclass
class Evening:
    """When the source answers and when it has the last day, in minutes after the start; ``errors`` come first.

    ``draws`` are what full jitter draws, ``minutes`` is the clock.
    """

    throttled: float = 0.0
    published: float = 0.0
    errors: Sequence[str] = ()
    draws: Sequence[float] = (0.5,)
    minutes: float = 0.0
    calls: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return STARTED + timedelta(minutes=self.minutes)

    def fetch(self, request: FetchRequest) -> FetchedDays:
        self.calls.append(self.minutes)
        if self.minutes < self.throttled:
            raise UpstreamThrottled("429")
        days = [day for day in request.days if day < LAST or self.minutes >= self.published]
        return FetchedDays(days=dict.fromkeys(days, b"x"), rows=dict.fromkeys(days, 10))

    def run(self, days: str) -> dict[str, Any]:
        """Fetch's answer as Step Functions gets it; raises what it gives up on."""
        counts: Counter[int] = Counter()
        while True:
            try:
                return self._attempt(days, sum(counts.values()))
            except MarketlakeError as error:
                self._wait(type(error).__name__, counts, error)

    def _attempt(self, days: str, retry: int) -> dict[str, Any]:
        self.minutes += 0.1
        if retry < len(self.errors):
            raise type(self.errors[retry], (MarketlakeError,), {})("before the source was asked")
        event = {"task": task_of("Fetch", retry=retry), "batch": batch_of(PRICES, [days])}
        context: Any = Context()
        return fetch_handler.handler({**event, "started": f"{STARTED}", "entered": f"{STARTED}"}, context)

    def _wait(self, name: str, counts: Counter[int], error: MarketlakeError) -> None:
        number, retrier = next((n, one) for n, one in enumerate(RETRIERS) if name in one["ErrorEquals"])
        if counts[number] == retrier["MaxAttempts"]:
            raise error
        wait = min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** counts[number], retrier["MaxDelaySeconds"])
        draw = self.draws[sum(counts.values()) % len(self.draws)] if retrier["JitterStrategy"] == "FULL" else 1
        self.minutes += wait * draw / 60
        counts[number] += 1


Run = Callable[[Evening, str], dict[str, Any]]


@pytest.fixture
def run(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Run:
    lake.list_symbols("constituents.csv", SHORT_LIST)

    def run(evening: Evening, days: str) -> dict[str, Any]:
        def source(_contract: Contract, *_settings: str) -> Evening:
            return evening

        monkeypatch.setattr(fetch_handler, "source_of", source)
        monkeypatch.setattr(fetch_handler, "now", evening.now)
        return evening.run(days)

    return run


WEEK, TODAY = "2023-01-03/2023-01-06", "2023-01-06"
# As many of each kind as its retrier allows for.
ERRORS = st.lists(st.sampled_from(["Lambda.ServiceException"] * 2 + ["UpstreamUnavailable"]), max_size=9).filter(
    lambda names: names.count("Lambda.ServiceException") <= 6 and names.count("UpstreamUnavailable") <= 3
)
DRAWS = st.lists(st.floats(0, 1), min_size=1, max_size=5)
EVENINGS = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.parametrize("days", [WEEK, TODAY])
@pytest.mark.parametrize("evening", [Evening(throttled=6), Evening(published=40), Evening(throttled=6, published=40)])
def test_six_minutes_of_429_and_forty_minutes_of_delay_are_no_failure(run: Run, evening: Evening, days: str) -> None:
    found = run(evening, days)
    assert (found["days"], found["late"]) == ([days], [])


@EVENINGS
@given(
    throttled=st.floats(0, 35),
    published=st.floats(0, 43),
    errors=ERRORS,
    draws=DRAWS,
    days=st.sampled_from([WEEK, TODAY]),
)
def test_whatever_comes_within_the_waits_is_no_failure(
    run: Run, throttled: float, published: float, errors: list[str], draws: list[float], days: str
) -> None:
    found = run(Evening(throttled, published, errors, draws), days)
    assert (found["days"], found["late"]) == ([days], [])


@EVENINGS
@given(throttled=st.floats(0, 35), errors=ERRORS, draws=DRAWS)
def test_days_that_came_are_handed_on_after_the_waits_whatever_failed_before(
    run: Run, throttled: float, errors: list[str], draws: list[float]
) -> None:
    evening = Evening(throttled, NEVER, errors, draws)
    found = run(evening, WEEK)
    assert (found["days"], found["late"]) == (["2023-01-03/2023-01-05"], [TODAY])
    assert evening.minutes >= 44, "late days are waited for, too"


def test_a_day_alone_that_does_not_come_is_given_up_after_four_calls(run: Run) -> None:
    evening = Evening(published=NEVER)
    with pytest.raises(MarketlakeError, match="does not have 2023-01-06 yet"):
        run(evening, TODAY)
    assert [round(minutes) for minutes in evening.calls] == [0, 15, 30, 45]


def test_a_source_that_stays_throttled_is_asked_four_times_in_over_half_an_hour(run: Run) -> None:
    evening = Evening(throttled=NEVER)
    with pytest.raises(UpstreamThrottled):
        run(evening, WEEK)
    assert [round(minutes) for minutes in evening.calls] == [0, 5, 15, 35]
