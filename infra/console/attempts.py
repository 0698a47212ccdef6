"""Single attempts and events of an execution in full, with what the functions logged in CloudWatch Logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from infra.client.dead_letters import parse_json
from infra.client.errors import Refusal
from infra.client.events import Attempt, Event
from infra.client.target import Target
from infra.console.executions import Watched, iso

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

EVENTS = 200
"""Events of a page."""

LINES, LOG_PAGES = 200, 5
"""Lines of log that are shown, and requests that look for them."""

MARGIN = timedelta(seconds=30)
"""Around the attempt's time: lines are taken in a little after they were written."""


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
        "cause": attempt.reason,
        "result": attempt.result,
    }


def attempt_detail(watched: Watched, event_id: int) -> dict[str, Any]:
    """An attempt with what went in and what came out, as text.

    Raises:
        Refusal: no attempt began with this event.
    """
    attempt = _attempt(watched, event_id)
    begun = event_of(watched, attempt.scheduled)
    ended = event_of(watched, attempt.end) if attempt.end else {}
    return {
        **attempt_record(attempt),
        "input": begun.get("taskScheduledEventDetails", {}).get("parameters", ""),
        "output": ended.get("taskSucceededEventDetails", {}).get("output", ""),
        "whole_cause": attempt.cause,
    }


def _attempt(watched: Watched, event_id: int) -> Attempt:
    for attempt in watched.run.attempts:
        if attempt.scheduled == event_id:
            return attempt
    raise Refusal(f"no attempt of {watched.execution.name} began with event {event_id}", "go back to the execution")


def event_of(watched: Watched, event_id: int) -> Event:
    """The event with this id.

    Raises:
        Refusal: there is no such event.
    """
    for event in watched.events:
        if event["id"] == event_id:
            return event
    raise Refusal(f"{watched.execution.name} has no event {event_id}", "go back to the execution")


def event_page(watched: Watched, start: int, batch: int | None, state: str) -> dict[str, Any]:
    """At most ``EVENTS`` events from the place ``start``, of one batch or state where these are given."""
    wanted = []
    for event in watched.events:
        place = watched.run.place(event["id"])
        if batch in (None, place.batch) and state in ("", place.state):
            wanted.append(
                {"id": event["id"], "type": event["type"], "time": iso(event["timestamp"])}
                | {"state": place.state, "batch": place.batch}
            )
    return {"total": len(wanted), "start": start, "events": wanted[start : start + EVENTS]}


def attempt_logs(target: Target, watched: Watched, event_id: int) -> dict[str, Any]:
    """The lines that name the execution, state, batch and retry of the attempt, oldest first.

    ``why`` says why there are none, where there are none.

    Raises:
        Refusal: there is no such attempt.
        ClientError, BotoCoreError: CloudWatch Logs could not be asked.
    """
    attempt = _attempt(watched, event_id)
    function = watched.machine.state(attempt.state).function
    if not function:
        return {"group": "", "lines": [], "why": f"{attempt.state} calls a service of AWS, which writes no log here"}
    group = f"/aws/lambda/{function}"
    pages = target.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        # A quoted term is looked for as it is; names of executions have no quotes.
        filterPattern=f'"{watched.execution.name}"',
        startTime=_milliseconds(attempt.started - MARGIN),
        endTime=_milliseconds((attempt.ended or datetime.now(UTC)) + MARGIN),
    )
    try:
        found = [event for page in islice(pages, LOG_PAGES) for event in page.get("events", [])]
    except target.logs.exceptions.ResourceNotFoundException:
        return {"group": group, "lines": [], "why": f"there is no log group {group}: nothing was logged, or it is gone"}
    wanted = (attempt.state, attempt.batch, attempt.retry)
    lines = [line for event in found if _about(line := _line(event), wanted)]
    why = "" if lines else "no line names this attempt; lines arrive with a delay of some seconds"
    return {"group": group, "lines": lines[:LINES], "why": why}


def _line(event: FilteredLogEventTypeDef) -> dict[str, Any]:
    text = event.get("message", "")
    try:
        document = parse_json(text)
    except ValueError:
        document = None
    time = datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC)
    return {"time": iso(time), "text": text, "document": document if isinstance(document, dict) else None}


def _about(line: dict[str, Any], wanted: tuple[str, int | None, int]) -> bool:
    document = line["document"]
    return document is None or (document.get("state"), document.get("batch"), document.get("retry")) == wanted


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
