"""The definition as deployed, run by MiniStack's interpreter in this process, with the functions' own handlers."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.services import stepfunctions as ministack

from infra import facts
from tests.timelapse.objects import Killed, MemoryS3
from tests.unit.lake import Context

Json = dict[str, Any]

PREFIX, ACCOUNT, REGION = "marketlake", "123456789012", "eu-west-2"
RETENTION = timedelta(days=14)
"""How long SQS keeps a message (``queue.tf``)."""

KEPT = timedelta(days=90)
"""How long Step Functions keeps an ended execution
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""

DEFECTS = ("UnexpectedError", "ContractViolation", "PermissionDenied", "InvalidRequest", "UpstreamMalformed")
"""Errors that nothing in the script causes."""


@dataclass
class Call:
    """One call of a function: in which execution, state and batch, with what, and its answer or error."""

    execution: str
    state: str
    batch: int
    event: Json
    answer: Json | None = None


@dataclass
class Machine:
    """The state machine, its queue and its mailbox. ``s3.now`` is its clock.

    ``called`` is given each call that was answered; ``before_call`` runs before each, and may start another execution
    while this one waits.
    """

    s3: MemoryS3
    definition: str
    called: Callable[[Call], None]
    before_call: Callable[[Call], None] = lambda _: None
    queue: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    mails: list[Json] = field(default_factory=list)
    executions: dict[str, Json] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    defects: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """ARN of the state machine."""
        name = facts.names(PREFIX, ACCOUNT, REGION)["state_machine"]
        return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"

    def execution_arn(self, name: str) -> str:
        """ARN of the execution ``name``."""
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"

    def run(self, name: str, request: Json) -> Json:
        """The ended execution ``name`` of ``request``."""
        arn = self.execution_arn(name)
        if arn in self.executions:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}, "StartExecution")
        ended: Json = {
            "executionArn": arn,
            "stateMachineArn": self.arn,
            "name": name,
            "status": "RUNNING",
            "startDate": self.now_iso(),
            "input": json.dumps(request),
            "testCase": "",
            "events": [],
        }
        self.executions[arn] = ministack._executions[arn] = ended
        ministack._state_machines[self.arn] = {"name": PREFIX, "definition": self.definition, "roleArn": "role"}
        ministack._run_execution(arn)
        del ministack._executions[arn]
        ended["events"] = []
        oldest = f"{self.s3.now - KEPT:%Y-%m-%d}"
        self.executions = {arn: one for arn, one in self.executions.items() if one["startDate"] >= oldest}
        return ended

    def now_iso(self) -> str:
        """The clock, as Step Functions writes a time."""
        return f"{self.s3.now:%Y-%m-%dT%H:%M:%S.000Z}"

    def expire_messages(self) -> int:
        """Remove messages that are too old; returns how many."""
        old = [name for name, (sent, _) in self.queue.items() if sent + RETENTION < self.s3.now]
        for name in old:
            del self.queue[name]
        return len(old)

    def invoke(self, resource: str, parameters: Json, _timeout: float = 0) -> Any:
        """What a Task's service answers."""
        if resource.endswith("lambda:invoke"):
            return {"Payload": self._call(parameters["FunctionName"].rpartition(":")[2], parameters["Payload"])}
        if resource.endswith("sqs:sendMessage"):
            self.messages += 1
            self.queue[f"message-{self.messages}"] = (self.s3.now, json.dumps(parameters["MessageBody"]))
            return {"MessageId": f"message-{self.messages}"}
        assert resource.endswith("sns:publish"), resource
        self.mails.append(parameters)
        return {"MessageId": "mail"}

    def _call(self, function: str, event: Json) -> Json:
        about = event["task"]
        call = Call(about["execution"], about["state"], about.get("batch", -1), event)
        self.before_call(call)
        handler = handler_of(function)
        try:
            call.answer = json.loads(json.dumps(handler(json.loads(json.dumps(event)), Context())))
        except Killed as error:
            self.s3.alive = True
            self.failures["Runtime.ExitError"] += 1
            raise ministack._ExecutionError("Runtime.ExitError", '{"errorMessage": "exited"}') from error
        except Exception as error:
            kind = type(error).__name__
            self.failures[kind] += 1
            # A defect of the functions, or of the time-lapse: no retry is to hide it.
            self.defects += [f"{call.execution}, {call.state}: {error}"] if kind in DEFECTS else []
            cause = json.dumps({"errorMessage": str(error), "errorType": kind, "stackTrace": []})
            raise ministack._ExecutionError(kind, cause) from error
        self.called(call)
        assert call.answer is not None
        return call.answer


class Inline:
    """A pool without threads: what is submitted is done at once, so that a seed means one order of requests."""

    def __init__(self, **_: int) -> None:
        self.stopped = False

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Any, *arguments: Any) -> Any:
        """A result, or an error, to be asked for later."""
        if self.stopped:
            return SimpleNamespace(result=lambda: None)
        try:
            value = function(*arguments)
        except BaseException as error:
            self.stopped = True
            return SimpleNamespace(result=lambda error=error: _raise(error))
        return SimpleNamespace(result=lambda: value)

    def shutdown(self, **_: object) -> None:
        """Nothing is left to do."""


def _raise(error: BaseException) -> None:
    raise error


def handler_of(function: str) -> Any:
    """The handler of a deployed function."""
    module = function.removeprefix(f"{PREFIX}-").replace("-", "_")
    return importlib.import_module(f"{module}.handler").handler


def rendered_definition() -> str:
    """The definition as deployed, its batches one after the other, so that a seed means one order of events."""
    values = facts.template_values(PREFIX, ACCOUNT, REGION, max_concurrency=1)
    return facts.definition(values | {"dlq_url": "https://sqs.invalid/dlq"})


@contextmanager
def interpreter_of(machine: Machine) -> Iterator[None]:
    """MiniStack's interpreter with ``machine`` as every service, its clock, and no waits."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ministack, "_invoke_resource_with_timeout", machine.invoke)
        patched.setattr(ministack, "_invoke_resource", machine.invoke)
        patched.setattr(ministack, "_emit_execution_status_event", lambda _: None)
        patched.setattr(ministack, "_add_event", lambda *_: {})
        patched.setattr(ministack, "now_iso", machine.now_iso)
        patched.setattr(ministack, "time", SimpleNamespace(sleep=lambda _: None))
        patched.setattr(ministack, "ThreadPoolExecutor", Inline)
        patched.setattr(ministack, "futures_wait", lambda _: None)
        patched.setattr(ministack, "_SFN_WAIT_SCALE", 0)
        yield
