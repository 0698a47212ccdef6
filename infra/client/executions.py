"""Executions of the pipeline: start, stop, describe, read the history, follow to the end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from infra.client.errors import Interrupted, Refusal, StillRunning, explain
from infra.client.events import Attempt, Event, Run
from infra.client.target import Target
from marketlake.layout import report_key
from marketlake.storage import ObjectMissing

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

PAGE = 200
"""Events a request: a poll of a running execution finds fewer, a whole history of 25 years is some dozen pages."""

LOCAL_POLL_SECONDS, AWS_POLL_SECONDS = 0.15, 1.5
"""On AWS well below the quota of five GetExecutionHistory a second that a whole account shares in a small region.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

Show = Callable[[Run, list[Attempt]], None]
"""Shows what happens in an execution: what it has done so far, and the attempts that ended since the last call."""


@dataclass(frozen=True)
class Execution:
    """One execution; ``output`` is JSON, ``error`` and ``cause`` are empty where it succeeded."""

    name: str
    arn: str
    status: str
    started: datetime
    stopped: datetime | None = None
    input: str = "{}"
    output: str = ""
    error: str = ""
    cause: str = ""

    @property
    def duration(self) -> timedelta:
        """From start to stop, or until now."""
        return (self.stopped or datetime.now(UTC)) - self.started


def start(target: Target, kind: str, request: dict[str, Any]) -> str:
    """Start an execution on ``request``; returns its ARN. ``kind`` goes first in its name."""
    # The name says when; the random part keeps two starts of a second apart.
    name = f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    answer = target.states.start_execution(
        stateMachineArn=target.state_machine_arn, name=name, input=json.dumps(request)
    )
    return answer["executionArn"]


def stop(target: Target, name: str, cause: str) -> Execution:
    """Stop a running execution, which ends as ABORTED with ``cause``; returns it as described before.

    What is loaded stays. A function that runs comes to its end, and nothing follows it.
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html

    Raises:
        Refusal: the pipeline has no such execution, or it has ended.
    """
    found = describe(target, name)
    if found.arn != target.execution_arn(found.name):
        raise Refusal(f"{name!r} is not an execution of this pipeline", "see `marketlake history` for those there are")
    if found.status != "RUNNING":
        raise Refusal(f"execution {found.name} has ended: it is {found.status}", "there is nothing to stop")
    target.states.stop_execution(executionArn=found.arn, cause=cause)
    return found


def describe(target: Target, name: str) -> Execution:
    """The execution with this name or ARN.

    Raises:
        Refusal: there is no such execution.
    """
    states = target.states
    try:
        found = states.describe_execution(executionArn=target.execution_arn(name))
    except (states.exceptions.ExecutionDoesNotExist, states.exceptions.InvalidArn) as error:
        raise Refusal(f"there is no execution {name!r}", "see `marketlake history` for those there are") from error
    return Execution(
        name=found["name"],
        arn=found["executionArn"],
        status=found["status"],
        started=found["startDate"],
        stopped=found.get("stopDate"),
        input=found.get("input", "{}"),
        output=found.get("output", "") if found["status"] == "SUCCEEDED" else "",
        error=found.get("error", ""),
        cause=found.get("cause", ""),
    )


def latest(target: Target, limit: int) -> list[Execution]:
    """The last ``limit`` executions, newest first, without input and output."""
    pages = target.states.get_paginator("list_executions").paginate(
        stateMachineArn=target.state_machine_arn, PaginationConfig={"MaxItems": limit, "PageSize": min(limit, 100)}
    )
    return [
        Execution(x["name"], x["executionArn"], x["status"], x["startDate"], x.get("stopDate"))
        for page in pages
        for x in page["executions"]
    ]


def run_report(target: Target, name: str) -> dict[str, Any]:
    """The run report that the execution wrote; empty where it wrote none."""
    try:
        report: dict[str, Any] = json.loads(target.bucket("clean").get(report_key(name)).body)
    except ObjectMissing:
        return {}
    return report


class HistoryReader:
    """Reads an execution's events as they come: each ``new()`` asks for those since the last one only."""

    def __init__(self, client: SFNClient, arn: str) -> None:
        self._client, self._arn, self._last = client, arn, 0

    def new(self) -> list[Event]:
        """Events since the last call, ascending.

        Newest first and backwards until a known one: a page token of a running execution ends with the history as it
        was, so going forwards would read everything again at each poll.
        """
        pages = self._client.get_paginator("get_execution_history").paginate(
            executionArn=self._arn, reverseOrder=True, PaginationConfig={"PageSize": PAGE}
        )
        backwards = chain.from_iterable(cast("list[Event]", page["events"]) for page in pages)
        found = [*takewhile(lambda event: event["id"] > self._last, backwards)][::-1]
        self._last = found[-1]["id"] if found else self._last
        return found


def follow(target: Target, arn: str, show: Show = lambda _run, _ended: None) -> Execution:
    """Watch the execution until it ends; returns it as ended. ``show`` is called at each poll.

    Raises:
        Interrupted: Ctrl-C. The execution goes on.
        StillRunning: AWS could not be asked any more. The execution may go on.
    """
    name = arn.rpartition(":")[2]
    look = f"see how it goes with: marketlake history {name}"
    try:
        return _watch(target, arn, show)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped watching; execution {name} goes on", look) from None
    except (ClientError, BotoCoreError) as error:
        raise StillRunning(f"lost sight of execution {name}, which may go on: {explain(error)}", look) from error


def _watch(target: Target, arn: str, show: Show) -> Execution:
    reader, run = HistoryReader(target.states, arn), Run()
    while True:
        # The status first: once it has ended, the events read after that are all there will be.
        execution = describe(target, arn)
        show(run, run.feed(reader.new()))
        if execution.status != "RUNNING":
            return execution
        time.sleep(LOCAL_POLL_SECONDS if target.is_local else AWS_POLL_SECONDS)
