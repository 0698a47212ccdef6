"""``marketlake retry``: run again what an execution did not get done.

Step Functions' own redrive goes on where an execution stopped: it reruns the iterations of the Map that did not end,
with the same definition and the same start time. It helps where an execution was cut off (TIMED_OUT, ABORTED). Where
it failed after its work, it ended in a Fail state, because the Map's own Catch lets no batch stop another: a redrive
would only enter that Fail state again. What was lost is then started anew.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe
from infra.client.dead_letters import parse_json, start_named, why_refused
from infra.client.errors import OpsError, Refusal
from infra.client.executions import Execution, describe, run_report
from infra.client.target import Target
from marketlake.errors import InvalidRequest, readable_cause

COLUMNS = ["execution", "result", "input"]
ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")
NOT_OFFERED = {"ExecutionNotRedrivable", "InvalidAction", "UnknownOperationException", "UnknownOperation"}
"""Answers to RedriveExecution that mean: not this one, or not on this engine (the embedded AWS has no redrive)."""

MAX_NAME = 80
"""Longest name of an execution (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html)."""


def retry(
    context: typer.Context,
    execution: Annotated[
        str, typer.Argument(help="Name or ARN of an execution that failed, timed out or was stopped.")
    ],
    as_json: AsJson = False,
) -> None:
    """Run again what an execution did not get done: by Step Functions' redrive where that helps, else anew."""
    screen, target = Screen(as_json), setup_of(context).target()
    found = describe(target, execution)
    report = run_report(target, found.name)
    _refuse_hopeless(found, report)
    why_not = why_no_redrive(target, found) or _redrive(target, found)
    if not why_not:
        why = f"it was {found.status} in the middle: Step Functions goes on where it stopped"
        records = [{"execution": found.name, "result": "redriven", "why": why, "input": found.input}]
    else:
        records = _start_anew(target, found, requests_of(found, report), why_not)
    cells = records if as_json else [{**r, "input": _text(r["input"])} for r in records]
    screen.table(cells, COLUMNS, title=f"retry of {safe(found.name)}")
    screen.say(safe(records[0]["why"]))
    _tell_next(screen, records, lost=bool(report.get("losses")))


def _refuse_hopeless(found: Execution, report: dict[str, Any]) -> None:
    if found.status not in ENDED_BADLY:
        words = "nothing of it was lost" if found.status == "SUCCEEDED" else "it has not ended"
        raise Refusal(f"execution {found.name} is {found.status}: {words}", f"see: marketlake history {found.name}")
    # A batch's InvalidRequest is in the report; Plan's ends the execution before there is one.
    if found.error == InvalidRequest.__name__ and not report:
        raise Refusal(
            f"the input was refused and would be again: {readable_cause({'Cause': found.cause})}",
            "correct that and start it with: marketlake run, or marketlake backfill",
        )


def why_no_redrive(target: Target, found: Execution) -> str:
    """Why Step Functions' redrive would not help this execution; empty where it would."""
    if found.status == "FAILED":
        last = target.states.get_execution_history(executionArn=found.arn, reverseOrder=True, maxResults=3)["events"]
        if any(event["type"] == "FailStateEntered" for event in last):
            return "it ended in a Fail state, which a redrive would only enter again"
        if found.error == "States.Runtime":
            return "the definition broke, and a redrive uses the same definition again"
    # Typed as always there, but only Step Functions itself answers it.
    answer: dict[str, Any] = dict(target.states.describe_execution(executionArn=found.arn))
    if "redriveStatus" not in answer:
        return f"there is no redrive on {target.described}"
    if answer["redriveStatus"] != "REDRIVABLE":
        return f"Step Functions cannot redrive it: {answer.get('redriveStatusReason', answer['redriveStatus'])}"
    return ""


def _redrive(target: Target, found: Execution) -> str:
    """Redrive it; returns why that is not offered, if it is not.

    Raises:
        ClientError: AWS refused for another reason, such as a missing permission.
    """
    try:
        target.states.redrive_execution(executionArn=found.arn)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_OFFERED:
            raise
        return f"Step Functions cannot redrive it: {error.response['Error'].get('Message', '')}"
    return ""


def requests_of(found: Execution, report: dict[str, Any]) -> list[dict[str, Any]]:
    """Inputs that run what was lost: those of the report's losses, each once, or the execution's own.

    A loss without an input is of the execution itself, and so is everything where there is no report; the days that
    are done are left out by Plan.

    Raises:
        OpsError: an input in the report is not one that Plan accepts.
    """
    losses = report.get("losses") or [{}]
    inputs = [loss.get("input") for loss in losses]
    requests = [_own_request(found)] if not all(inputs) else list({_text(one): one for one in inputs}.values())
    for request in requests:
        if refusal := why_refused(request):
            raise OpsError(f"{found.name} cannot be run again: {refusal}", "start it with: marketlake backfill")
    return requests


def _own_request(found: Execution) -> Any:
    """The execution's input; one without an end gets the time of that start, so that it means the same days.

    A start by hand is no claim on the schedule's, which that execution has already.
    """
    request = parse_json(found.input)
    if isinstance(request, dict):
        request.pop("trigger", None)
    if isinstance(request, dict) and not request.get("end") and not request.get("scheduled_time"):
        return {**request, "scheduled_time": f"{found.started.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return request


def retry_name(name: str, number: int) -> str:
    """``retry-<execution>-<n>``, shortened by a hash where that is too long; the same each time, so twice is once."""
    wanted = f"retry-{name}-{number}"
    if len(wanted) <= MAX_NAME:
        return wanted
    tail = f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}-{number}"
    return f"retry-{name}"[: MAX_NAME - len(tail)] + tail


def _start_anew(target: Target, found: Execution, requests: list[dict[str, Any]], why_not: str) -> list[dict[str, Any]]:
    records = []
    for number, request in enumerate(requests, start=1):
        name = retry_name(found.name, number)
        result = "started" if start_named(target, name, request) else "was started before"
        why = f"started anew, not redriven: {why_not}"
        records.append({"execution": name, "result": result, "why": why, "input": request})
    return records


def _text(request: object) -> str:
    return request if isinstance(request, str) else json.dumps(request, sort_keys=True)


def _tell_next(screen: Screen, records: list[dict[str, Any]], *, lost: bool) -> None:
    screen.say(f"see how it goes with: marketlake history {safe(records[0]['execution'])}")
    before = [record["execution"] for record in records if record["result"] == "was started before"]
    if before:
        screen.say(f"try again what an earlier retry lost with: marketlake retry {safe(before[0])}")
    if lost:
        screen.say("the messages about it stay on the dead-letter queue until then: marketlake dlq list")
