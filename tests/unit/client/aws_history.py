"""Histories as Step Functions on AWS writes them: chained by ``previousEventId``, with events of each Map iteration.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, 18, 45, tzinfo=UTC)


class AwsHistory:
    """Writes events, a second apart; ``at`` of one thread (the top level, or one iteration) is its last event's id."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, previous: int, **details: Any) -> int:
        number = len(self.events) + 1
        event: dict[str, Any] = {
            "id": number,
            "previousEventId": previous,
            "type": kind,
            "timestamp": START + timedelta(seconds=number),
        }
        if details:
            entered = kind.endswith("StateEntered") and "stateEntered"
            exited = kind.endswith("StateExited") and "stateExited"
            event[f"{entered or exited or kind[0].lower() + kind[1:]}EventDetails"] = details
        self.events.append(event)
        return number

    def enter(self, state: str, previous: int, kind: str = "Task") -> int:
        return self.add(f"{kind}StateEntered", previous, name=state)

    def leave(self, state: str, previous: int, kind: str = "Task") -> int:
        return self.add(f"{kind}StateExited", previous, name=state)

    def passes(self, previous: int, *states: str, kind: str = "Choice") -> int:
        """Through states that call nothing."""
        for state in states:
            previous = self.leave(state, self.enter(state, previous, kind), kind)
        return previous

    def schedule(
        self, previous: int, parameters: dict[str, Any], resource: str = "invoke", service: str = "lambda"
    ) -> int:
        scheduled = self.add(
            "TaskScheduled", previous, resource=resource, resourceType=service, parameters=json.dumps(parameters)
        )
        return self.add("TaskStarted", scheduled, resource=resource, resourceType=service)

    def invoke(
        self, state: str, previous: int, batch: int | None = None, found: dict[str, Any] | None = None, retry: int = 0
    ) -> int:
        task = {"execution": "e", "state": state, "retry": retry} | ({} if batch is None else {"batch": batch})
        payload = {"task": task} | ({"batch": found} if found else {})
        return self.schedule(previous, {"FunctionName": "arn:aws:lambda:x", "Payload": payload})

    def succeed(self, previous: int, payload: dict[str, Any]) -> int:
        return self.add("TaskSucceeded", previous, output=json.dumps({"StatusCode": 200, "Payload": payload}))

    def fail(self, previous: int, error: str, cause: str, kind: str = "TaskFailed") -> int:
        return self.add(kind, previous, error=error, cause=cause)


BATCHES: list[dict[str, Any]] = [
    {
        "dataset": "fx_rates",
        "days": ["2025-12-29/2026-01-05"],
        "count": 5,
        "input": {"datasets": ["fx_rates"], "start": "2025-12-29", "end": "2026-01-05"},
    },
    {
        "dataset": "ftse100_prices",
        "days": ["2026-01-05"],
        "count": 1,
        "input": {"datasets": ["ftse100_prices"], "start": "2026-01-05", "end": "2026-01-05"},
    },
]


def two_batches() -> AwsHistory:
    """Plan, then two batches side by side: one fetched at the second try, one timed out and sent to the DLQ."""
    h = AwsHistory()
    h.add("ExecutionStarted", 0)
    at = h.succeed(h.invoke("Plan", h.enter("Plan", 0)), {"batches": BATCHES, "summary": {"batches": 2}})
    at = h.leave("Plan", at)
    at = h.add("MapStateStarted", h.enter("ProcessBatches", at, "Map"), length=2)
    one = h.add("MapIterationStarted", at, name="ProcessBatches", index=0)
    two = h.add("MapIterationStarted", at, name="ProcessBatches", index=1)
    one = h.invoke("Fetch", h.enter("Fetch", one), 0, BATCHES[0])
    two = h.invoke("Fetch", h.enter("Fetch", two), 1, BATCHES[1])
    one = h.fail(
        one,
        "UpstreamThrottled",
        json.dumps({"errorMessage": "429, slow [bold] down", "errorType": "UpstreamThrottled"}),
    )
    two = h.fail(two, "States.Timeout", "", "TaskTimedOut")
    one = h.invoke("Fetch", one, 0, BATCHES[0], retry=1)
    two = h.enter("SendToDlq", h.leave("Fetch", two))
    two = h.schedule(two, {"QueueUrl": "q", "MessageBody": {"dataset": "ftse100_prices"}}, "sendMessage", "sqs")
    one = h.leave("Fetch", h.succeed(one, {"days": ["2025-12-29/2026-01-05"], "stored": 5}))
    two = h.leave("SendToDlq", h.add("TaskSucceeded", two, output=json.dumps({"MessageId": "m"})))
    two = h.passes(two, "BatchDone", kind="Pass")
    two = h.add("MapIterationSucceeded", two, name="ProcessBatches", index=1)
    one = h.invoke("Validate", h.enter("Validate", one), 0, BATCHES[0])
    one = h.leave("Validate", h.succeed(one, {"accepted": 0, "unchanged": 5}))
    one = h.passes(h.passes(one, "AnyRejected", "AnyAccepted"), "BatchDone", kind="Pass")
    h.add("MapIterationSucceeded", one, name="ProcessBatches", index=0)
    return h
