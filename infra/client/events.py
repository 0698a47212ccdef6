"""An execution's history as attempts of states and progress of batches.

The events are those of GetExecutionHistory, which every engine writes alike: each names the event before it, each state
is entered and left, and each iteration of a Map has a name and an index
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from infra.client.texts import answer_text, object_in
from marketlake.errors import readable_cause
from marketlake.messages import Batch, read_message

MAP = "ProcessBatches"
"""The Map state whose iterations are the batches."""

GIVEN_UP = "SendToDlq"
"""The state that a batch comes to when it failed, although its iteration succeeds."""

Event = Mapping[str, Any]

FAILURES = {"TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed"}
ENDED_ITERATIONS = {"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"}


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

    @property
    def reason(self) -> str:
        """Why it failed, for people; empty where it did not."""
        return readable_cause({"Cause": self.cause}) if self.error else ""

    @property
    def result(self) -> str:
        """What it did, for people; empty while it runs and where it failed."""
        return answer_text(self.answer) if self.ended and not self.error else ""


@dataclass
class Visit:
    """A state that was entered, within one batch or outside of all: its type, such as Task or Choice, and its attempts.

    ``inside`` is how often it was entered and not left yet; a state of a Map inside a batch may be so several times.
    """

    kind: str = ""
    inside: int = 0
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """What an event is about: a state, and the batch that it works on; empty and None where there is no such thing."""

    state: str = ""
    batch: int | None = None


class Run:
    """What an execution has done so far. Feed it the events once each, in order."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.visits: defaultdict[Place, Visit] = defaultdict(Visit)
        self.batches: dict[int, Batch] = {}
        """The batches as Plan made them, by their index in the Map."""
        self.total: int | None = None
        """Number of batches; None until the Map has started."""
        self.finished: set[int] = set()
        self.failed: set[int] = set()
        self._places: dict[int, Place] = {}
        self._tasks: dict[int, Attempt] = {}

    def feed(self, events: Iterable[Event]) -> list[Attempt]:
        """Take in ``events``; returns the attempts that ended with them, in order."""
        return [ended for event in events if (ended := self._take(event)) is not None]

    def place(self, event_id: int) -> Place:
        """What an event is about."""
        return self._places.get(event_id, Place())

    def batch_of(self, attempt: Attempt) -> Batch | None:
        """The batch that the attempt worked on; None outside the Map."""
        return None if attempt.batch is None else self.batches.get(attempt.batch)

    @property
    def running(self) -> list[Attempt]:
        """Attempts under way."""
        return [attempt for attempt in self.attempts if attempt.ended is None]

    def _take(self, event: Event) -> Attempt | None:
        kind, details = event["type"], details_of(event)
        place = self._places[event["id"]] = self._place_of(event, details)
        if kind.endswith("StateEntered"):
            self.visits[place].kind = kind.removesuffix("StateEntered")
            self.visits[place].inside += 1
            if place.state == GIVEN_UP and place.batch is not None:
                self.failed.add(place.batch)
        elif kind.endswith("StateExited"):
            self.visits[place].inside -= 1
        elif kind == "MapStateStarted" and place.state == MAP:
            self.total = details["length"]
        elif kind in ENDED_ITERATIONS and place.batch is not None and place.state == MAP:
            self.finished.add(place.batch)
            if kind != "MapIterationSucceeded":
                self.failed.add(place.batch)
        elif kind.startswith("Task"):
            return self._task(event, details, place)
        return None

    def _place_of(self, event: Event, details: Event) -> Place:
        """That of the event before it, unless it names a state; the index of an iteration of ``MAP`` is a batch."""
        before = self.place(event.get("previousEventId", 0))
        state = details.get("name", before.state)
        return Place(MAP, details.get("index")) if state == MAP else Place(state, before.batch)

    def _task(self, event: Event, details: Event, place: Place) -> Attempt | None:
        """A task that is scheduled after another one has failed is its retry; what comes after belongs to it."""
        attempt = self._tasks.get(event.get("previousEventId", 0))
        if event["type"] == "TaskScheduled":
            retry = attempt.retry + 1 if attempt else 0
            attempt = Attempt(place.state, place.batch, retry, event["timestamp"], scheduled=event["id"])
            self.attempts.append(attempt)
            self.visits[place].attempts.append(attempt)
        if attempt is None:
            return None
        self._tasks[event["id"]] = attempt
        return self._ended(attempt, event, details)

    def _ended(self, attempt: Attempt, event: Event, details: Event) -> Attempt | None:
        if event["type"] in FAILURES:
            attempt.error, attempt.cause = details.get("error", "unknown"), details.get("cause", "")
        elif event["type"] == "TaskSucceeded":
            attempt.answer = object_in(object_in(details.get("output")).get("Payload"))
        else:
            return None
        attempt.ended, attempt.end = event["timestamp"], event["id"]
        if attempt.state == "Plan":
            planned = read_message(attempt.answer.get("batches", []), list[Batch], "Plan's answer")
            self.batches = dict(enumerate(planned))
        return attempt


def details_of(event: Event) -> Event:
    """The one field of an event that says what happened; empty where the type says it all."""
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})
