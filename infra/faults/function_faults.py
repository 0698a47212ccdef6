"""Functions that die or hang: their real processes are killed or frozen."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import ProvidedWorker

from infra.faults.profile import Fault

ENDED = {"crash": "Runtime.ExitError", "out_of_memory": "Runtime.OutOfMemory"}
MESSAGE = "RequestId: {} Error: Runtime exited with error: signal: killed"
"""Error and message as Lambda reports a process that was killed."""

_coming: ContextVar[Fault | None] = ContextVar("coming", default=None)
_run = ProvidedWorker.invoke


@contextmanager
def at_the_next_call(fault: Fault) -> Iterator[None]:
    """The function called within, from this thread or one that copies its context, gets ``fault``."""
    token = _coming.set(fault)
    try:
        yield
    finally:
        _coming.reset(token)


def install() -> None:
    """Let this process's functions die or hang where they are told to."""

    def invoke(worker: ProvidedWorker, event: Any, request_id: str, **named: Any) -> dict[str, Any]:
        fault = _coming.get()
        if fault is None:
            return dict(_run(worker, event, request_id, **named))
        # A fault of the call, not of the start: an environment that dies while it starts is another thing.
        lambda_runtime.ensure_spawned(worker)
        if fault.kind == "timeout":
            return _hung(worker, fault, event, request_id, named)
        return _killed(worker, fault, event, request_id, named)

    ProvidedWorker.invoke = invoke


def _killed(worker: Any, fault: Fault, event: Any, request_id: str, named: dict[str, Any]) -> dict[str, Any]:
    """Killed after ``fault.seconds``; if it was done by then, just before it answered."""
    death = threading.Timer(fault.seconds, worker._proc.kill)
    death.start()
    try:
        result = dict(_run(worker, event, request_id, **named))
    finally:
        death.cancel()
        worker._teardown()
    payload = {"errorType": ENDED[fault.kind], "errorMessage": MESSAGE.format(request_id)}
    return result | {"status": "error", "error": payload["errorMessage"], "error_payload": payload}


def _hung(worker: Any, fault: Fault, event: Any, request_id: str, named: dict[str, Any]) -> dict[str, Any]:
    """Frozen until a timeout of ``fault.seconds``, shorter than its own; MiniStack then ends it as Lambda does."""
    config = worker.config
    worker.config = {**config, "Timeout": int(fault.seconds)}
    os.kill(worker._proc.pid, signal.SIGSTOP)
    try:
        return dict(_run(worker, event, request_id, **named))
    finally:
        worker.config = config
