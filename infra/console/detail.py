"""One execution as the page shows it: head, graph, batches and attempts; single events and attempts in full."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from infra.client.errors import Refusal
from infra.client.events import Attempt, Event
from infra.client.executions import Execution
from infra.client.machine import Machine
from infra.client.outcome import outcome_of
from infra.client.target import Target
from infra.client.texts import answer_text, batch_text
from infra.console.states import batch_states, state_records
from infra.console.watch import Watched
from marketlake.errors import readable_cause
from marketlake.intervals import text_of

KINDS = ("run", "backfill", "redrive", "retry")
"""First parts of the names that the command gives to executions."""

PAGE = 200


def kind_of(name: str) -> str:
    """What started the execution, from its name; the schedule and people elsewhere give other names."""
    first = name.partition("-")[0]
    return first if first in KINDS else "other"


def iso(time: datetime | None) -> str | None:
    """``time`` in UTC, as browsers read it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds") if time else None


def head(execution: Execution) -> dict[str, Any]:
    """What the list shows of an execution that was described."""
    told: dict[str, Any] = {"text": "", "failures": [], "advice": ""}
    if execution.status != "RUNNING":
        outcome = outcome_of(execution)
        told = {"text": outcome.text, "failures": outcome.failures, "advice": outcome.advice}
    return {
        "name": execution.name,
        "kind": kind_of(execution.name),
        "status": execution.status,
        "started": iso(execution.started),
        "stopped": iso(execution.stopped),
        "error": execution.error,
        **told,
    }


def execution_document(target: Target, watched: Watched) -> dict[str, Any]:
    """Everything about an execution but its events' texts."""
    execution, run = watched.execution, watched.run
    return {
        **head(execution),
        "arn": execution.arn,
        "link": _link(target, execution),
        "input": execution.input,
        "output": execution.output,
        "cause": execution.cause,
        "total": run.total,
        "done": len(run.finished),
        "failed": len(run.failed),
        "graph": _graph(watched.machine),
        "states": state_records(watched),
        "batches": [_batch(watched, index) for index in sorted(run.batches)],
        "attempts": [attempt_record(attempt) for attempt in run.attempts],
        "events": len(watched.events),
    }


def _graph(machine: Machine) -> dict[str, Any]:
    """``{"start": name, "states": [...]}``; a state has name, type, comment, arrows, and ``inside`` if it is a Map.

    An arrow has ``to``, ``label``, and ``caught`` where it is followed after an error only.
    """
    states = [
        {
            "name": state.name,
            "type": state.type,
            "comment": state.body.get("Comment", ""),
            "arrows": [asdict(way) for way in state.ways],
            "inside": _graph(state.inside) if state.inside else None,
        }
        for state in machine.states
    ]
    return {"start": machine.start, "states": states}


def attempt_record(attempt: Attempt) -> dict[str, Any]:
    """One attempt without its input and output; ``id`` is its first event's."""
    return {
        "id": attempt.scheduled,
        "state": attempt.state,
        "batch": attempt.batch,
        "retry": attempt.retry,
        "started": iso(attempt.started),
        "ended": iso(attempt.ended),
        "error": attempt.error,
        "cause": readable_cause({"Cause": attempt.cause}) if attempt.error else "",
        "result": answer_text(attempt.answer) if attempt.ended and not attempt.error else "",
    }


def attempt_detail(watched: Watched, event_id: int) -> dict[str, Any]:
    """An attempt with what went in and what came out, as text.

    Raises:
        Refusal: no attempt began with this event.
    """
    attempt = find_attempt(watched, event_id)
    begun = event_of(watched, attempt.scheduled)
    ended = event_of(watched, attempt.end) if attempt.end else {}
    return {
        **attempt_record(attempt),
        "input": begun.get("taskScheduledEventDetails", {}).get("parameters", ""),
        "output": ended.get("taskSucceededEventDetails", {}).get("output", ""),
        "whole_cause": attempt.cause,
    }


def find_attempt(watched: Watched, event_id: int) -> Attempt:
    """The attempt that began with this event.

    Raises:
        Refusal: there is none.
    """
    for attempt in watched.run.attempts:
        if attempt.scheduled == event_id:
            return attempt
    raise Refusal(f"no attempt of {watched.execution.name} began with event {event_id}", "go back to the execution")


def event_of(watched: Watched, event_id: int) -> Event:
    """The event with this id.

    Raises:
        Refusal: there is none.
    """
    for event in watched.events:
        if event["id"] == event_id:
            return event
    raise Refusal(f"{watched.execution.name} has no event {event_id}", "go back to the execution")


def event_page(watched: Watched, start: int, batch: int | None, state: str) -> dict[str, Any]:
    """At most ``PAGE`` events from the place ``start``, of one batch or state where these are given."""
    wanted = []
    for event in watched.events:
        about, index = watched.run.about(event["id"])
        name = _own_name(event) or about
        if batch in (None, index) and state in ("", name):
            wanted.append(
                {"id": event["id"], "type": event["type"], "time": iso(event["timestamp"])}
                | {"state": name, "batch": index}
            )
    return {"total": len(wanted), "start": start, "events": wanted[start : start + PAGE]}


def _own_name(event: Event) -> str:
    details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
    return str(details.get("name", ""))


def _batch(watched: Watched, index: int) -> dict[str, Any]:
    run, batch = watched.run, watched.run.batches[index]
    attempts = [attempt for attempt in run.attempts if attempt.batch == index]
    worst = next((a for a in reversed(attempts) if a.error and a.state != "SendToDlq"), None)
    status = _batch_status(watched, index, attempts)
    error, cause, state = "", "", ""
    if status == "failed" and worst:
        error, cause, state = worst.error, readable_cause({"Cause": worst.cause}), worst.state
    elif status == "rejected":
        rejections = [one for attempt in attempts for one in attempt.answer.get("rejections") or []]
        first = rejections[0] if rejections else {}
        error, cause, state = first.get("error", ""), first.get("cause", ""), "Validate"
    return {
        "index": index,
        "dataset": batch.dataset,
        "days": text_of(batch.days, most=1),
        "text": batch_text(batch),
        "count": batch.count,
        "status": status,
        "retries": sum(attempt.retry > 0 for attempt in attempts),
        "error": error,
        "cause": cause,
        "state": state,
        "states": batch_states(watched, index),
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


def _link(target: Target, execution: Execution) -> str:
    """The execution in AWS's own console; empty on the embedded AWS."""
    if target.is_local:
        return ""
    where = f"https://{target.region}.console.aws.amazon.com/states/home?region={target.region}"
    return f"{where}#/v2/executions/details/{execution.arn}"
