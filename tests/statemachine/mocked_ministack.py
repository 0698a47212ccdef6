"""MiniStack whose mocked responses count as those of Step Functions Local do: run it as a program.

Step Functions Local keeps one counter a state and execution, which every call advances, retries and Map iterations
included (measured: https://github.com/floci-io/floci/issues/3254). MiniStack 1.5.33 looks a response up once each time
a state is entered: a Throw repeats on every retry, and a Return leaves no trace in the history. So this program starts
the server with one thing replaced, the call to the service behind a Task: the answer is taken from the file in
SFN_MOCK_CONFIG by that counter. Histories are whole, as the emulator of `marketlake up` writes them.
Whatever decides what comes next (paths, Retry, Catch, Choice, Map) is MiniStack's own.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions as engine

from infra.local.history import complete_histories

Json = dict[str, Any]


@dataclass
class Task:
    """The Task that this thread is running."""

    execution: Json
    machine: str
    state: str


TASK: ContextVar[Task] = ContextVar("TASK")
CALLS: Counter[tuple[str, str]] = Counter()
LOCK = threading.Lock()

execute_task: Callable[..., Any] = engine._execute_task
look_up: Callable[..., Json | None] = engine._get_mock_response


def execute(state_def: Json, raw_input: Any, execution: Json, ctx: Json) -> Any:
    """Runs a Task, whose name its call needs."""
    token = TASK.set(Task(execution, ctx["StateMachine"]["Name"], ctx["State"]["Name"]))
    try:
        return execute_task(state_def, raw_input, execution, ctx)
    finally:
        TASK.reset(token)


def call(_resource: str, _parameters: Json, _timeout: float) -> Any:
    """What the service answers, from the file."""
    task = TASK.get()
    with LOCK:
        number = CALLS[task.execution["executionArn"], task.state]
        CALLS[task.execution["executionArn"], task.state] += 1
    answer = look_up(task.machine, task.execution["testCase"], task.state, number)
    if answer is None:
        raise engine._ExecutionError("NoMockedResponse", f"{task.state} was called {number + 1} times")
    if "Throw" in answer:
        raise engine._ExecutionError(answer["Throw"]["Error"], answer["Throw"]["Cause"])
    return answer["Return"]


def main() -> None:
    """Serve."""
    engine._execute_task = execute
    engine._get_mock_response = lambda *_: None
    engine._invoke_resource_with_timeout = call
    complete_histories()
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
