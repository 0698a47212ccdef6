"""What a function logged about one attempt, from CloudWatch Logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.client.dead_letters import parse_json
from infra.client.target import Target
from infra.console.detail import find_attempt, iso
from infra.console.watch import Watched

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

MARGIN = timedelta(seconds=30)
"""Around the attempt's time: lines are taken in a little after they were written."""

MOST, PAGES = 200, 5


def attempt_logs(target: Target, watched: Watched, event_id: int) -> dict[str, Any]:
    """The lines that name the execution, state, batch and retry of the attempt, oldest first.

    ``why`` says why there are none, where there are none.

    Raises:
        Refusal: there is no such attempt.
        ClientError, BotoCoreError: CloudWatch Logs could not be asked.
    """
    attempt = find_attempt(watched, event_id)
    function = watched.machine.state(attempt.state).function
    if not function:
        return {"group": "", "lines": [], "why": f"{attempt.state} calls a service of AWS, which writes no log here"}
    group = f"/aws/lambda/{function}"
    found: list[FilteredLogEventTypeDef] = []
    request: dict[str, Any] = {
        "logGroupName": group,
        # A quoted term is looked for as it is; names of executions have no quotes.
        "filterPattern": f'"{watched.execution.name}"',
        "startTime": _milliseconds(attempt.started - MARGIN),
        "endTime": _milliseconds((attempt.ended or datetime.now(UTC)) + MARGIN),
    }
    try:
        for _ in range(PAGES):
            page = target.logs.filter_log_events(**request)
            found += page.get("events", [])
            if not page.get("nextToken"):
                break
            request["nextToken"] = page["nextToken"]
    except target.logs.exceptions.ResourceNotFoundException:
        return {"group": group, "lines": [], "why": f"there is no log group {group}: nothing was logged, or it is gone"}
    wanted = (attempt.state, attempt.batch, attempt.retry)
    lines = [line for event in found if _about(line := _line(event), wanted)]
    why = "" if lines else "no line names this attempt; lines arrive with a delay of some seconds"
    return {"group": group, "lines": lines[:MOST], "why": why}


def _line(event: FilteredLogEventTypeDef) -> dict[str, Any]:
    text = event.get("message", "")
    try:
        document = parse_json(text)
    except ValueError:
        document = None
    time = datetime.fromtimestamp(event.get("timestamp", 0) / 1000, UTC)
    return {"time": iso(time), "text": text, "document": document if isinstance(document, dict) else None}


def _about(line: dict[str, Any], wanted: tuple[str, int | None, int]) -> bool:
    told = line["document"]
    return told is None or (told.get("state"), told.get("batch"), told.get("retry")) == wanted


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
