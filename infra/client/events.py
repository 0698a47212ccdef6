"""An execution's history as attempts of states and progress of batches.

The events are those of GetExecutionHistory. What an event is about is read from the chain of ``previousEventId`` and
from the parameters of each task, which carry ``task: {execution, state, retry, batch}`` on every engine: the embedded
AWS has no events for iterations of a Map, and none for entering a state inside one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MAP = "ProcessBatches"
"""The Map state whose iterations are the batches."""

Event = Mapping[str, Any]

ENDED_ITERATIONS = {"MapIterationSucceeded": True, "MapIterationFailed": False, "MapIterationAborted": False}
FAILURES = {"TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed"}


@dataclass(frozen=True)
class Batch:
    """A batch as Plan made it: its place in the Map, the dataset, its runs of days and their number."""

    index: int
    dataset: str
    days: tuple[str, ...]
    count: int


@dataclass
class Attempt:
    """One try of a task state; ``batch`` is None outside the Map, ``ended`` while it runs; ``error`` is empty if good.

    ``answer`` is what the function returned. ``scheduled`` and ``end`` are the ids of the events it was read from.
    """

    state: str
    batch: int | None
    retry: int
    started: datetime
    ended: datetime | None = None
    error: str = ""
    cause: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    scheduled: int = 0
    end: int = 0

    @property
    def duration(self) -> timedelta | None:
        """How long it took; None while it runs."""
        return self.ended - self.started if self.ended else None


@dataclass(frozen=True)
class _About:
    state: str = ""
    batch: int | None = None


class Run:
    """What an execution has done so far. Feed it the events once each, in order."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.batches: dict[int, Batch] = {}
        self.total: int | None = None
        """Number of batches; None until Plan has answered."""
        self.finished: set[int] = set()
        self.failed: set[int] = set()
        self._about: dict[int, _About] = {}
        self._scheduled: dict[int, Attempt] = {}

    def feed(self, events: Iterable[Event]) -> list[Attempt]:
        """Take in ``events``; returns the attempts that ended with them, in order."""
        return [ended for event in events if (ended := self._take(event)) is not None]

    def about(self, event_id: int) -> tuple[str, int | None]:
        """State and batch that an event is about; ``("", None)`` where the history does not tell."""
        about = self._about.get(event_id, _About())
        return about.state, about.batch

    @property
    def running(self) -> list[Attempt]:
        """Attempts under way."""
        return [attempt for attempt in self.attempts if attempt.ended is None]

    def _take(self, event: Event) -> Attempt | None:
        kind, number, previous = event["type"], event["id"], event.get("previousEventId", 0)
        about = self._about.get(previous, _About())
        if "stateEnteredEventDetails" in event:
            about = _About(event["stateEnteredEventDetails"]["name"], about.batch)
        elif kind == "MapIterationStarted" and event["mapIterationStartedEventDetails"].get("name") == MAP:
            about = _About("", event["mapIterationStartedEventDetails"]["index"])
        self._about[number] = about
        if kind == "MapStateStarted" and about.state == MAP:
            self.total = event["mapStateStartedEventDetails"]["length"]
        elif kind in ENDED_ITERATIONS:
            self._end_iteration(event[f"{kind[0].lower()}{kind[1:]}EventDetails"], ENDED_ITERATIONS[kind])
        elif kind == "TaskScheduled":
            self._schedule(event, about)
        elif kind in ("TaskStarted", "TaskSubmitted") and previous in self._scheduled:
            self._scheduled[number] = self._scheduled.pop(previous)
        elif kind == "TaskSucceeded" or kind in FAILURES:
            return self._end(event, previous)
        return None

    def _schedule(self, event: Event, about: _About) -> None:
        details = event["taskScheduledEventDetails"]
        parameters = _json(details.get("parameters"))
        payload = parameters.get("Payload", {})
        task = payload.get("task", {})
        if "batch" in task and "batch" in payload:
            self._learn(task["batch"], payload["batch"])
        body = parameters.get("MessageBody", {})
        batch = task.get("batch", about.batch if body == {} or about.batch is not None else self._batch_of(body))
        state = task.get("state") or about.state or self._state_of(details.get("resource", ""), body, batch)
        retry = task.get("retry")
        if retry is None:
            retry = sum(1 for a in self.attempts if (a.state, a.batch) == (state, batch) and a.error)
        attempt = Attempt(state, batch, retry, event["timestamp"], scheduled=event["id"])
        self._about[event["id"]] = _About(state, batch)
        self._scheduled[event["id"]] = attempt
        self.attempts.append(attempt)
        if state == "SendToDlq" and batch is not None:
            self.finished.add(batch)
            self.failed.add(batch)

    def _end(self, event: Event, previous: int) -> Attempt | None:
        if not self._scheduled:
            return None
        # Where events are not chained, the oldest task under way is the best guess.
        attempt = self._scheduled.pop(previous if previous in self._scheduled else next(iter(self._scheduled)))
        attempt.ended, attempt.end = event["timestamp"], event["id"]
        if event["type"] in FAILURES:
            details = event.get(f"{event['type'][0].lower()}{event['type'][1:]}EventDetails", {})
            attempt.error, attempt.cause = details.get("error", "unknown"), details.get("cause", "")
            return attempt
        output = _json(event.get("taskSucceededEventDetails", {}).get("output"))
        payload = output.get("Payload", {})
        attempt.answer = payload if isinstance(payload, dict) else {}
        self._progress(attempt)
        return attempt

    def _progress(self, attempt: Attempt) -> None:
        answer, batch = attempt.answer, attempt.batch
        if attempt.state == "Plan":
            self.total = len(answer.get("batches", []))
            for index, found in enumerate(answer.get("batches", [])):
                self._learn(index, found)
        elif batch is not None and (
            attempt.state == "AthenaCheck" or (attempt.state == "Validate" and not answer.get("accepted"))
        ):
            self.finished.add(batch)

    def _end_iteration(self, details: Event, good: bool) -> None:
        if details.get("name") == MAP:
            self.finished.add(details["index"])
            if not good:
                self.failed.add(details["index"])

    def _learn(self, index: int, found: Mapping[str, Any]) -> None:
        self.batches.setdefault(
            index, Batch(index, found.get("dataset", ""), tuple(found.get("days", ())), found.get("count", 0))
        )

    def _batch_of(self, body: Mapping[str, Any]) -> int | None:
        wanted = (body.get("dataset"), tuple(body.get("days", ())))
        return next((b.index for b in self.batches.values() if (b.dataset, b.days) == wanted), None)

    def _state_of(self, resource: str, body: Mapping[str, Any], batch: int | None) -> str:
        """The state of a task that carries no name of its own, by what it calls and sends."""
        if "sendMessage" not in resource:
            return "NotifyFailure" if "publish" in resource else "a task"
        # A batch of one day that was rejected sends the same days as one that failed; but there, Validate was good.
        validated = any((a.state, a.batch, a.error) == ("Validate", batch, "") for a in self.attempts)
        rejected = batch is None or (validated and set(body.get("failure", {})) == {"Validate"})
        return "SendRejectedDay" if rejected else "SendToDlq"


def _json(text: str | None) -> dict[str, Any]:
    """The object in ``text``; empty where there is none, as in a history without execution data."""
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
