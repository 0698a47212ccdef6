"""How each state of an execution stands: on its own, within one batch, and over all batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from infra.client.events import MAP, Attempt
from infra.console.watch import Watched
from infra.cost.transitions import batch_steps, way

ORDER = ("running", "retrying", "failed", "stopped", "caught", "succeeded")
"""What a state shows that stands differently in several batches: the first of these that is there."""

ENDED_BADLY = {"FAILED", "ABORTED", "TIMED_OUT"}


def state_records(watched: Watched) -> dict[str, dict[str, Any]]:
    """State to ``status``, ``retries`` and ``counts`` (status to number of batches, for states inside the Map)."""
    scopes = {index: batch_states(watched, index) for index in watched.run.batches}
    top = _top(watched)
    found = dict(top)
    for name in {name for scope in scopes.values() for name in scope}:
        stands = [scope[name] for scope in scopes.values() if name in scope]
        counts = Counter(one["status"] for one in stands)
        found[name] = {
            "status": next(status for status in ORDER if counts[status]),
            "retries": sum(one["retries"] for one in stands),
            "counts": dict(counts),
        }
    return found


def batch_states(watched: Watched, index: int) -> dict[str, dict[str, Any]]:
    """State to ``status`` and ``retries`` within one batch; states that it has not come to are left out."""
    attempts = [attempt for attempt in watched.run.attempts if attempt.batch == index]
    found = {name: _record("succeeded") for name in _between(watched, index, attempts)}
    found |= {name: _record("succeeded") for batch, name in watched.entered if batch == index}
    found |= _tasks(watched, attempts)
    return found


def _top(watched: Watched) -> dict[str, dict[str, Any]]:
    status = watched.execution.status
    found: dict[str, dict[str, Any]] = {}
    for batch, name in watched.entered:
        if batch is None:
            left = (None, name) in watched.exited
            found[name] = _record("succeeded" if left else "running" if status == "RUNNING" else _cut(status))
    found |= _tasks(watched, [attempt for attempt in watched.run.attempts if attempt.batch is None])
    if MAP in found and found[MAP]["status"] == "succeeded" and watched.run.failed:
        found[MAP]["status"] = "caught"
    for event in watched.events:
        if event["type"] == "FailStateEntered":
            found[event["stateEnteredEventDetails"]["name"]] = _record("failed")
    return found


def _tasks(watched: Watched, attempts: Sequence[Attempt]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for attempt in attempts:
        mine = [other for other in attempts if other.state == attempt.state]
        last_of_all = attempts[-1].state == attempt.state
        found[attempt.state] = {
            "status": _status(watched, mine[-1], last_of_all=last_of_all),
            "retries": sum(other.retry > 0 for other in mine),
        }
    return found


def _status(watched: Watched, attempt: Attempt, *, last_of_all: bool) -> str:
    running = watched.execution.status == "RUNNING"
    if attempt.ended is None:
        return "running" if running else _cut(watched.execution.status)
    if not attempt.error:
        return "succeeded"
    if not last_of_all:
        return "caught"
    # Nothing follows an error that is the last word: it waits for its next try, or it ended everything.
    return "retrying" if running else "failed"


def _between(watched: Watched, index: int, attempts: Sequence[Attempt]) -> Iterable[str]:
    """States that are no tasks, which the embedded AWS has no events for: found on the way from task to task."""
    tasks = [attempt for attempt in attempts if attempt.state in batch_steps()]
    for one, other in pairwise(tasks):
        if one.state != other.state:
            yield from _way(watched, one, other.state)
    if tasks and index in watched.run.finished and attempts[-1].ended is not None:
        yield from _way(watched, tasks[-1], None)


def _way(watched: Watched, one: Attempt, other: str | None) -> tuple[str, ...]:
    """States between a task and the next; after an error, by way of the state that its Catch leads to."""
    wanted = {one.error, "States.ALL"}
    caught = (
        [after for errors, after in watched.machine.state(one.state).catchers if errors & wanted] if one.error else []
    )
    if not caught:
        return way(one.state, other)
    after = caught[0]
    return () if after == other else (after, *way(after, other))


def _cut(status: str) -> str:
    return "stopped" if status in ENDED_BADLY else "succeeded"


def _record(status: str) -> dict[str, Any]:
    return {"status": status, "retries": 0}
