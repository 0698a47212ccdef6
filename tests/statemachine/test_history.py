"""What an engine writes into a history is what the one reader of histories needs.

The shapes are those that AWS records (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from infra.client.events import Run, details_of
from tests.statemachine.cases import CASES
from tests.statemachine.conftest import ENDPOINT
from tests.statemachine.engines import Engine

BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(params=["embedded", *(["stepfunctions_local"] if ENDPOINT else [])])
def whole(request: pytest.FixtureRequest) -> Engine:
    """An engine with whole histories."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def history(engine: Engine, name: str) -> list[dict[str, Any]]:
    return engine.history(engine.run(BY_NAME[name]).arn)


def chain(events: list[dict[str, Any]], last: dict[str, Any]) -> list[str]:
    """Types of the events from an iteration's start to ``last``, by ``previousEventId``."""
    by_id, types = {event["id"]: event for event in events}, [last["type"]]
    while types[-1] != "MapIterationStarted":
        last = by_id[last["previousEventId"]]
        types.append(last["type"])
    return types[::-1]


def test_an_iteration_is_a_chain_of_states_entered_and_left_with_each_try_of_a_task(whole: Engine) -> None:
    events = history(whole, "FetchExhausted")
    ends = [event for event in events if event["type"] == "MapIterationSucceeded"]
    failed = next(event for event in ends if event["mapIterationSucceededEventDetails"]["index"] == 0)

    tries = ["TaskScheduled", "TaskStarted", "TaskFailed"] * 4
    sent = ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert chain(events, failed) == [
        "MapIterationStarted",
        *("TaskStateEntered", *tries, "TaskStateExited"),
        *("TaskStateEntered", *sent, "TaskStateExited"),
        *("PassStateEntered", "PassStateExited"),
        "MapIterationSucceeded",
    ]
    entered = [details_of(event) for event in events if event["type"].endswith("StateEntered")]
    assert all(details["name"] and "input" in details for details in entered)


def test_a_timeout_has_an_event_of_its_own_and_a_task_says_its_service(whole: Engine) -> None:
    events = history(whole, "FetchTimesOut")
    assert Counter(event["type"] for event in events)["TaskTimedOut"] == 4
    scheduled = [details_of(event) for event in events if event["type"] == "TaskScheduled"]
    services = {(details["resourceType"], details["resource"]) for details in scheduled}
    assert services == {("lambda", "invoke"), ("sqs", "sendMessage"), ("sns", "publish")}


@pytest.mark.parametrize("name", ["FetchExhausted", "ValidateTransientThenOk", "TransformTimesOut", "FetchMixedThenOk"])
def test_the_reader_finds_each_call_each_batch_and_each_retry(whole: Engine, name: str) -> None:
    case, run = BY_NAME[name], Run()
    run.feed(history(whole, name))

    assert Counter(attempt.state for attempt in run.attempts) == case.calls
    assert (run.total, run.finished) == (2, {0, 1})
    assert run.failed == ({0} if case.error else set())
    tried = [attempt for attempt in run.attempts if attempt.batch == 0]
    for state in {attempt.state for attempt in tried}:
        mine = [attempt for attempt in tried if attempt.state == state]
        assert [attempt.retry for attempt in mine] == list(range(len(mine)))
        assert all(attempt.error for attempt in mine[:-1])
    # Everything that was entered was left, but for the state that ends a failed execution.
    assert {place.state for place, visit in run.visits.items() if visit.inside} == ({"Failed"} if case.error else set())
