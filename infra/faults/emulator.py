"""The places in the emulator where faults are made; why there and not in a proxy before it: docs/decisions/0010.

Only requests of functions and tasks of the state machine are hit: a person's commands, made as root, are spared.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import athena, s3, stepfunctions

from infra.faults.injector import Injector, Switch
from infra.faults.kinds import DEATHS, QUERY_FAILURES, REFUSALS, S3_ERRORS, QueryFailure, S3Error
from infra.faults.rules import Rule

SIGNED_BY_A_ROLE = re.compile(r"Credential=ASIA[^/,]*/[^/]+/[^/]+/s3/aws4_request")
SURFACES = {"lambda:invoke": "lambda", "sqs:sendMessage": "sqs", "sns:publish": "sns"}
"""Surface by a part of a task's resource."""

NOT_STORED: tuple[int, dict[str, str], bytes] = (503, {}, b"")
"""MiniStack's answer to the write that a function did not live to make."""

Answer = tuple[int, dict[str, str], Any]
Invoke = Callable[[str, Any, float], Any]

_coming: ContextVar[Rule | None] = ContextVar("coming", default=None)
_run = ProvidedWorker.invoke


def install(root: Path) -> None:
    """Let the switch in ``root`` decide about the calls of this process's MiniStack; off, it costs a look at a file."""
    injector = Injector(Switch(root))
    _install_s3(injector)
    _install_athena(injector)
    _install_tasks(injector)
    _install_functions()
    _install_kills(injector)


def _install_s3(injector: Injector) -> None:
    """S3 requests of functions."""
    dispatch = app._dispatch_service_request

    async def faulty(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]], request_id: str
    ) -> Answer:
        target = request_target(method, path, query, headers)
        fault = injector.pick("s3", target) if is_of_a_function(headers) else None
        error = S3_ERRORS.get(fault.kind) if fault else None
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if error and not error.replaces:
            return s3_error(error, path, request_id)
        answer: Answer = await dispatch(method, path, headers, body, query, request_id)
        return s3_error(error, path, request_id) if error and answer[0] in error.replaces else answer

    app._dispatch_service_request = faulty


def is_of_a_function(headers: Mapping[str, str]) -> bool:
    """Whether a request is one for S3, signed by a role: its credentials are temporary."""
    return SIGNED_BY_A_ROLE.search(headers.get("authorization", "")) is not None


def request_target(method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> str:
    """What is called, the same in each run of the same work: a write on a condition names its kind."""
    asked = "&".join(f"{name}={','.join(values)}" for name, values in sorted(query.items()))
    conditions = [f" {name}" for name in ("if-match", "if-none-match") if method == "PUT" and name in headers]
    return f"{method} {path}{'?' if asked else ''}{asked}{''.join(conditions)}"


def s3_error(error: S3Error, path: str, request_id: str) -> Answer:
    """S3's own document of the error."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{error.code}</Code><Message>{error.message}</Message>'
        f"<Resource>{quote(path)}</Resource><RequestId>{request_id}</RequestId></Error>"
    )
    return error.status, {"Content-Type": "application/xml", "x-amz-request-id": request_id}, body.encode()


def _install_athena(injector: Injector) -> None:
    """Queries: those that fail, and those that wait in the queue."""
    execute = athena._execute_query

    async def faulty(query_id: str, query: str, *arguments: Any, **named: Any) -> None:
        fault = injector.pick("athena", " ".join(query.split()))
        failure = QUERY_FAILURES.get(fault.label) if fault else None
        if failure:
            athena._executions[query_id]["Status"].update(_failed(failure))
            return
        if fault:
            await asyncio.sleep(fault.seconds)
            if athena._executions[query_id]["Status"]["State"] != "QUEUED":  # stopped while it waited
                return
        await execute(query_id, query, *arguments, **named)

    athena._execute_query = faulty


def _failed(failure: QueryFailure) -> dict[str, Any]:
    """Status of a query that failed."""
    status = {"State": "FAILED", "StateChangeReason": failure.reason, "CompletionDateTime": int(time.time())}
    if failure.category is None:
        return status
    detail = {"ErrorCategory": failure.category, "ErrorType": failure.type, "ErrorMessage": failure.reason}
    return {**status, "AthenaError": {**detail, "Retryable": failure.category == 1}}


def _install_tasks(injector: Injector) -> None:
    """Tasks of the state machine: function calls, and what it sends to SQS and SNS by itself."""
    invoke: Invoke = stepfunctions._invoke_resource_with_timeout

    def faulty(resource: str, parameters: Any, timeout: float) -> Any:
        surface = next((name for part, name in SURFACES.items() if part in resource), "")
        fault = injector.pick(surface, task_target(parameters)) if surface else None
        if fault is None:
            return invoke(resource, parameters, timeout)
        if refusal := REFUSALS.get((surface, fault.kind)):
            raise stepfunctions._ExecutionError(*refusal)
        if fault.kind == "abandoned":
            # The function goes on: this is what a lost connection between the two looks like. A function that fails
            # earlier has an error of its own, and that is then the task's.
            invoke(resource, parameters, fault.seconds)
            raise stepfunctions._ExecutionError("States.Timeout", "Task timed out: its answer was lost")
        # The function called now, from this thread or one that copies its context, gets the fault.
        token = _coming.set(fault)
        try:
            return invoke(resource, parameters, timeout)
        finally:
            _coming.reset(token)

    stepfunctions._invoke_resource_with_timeout = faulty


def task_target(parameters: dict[str, Any]) -> str:
    """What is called, the same in each run of the same work: nothing of it depends on the execution's name."""
    called = parameters.get("FunctionName") or parameters.get("QueueUrl") or parameters.get("TopicArn") or ""
    payload = parameters.get("Payload") or parameters.get("MessageBody") or {}
    batch = payload.get("batch", payload) if isinstance(payload, dict) else {}
    words = [str(called).rpartition(":")[2].rpartition("/")[2], str(batch.get("dataset", ""))]
    return " ".join([*words, *map(str, batch.get("days", []))]).strip()


def _install_functions() -> None:
    """Functions that die or hang: their real processes are killed or frozen."""

    def invoke(worker: ProvidedWorker, event: Any, request_id: str, **named: Any) -> dict[str, Any]:
        fault = _coming.get()
        if fault is None:
            return dict(_run(worker, event, request_id, **named))
        # A fault of the call, not of the start: an environment that dies while it starts is another thing.
        lambda_runtime.ensure_spawned(worker)
        if fault.kind == "timeout":
            return _hung(worker, fault, event, request_id, named)
        return _dead(worker, fault, event, request_id, named)

    ProvidedWorker.invoke = invoke


def _dead(worker: Any, fault: Rule, event: Any, request_id: str, named: dict[str, Any]) -> dict[str, Any]:
    """Killed after ``fault.seconds``; if it was done by then, just before it answered."""
    death = threading.Timer(fault.seconds, worker._proc.kill)
    death.start()
    try:
        result = dict(_run(worker, event, request_id, **named))
    finally:
        death.cancel()
        worker._teardown()
    error, cause = DEATHS[fault.kind]
    payload = {"errorType": error, "errorMessage": f"RequestId: {request_id} Error: {cause}"}
    return result | {"status": "error", "error": payload["errorMessage"], "error_payload": payload}


def _hung(worker: Any, fault: Rule, event: Any, request_id: str, named: dict[str, Any]) -> dict[str, Any]:
    """Frozen until a timeout of ``fault.seconds``, shorter than its own; MiniStack then ends it as Lambda does."""
    config = worker.config
    worker.config = {**config, "Timeout": int(fault.seconds)}
    os.kill(worker._proc.pid, signal.SIGSTOP)
    try:
        return dict(_run(worker, event, request_id, **named))
    finally:
        worker.config = config


def _install_kills(injector: Injector) -> None:
    """SIGKILL at an object's write: of the function that writes, or of the emulator itself.

    It comes after the write was stored (or before, by the rule) and before its answer leaves: the writer cannot know
    that it succeeded. Writes are stored one at a time, so that the n-th is the last one stored when the kill comes.
    """
    store = s3._put_object
    one_at_a_time = threading.Lock()

    def store_and_kill(bucket: str, key: str, body: bytes, headers: dict[str, Any]) -> Any:
        if ":assumed-role/" not in iam_evaluator.caller_arn():
            return store(bucket, key, body, headers)
        with one_at_a_time:
            fault = injector.pick("write", f"{bucket}/{key}")
            answer = NOT_STORED if fault and not fault.stored else store(bucket, key, body, headers)
            if fault and fault.kind != "noted":
                os.kill(os.getpid() if fault.kind == "kill_server" else _writer(), signal.SIGKILL)
            return answer

    s3._put_object = store_and_kill


def _writer() -> int:
    """Pid of the function whose write this is. A test starts one batch at a time, so it runs once."""
    function = iam_evaluator.caller_arn().rpartition("/")[2]
    pools = [workers for key, workers in lambda_runtime._workers.items() if f":{function}:" in key]
    (pid,) = [worker._proc.pid for workers in pools for worker in workers if worker.in_use]
    return int(pid)
