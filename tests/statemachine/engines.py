"""Engines that run a test case of the shipped definition, and what is read from an execution afterwards."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from infra import facts
from infra.local.config import ACCOUNT_ID
from tests.statemachine.cases import BROKEN, CASES, Case
from tests.statemachine.definition import MACHINE, Json, rendered

SECONDS = 60.0
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/marketlake-state-machine"


@dataclass(frozen=True)
class Call:
    """One call to a service: the state that made it, and with what."""

    state: str
    parameters: Json


@dataclass(frozen=True)
class Run:
    """An execution that ended; ``output`` is None where it failed."""

    arn: str
    status: str
    error: str
    cause: str
    output: Any
    calls: list[Call]

    def of(self, state: str) -> list[Json]:
        """The parameters of every call of ``state``, in order."""
        return [call.parameters for call in self.calls if call.state == state]

    @property
    def counts(self) -> dict[str, int]:
        """How often each state called its service."""
        return {state: len(self.of(state)) for state in dict.fromkeys(call.state for call in self.calls)}


def machine_definition(name: str) -> str:
    """The definition of ``name``, for tests: batches one after the other, retries without long waits."""
    intervals = dict.fromkeys((name for name in facts.parameters() if name.endswith("_interval_seconds")), 1)
    document = rendered(max_concurrency=1, retry_max_delay_seconds=2, long_retry_max_delay_seconds=2, **intervals)
    if name == BROKEN:
        batch = document["States"]["ProcessBatches"]["ItemProcessor"]["States"]
        batch["BatchDone"] = {"Type": "Fail", "Error": "BatchBroken", "Cause": "for the test"}
    return json.dumps(document)


class Engine:
    """Step Functions behind a boto3 client; each case runs once, however many tests look at it.

    ``by_suffix``: whether the test case is named in the state machine's ARN, as Step Functions Local has it; the
    execution's name always starts with it. ``around`` holds whatever has to be in place while the engine works.
    ``ahead``: whether all cases are started at the first one, so that their waits pass side by side.
    """

    def __init__(
        self,
        client: Any,
        *,
        by_suffix: bool,
        ahead: bool,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._client = client
        self._by_suffix = by_suffix
        self._around = around
        self._ahead = ahead
        self._started: dict[str, str] = {}
        self._runs: dict[str, Run] = {}
        with around():
            self._arns = {name: self._deploy(name) for name in (MACHINE, BROKEN)}

    def run(self, case: Case, given: object = None) -> Run:
        """The ended execution of ``case``; ``given`` is its input, ``{}`` if None.

        Raises:
            TimeoutError: it did not end.
        """
        key = f"{case.name} {given!r}"
        if key not in self._runs:
            with self._around():
                self._runs[key] = self._ended(self._execution(case, given))
        return self._runs[key]

    def _execution(self, case: Case, given: object) -> str:
        if given is not None or not self._ahead:
            return self._start(case, {} if given is None else given)
        if not self._started:
            self._started = {each.name: self._start(each, {}) for each in CASES}
        return self._started[case.name]

    def _deploy(self, name: str) -> str:
        definition = machine_definition(name)
        try:
            created = self._client.create_state_machine(name=name, definition=definition, roleArn=ROLE)
        except self._client.exceptions.StateMachineAlreadyExists:  # a Step Functions Local that was not started afresh
            listed = self._client.list_state_machines()["stateMachines"]
            (arn,) = [machine["stateMachineArn"] for machine in listed if machine["name"] == name]
            self._client.update_state_machine(stateMachineArn=arn, definition=definition)
            return str(arn)
        return str(created["stateMachineArn"])

    def _start(self, case: Case, given: object) -> str:
        arn = self._arns[case.machine] + (f"#{case.name}" if self._by_suffix else "")
        name = f"{case.name}-{uuid.uuid4().hex[:8]}"
        started = self._client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(given))
        return str(started["executionArn"])

    def _ended(self, execution: str) -> Run:
        deadline = time.monotonic() + SECONDS
        while (ended := self._client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{execution} did not end within {SECONDS:.0f} s")
            time.sleep(0.05)
        succeeded = ended["status"] == "SUCCEEDED"
        return Run(
            arn=execution,
            status=ended["status"],
            error=ended.get("error", ""),
            cause=ended.get("cause", ""),
            output=json.loads(ended["output"]) if succeeded else None,
            calls=_calls(self.history(execution)),
        )

    def history(self, execution: str) -> list[Json]:
        """All events of an execution, in order."""
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=execution, maxResults=1000)
        return [event for page in pages for event in page["events"]]


def _calls(history: list[Json]) -> list[Call]:
    events = {event["id"]: event for event in history}

    def state_of(event: Json) -> str:
        while event["type"] != "TaskStateEntered":
            event = events[event["previousEventId"]]
        return str(event["stateEnteredEventDetails"]["name"])

    return [
        Call(state_of(event), json.loads(event["taskScheduledEventDetails"]["parameters"]))
        for event in history
        if event["type"] == "TaskScheduled"
    ]
