from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.client.events import Place, Run
from infra.client.executions import HistoryReader
from marketlake.errors import ContractViolation
from tests.unit.client.aws_history import BATCHES, AwsHistory, two_batches
from tests.unit.client.fake_states import FakeStates


def attempts_of(run: Run) -> list[tuple[str, int | None, int, str]]:
    return [(a.state, a.batch, a.retry, a.error) for a in run.attempts]


def recorded(name: str) -> list[dict[str, Any]]:
    """A history that the emulator wrote."""
    events = json.loads((Path(__file__).parent / name).read_text("utf-8"))
    return [{**event, "timestamp": datetime.fromisoformat(event["timestamp"])} for event in events]


def test_a_history_of_aws_gives_each_state_of_each_batch_with_its_attempts() -> None:
    run = Run()
    run.feed(two_batches().events)

    assert attempts_of(run) == [
        ("Plan", None, 0, ""),
        ("Fetch", 0, 0, "UpstreamThrottled"),
        ("Fetch", 1, 0, "States.Timeout"),
        ("Fetch", 0, 1, ""),
        ("SendToDlq", 1, 0, ""),
        ("Validate", 0, 0, ""),
    ]
    assert (run.total, run.finished, run.failed) == (2, {0, 1}, {1})
    assert run.running == []
    assert run.batches[0].dataset == "fx_rates"
    assert all(attempt.duration and attempt.duration.total_seconds() > 0 for attempt in run.attempts)


def test_a_recorded_history_of_the_emulator_gives_the_same() -> None:
    run = Run()
    run.feed(recorded("throttled.json"))

    throttled = [("Fetch", 1, retry, "UpstreamThrottled") for retry in range(4)]
    assert [x for x in attempts_of(run) if x[1] == 1] == [*throttled, ("SendToDlq", 1, 0, "")]
    batch_0 = [(state, 0, 0, "") for state in ("Fetch", "Validate", "Transform", "AthenaCheck")]
    assert [x for x in attempts_of(run) if x[1] == 0] == batch_0
    assert [x[0] for x in attempts_of(run) if x[1] is None] == ["Plan", "Report", "NotifyFailure"]
    assert (run.total, run.finished, run.failed) == (2, {0, 1}, {1})


def test_events_fed_one_by_one_give_the_same_as_all_at_once() -> None:
    events, run, whole = two_batches().events, Run(), Run()
    ended = [attempt for event in events for attempt in run.feed([event])]

    assert [a.state for a in ended] == [a.state for a in whole.feed(events)]
    assert attempts_of(run) == attempts_of(whole)


def test_a_batch_counts_once_its_iteration_has_ended_and_not_before() -> None:
    history, run = AwsHistory(), Run()
    at = history.add("MapIterationStarted", 0, name="ProcessBatches", index=0)
    at = history.leave(
        "AthenaCheck", history.succeed(history.invoke("AthenaCheck", history.enter("AthenaCheck", at)), {})
    )
    run.feed(history.events)
    assert run.finished == set()

    before = len(history.events)
    history.add("MapIterationSucceeded", at, name="ProcessBatches", index=0)
    run.feed(history.events[before:])
    assert (run.finished, run.failed) == ({0}, set())


@pytest.mark.parametrize("kind", ["MapIterationFailed", "MapIterationAborted"])
def test_an_iteration_that_did_not_succeed_is_a_failed_batch(kind: str) -> None:
    history, run = AwsHistory(), Run()
    at = history.add("MapIterationStarted", 0, name="ProcessBatches", index=3)
    history.add(kind, history.enter("Fetch", at), name="ProcessBatches", index=3)
    run.feed(history.events)

    assert (run.finished, run.failed) == ({3}, {3})


def test_iterations_of_the_map_inside_a_batch_are_not_taken_for_batches() -> None:
    history, run = AwsHistory(), Run()
    outer = history.add("MapIterationStarted", 0, name="ProcessBatches", index=7)
    at = history.enter("SendRejectedDays", outer, "Map")
    inner = history.add("MapIterationStarted", at, name="SendRejectedDays", index=3)
    sent = history.schedule(
        history.enter("SendRejectedDay", inner), {"QueueUrl": "q", "MessageBody": {}}, "sendMessage", "sqs"
    )
    at = history.add("MapIterationSucceeded", sent, name="SendRejectedDays", index=3)
    at = history.leave("SendRejectedDays", at, "Map")
    history.enter("AnyAccepted", at, "Choice")
    run.feed(history.events)

    assert attempts_of(run) == [("SendRejectedDay", 7, 0, "")]
    assert run.finished == set()
    assert run.place(len(history.events)) == Place("AnyAccepted", 7)


def test_what_comes_after_the_map_is_of_no_batch() -> None:
    history, run = two_batches(), Run()
    # As AWS chains them: both to the end of the iteration that was the last.
    last = len(history.events)
    history.add("MapStateSucceeded", last)
    at = history.leave("ProcessBatches", last, "Map")
    history.succeed(history.invoke("Report", history.enter("Report", at)), {})
    run.feed(history.events)

    assert attempts_of(run)[-1] == ("Report", None, 0, "")
    assert [run.place(number) for number in (last, last + 1, at)] == [
        Place("ProcessBatches", 0),
        Place("ProcessBatches"),
        Place("ProcessBatches"),
    ]


def test_a_state_that_is_tried_again_after_it_was_left_starts_at_its_first_attempt() -> None:
    history, run = AwsHistory(), Run()
    failed = history.fail(history.invoke("Fetch", history.enter("Fetch", 0)), "UpstreamThrottled", "{}")
    again = history.enter("Fetch", history.leave("Fetch", failed))
    history.invoke("Fetch", again)
    run.feed(history.events)

    assert [attempt.retry for attempt in run.attempts] == [0, 0]
    assert run.visits[Place("Fetch")].inside == 1


def test_a_plan_of_another_shape_says_what_to_do() -> None:
    history, run = AwsHistory(), Run()
    history.succeed(
        history.invoke("Plan", history.enter("Plan", 0)), {"batches": [{**BATCHES[0], "days": "2026-01-05"}]}
    )

    with pytest.raises(ContractViolation, match="deploy again"):
        run.feed(history.events)


@pytest.mark.parametrize("output", [None, "", "no json", "[1]", '"text"', '{"Payload": "text"}'])
def test_an_output_that_is_not_an_object_is_an_empty_answer(output: str | None) -> None:
    history, run = AwsHistory(), Run()
    at = history.invoke("Plan", 0)
    history.add("TaskSucceeded", at, **({} if output is None else {"output": output}))

    assert [attempt.answer for attempt in run.feed(history.events)] == [{}]


def test_each_poll_asks_for_new_events_only_and_gets_each_event_once() -> None:
    events = [{"id": n + 1, "type": "x", "timestamp": None} for n in range(1000)]
    states = FakeStates(events, step=430)
    reader = HistoryReader(states, "arn")  # type: ignore[arg-type]

    seen = []
    for _ in range(4):
        states.describe_execution("arn")
        seen.append([event["id"] for event in reader.new()])

    assert [number for poll in seen for number in poll] == list(range(1, 1001))
    assert [len(poll) for poll in seen] == [430, 430, 140, 0]
    assert states.requests == 3 + 3 + 1 + 1
