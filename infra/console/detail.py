"""One execution as the page shows it: head, graph, how each state and each batch stands, attempts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from infra.client.events import GIVEN_UP, MAP, Attempt, Visit
from infra.client.machine import Machine
from infra.client.target import Target
from infra.client.texts import batch_text
from infra.console.attempts import attempt_record
from infra.console.executions import Watched, head
from marketlake.intervals import text_of

ORDER = ("running", "retrying", "failed", "stopped", "caught", "succeeded")
"""What a state shows that stands differently in several batches: the first of these that is there."""

States = dict[str, dict[str, Any]]


def execution_document(target: Target, watched: Watched) -> dict[str, Any]:
    """Everything about an execution but its events' texts."""
    execution, run = watched.execution, watched.run
    return {
        **head(execution),
        **watched.progress,
        "arn": execution.arn,
        "link": target.execution_link(execution.arn),
        "input": execution.input,
        "output": execution.output,
        "cause": execution.cause,
        "graph": _graph(watched.machine),
        "states": _states(watched),
        "batches": [_batch(watched, index) for index in run.batches],
        "attempts": [attempt_record(attempt) for attempt in run.attempts],
        "events": len(watched.events),
    }


def _graph(machine: Machine) -> list[dict[str, Any]]:
    """The states; a state has name, type, comment, arrows, and ``inside`` if it is a Map.

    An arrow has ``to``, ``label``, and ``caught`` where it is followed after an error only.
    """
    return [
        {
            "name": state.name,
            "type": state.type,
            "comment": state.body.get("Comment", ""),
            "arrows": [asdict(way) for way in state.ways],
            "inside": _graph(state.inside) if state.inside else None,
        }
        for state in machine.states
    ]


def _states(watched: Watched) -> States:
    """State to ``status``, ``retries`` and ``counts`` (status to number of batches, for states inside the Map)."""
    found = _states_of(watched, None)
    if watched.run.failed and found[MAP]["status"] == "succeeded":
        found[MAP]["status"] = "caught"
    scopes = [_states_of(watched, index) for index in watched.run.batches]
    for name in {name for scope in scopes for name in scope}:
        stands = [scope[name] for scope in scopes if name in scope]
        counts = Counter(one["status"] for one in stands)
        found[name] = {
            "status": next(status for status in ORDER if counts[status]),
            "retries": sum(one["retries"] for one in stands),
            "counts": dict(counts),
        }
    return found


def _states_of(watched: Watched, batch: int | None) -> States:
    """State to ``status`` and ``retries`` within one batch, or outside of all; states not come to are left out."""
    return {
        place.state: {
            "status": _status(visit, watched),
            "retries": sum(attempt.retry > 0 for attempt in visit.attempts),
        }
        for place, visit in watched.run.visits.items()
        if place.batch == batch
    }


def _status(visit: Visit, watched: Watched) -> str:
    failed = bool(visit.attempts and visit.attempts[-1].error)
    if not visit.inside:
        return "caught" if failed else "succeeded"
    if watched.execution.status == "RUNNING":
        # Nothing follows a failed attempt in a state that was not left: it waits for its next.
        return "retrying" if failed else "running"
    return "failed" if failed or visit.kind == "Fail" else "stopped"


def _batch(watched: Watched, index: int) -> dict[str, Any]:
    run, batch = watched.run, watched.run.batches[index]
    attempts = [attempt for attempt in run.attempts if attempt.batch == index]
    status = _batch_status(watched, index, attempts)
    error, cause, state = "", "", ""
    worst = next((a for a in reversed(attempts) if a.error and a.state != GIVEN_UP), None)
    if status == "failed" and worst:
        error, cause, state = worst.error, worst.reason, worst.state
    elif status == "rejected":
        rejections = [one for attempt in attempts for one in attempt.answer.get("rejections") or []]
        first = rejections[0] if rejections else {}
        error, cause, state = first.get("error", ""), first.get("cause", ""), "Validate"
    return {
        "index": index,
        "dataset": batch.dataset,
        "days": text_of(batch.days, most=1),
        "period": text_of(batch.days),
        "text": batch_text(batch),
        "count": batch.count,
        "status": status,
        "retries": sum(attempt.retry > 0 for attempt in attempts),
        "error": error,
        "cause": cause,
        "state": state,
        "states": _states_of(watched, index),
    }


def _batch_status(watched: Watched, index: int, attempts: list[Attempt]) -> str:
    if index in watched.run.failed:
        return "failed"
    if any(attempt.answer.get("rejected") for attempt in attempts if attempt.state == "Validate"):
        return "rejected"
    if index in watched.run.finished:
        return "succeeded"
    if watched.execution.status != "RUNNING":
        return "stopped" if attempts else "waiting"
    return "running" if attempts else "waiting"
