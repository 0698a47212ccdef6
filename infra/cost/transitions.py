"""State transitions that Step Functions bills for an execution.

AWS's history has an event for every state entered. The embedded AWS has none inside a Map, so there the Choice, Pass
and Map states between the tasks of a batch are found in the definition: the way from one task to the next. Retries are
billed like entries. A start of the execution and of each iteration is counted on top, to be on the safe side.
https://aws.amazon.com/step-functions/pricing/
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from infra import facts
from infra.client.events import MAP, Event, Run


@dataclass(frozen=True)
class Step:
    """A state inside the Map of batches: its type and what may come after it, itself flattened out of inner Maps."""

    kind: str
    after: tuple[str, ...]
    ends: bool


def transitions(run: Run, events: Iterable[Event]) -> int:
    """Billed transitions of the execution whose ``events`` were fed to ``run``; an upper bound."""
    listed = list(events)
    entered: list[str] = [
        event["stateEnteredEventDetails"]["name"] for event in listed if "stateEnteredEventDetails" in event
    ]
    started = [event["id"] for event in listed if event["type"] == "MapIterationStarted"]
    if set(entered) & set(batch_steps()):
        return 1 + len(entered) + len(started) + sum(attempt.retry > 0 for attempt in run.attempts)
    top = [name for name in entered if name not in batch_steps()]
    retries = sum(attempt.retry > 0 for attempt in run.attempts if attempt.batch is None)
    batches = {attempt.batch for attempt in run.attempts if attempt.batch is not None}
    inside = sum(_of_batch([a.state for a in run.attempts if a.batch == batch]) for batch in batches)
    return 1 + len(top) + retries + inside


def _of_batch(tasks: Sequence[str]) -> int:
    """Transitions of one batch that went through ``tasks``, a retried one twice."""
    between = sum(len(way(a, b)) for a, b in pairwise(tasks) if a != b)
    iterations = 1 + tasks.count("SendRejectedDay")
    return iterations + len(tasks) + between + len(way(tasks[-1], None))


@cache
def way(start: str, end: str | None) -> tuple[str, ...]:
    """States between the tasks ``start`` and ``end`` that are no tasks; to the end of the batch, itself too, if None.

    Empty where there is no such way, as for a batch that was stopped.
    """
    steps, seen, queue = batch_steps(), {start}, deque[tuple[str, ...]]([()])
    while queue:
        path = queue.popleft()
        at = path[-1] if path else start
        if end is None and path and steps[at].ends:
            return path
        for name in steps[at].after:
            if name == end:
                return path
            if name not in seen and steps[name].kind != "Task":
                seen.add(name)
                queue.append((*path, name))
    return ()


@cache
def batch_steps() -> dict[str, Step]:
    """The states inside the Map of batches, by name."""
    template = facts.DEFINITION.read_text("utf-8")
    states: dict[str, Any] = json.loads(facts.PLACEHOLDER.sub("0", template))["States"]
    found: dict[str, Step] = {}
    _flatten(states[MAP]["ItemProcessor"]["States"], (), found)
    return found


def _flatten(states: dict[str, Any], outside: tuple[str, ...], found: dict[str, Step]) -> None:
    for name, state in states.items():
        after = tuple(choice["Next"] for choice in state.get("Choices", []))
        after += tuple(state[key] for key in ("Next", "Default") if key in state)
        after += tuple(caught["Next"] for caught in state.get("Catch", []))
        ends = bool(state.get("End"))
        if state["Type"] == "Map":
            _flatten(state["ItemProcessor"]["States"], after, found)
            after = (state["ItemProcessor"]["StartAt"], *after)
        found[name] = Step(state["Type"], (*after, *(outside if ends else ())), ends and not outside)
