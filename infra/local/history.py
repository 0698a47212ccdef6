"""Whole histories from MiniStack: each state that is entered and left, each iteration of a Map, chained as on AWS.

MiniStack 1.5.33 writes no event for an iteration of a Map or for a state inside one, no ``TaskStarted``, no
``parameters`` of a task and no ``previousEventId``. All of them are added here, so that one reader understands the
histories of every engine (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions

Json = dict[str, Any]

STATES_INSIDE = ("Pass", "Task", "Choice", "Wait", "Map")
"""Types of the states inside a Map whose events are added; Succeed, Fail and Parallel are not used there."""


@dataclass
class Branch:
    """Where one thing happens after the other: the top level of an execution, or one iteration of a Map."""

    execution: Json
    last: Json


_branch: ContextVar[Branch] = ContextVar("branch")
"""MiniStack runs each iteration in a copy of the context of its Map."""

_ids = threading.Lock()
"""An event's id is the number of events before it, which iterations side by side must not count at the same time."""


def complete_histories() -> None:
    """Make this process's MiniStack write whole histories; what replaces its calls of services comes before this."""
    stepfunctions._run_execution = _with_branch(stepfunctions._run_execution)
    stepfunctions._add_event = _chained(stepfunctions._add_event)
    stepfunctions._invoke_resource_with_timeout = _started(stepfunctions._invoke_resource_with_timeout)
    stepfunctions._run_map_items = _map(stepfunctions._run_map_items)
    stepfunctions._run_sub_machine = _iteration(stepfunctions._run_sub_machine)
    for kind in STATES_INSIDE:
        name = f"_execute_{kind.lower()}"
        setattr(stepfunctions, name, _state_inside(kind, getattr(stepfunctions, name)))


def _with_branch(run_execution: Callable[[str], None]) -> Callable[[str], None]:
    def run(arn: str) -> None:
        # The first state follows no event, on AWS too.
        _branch.set(Branch(stepfunctions._executions[arn], {"id": 0}))
        run_execution(arn)

    return run


def _chained(add_event: Callable[..., Json]) -> Callable[..., Json]:
    def add(execution: Json, kind: str, details: Json | None = None) -> Json:
        kind, details = _as_on_aws(kind, details or {})
        branch = _branch.get(Branch(execution, {"id": 0}))
        with _ids:
            branch.last = add_event(execution, kind, {"previousEventId": branch.last["id"], **details})
        return branch.last

    return add


def _as_on_aws(kind: str, details: Json) -> tuple[str, Json]:
    """Service and action of a task's resource apart, and a timeout as an event of its own."""
    if not kind.startswith("Task") or kind.startswith("TaskState"):
        return kind, details
    (about,) = details.values()
    *_, service, action = about["resource"].split(":")
    kind = "TaskTimedOut" if about.get("error") == "States.Timeout" else kind
    return kind, {_details(kind): about | {"resourceType": service, "resource": action}}


def _started(invoke: Callable[..., Any]) -> Callable[..., Any]:
    def invoke_started(resource: str, parameters: Any, timeout: float) -> Any:
        branch = _branch.get()
        scheduled = branch.last["taskScheduledEventDetails"]
        scheduled |= {"parameters": json.dumps(parameters), "timeoutInSeconds": timeout}
        stepfunctions._add_event(branch.execution, "TaskStarted", {"taskStartedEventDetails": {"resource": resource}})
        return invoke(resource, parameters, timeout)

    return invoke_started


def _map(run_items: Callable[..., Any]) -> Callable[..., Any]:
    def run(state: Json, given: Any, execution: Json, ctx: Json) -> Any:
        reached = stepfunctions._apply_input_path(state, given, ctx)
        items = stepfunctions._resolve_path_or_ctx(state.get("ItemsPath", "$"), reached, ctx)
        _add("MapStateStarted", length=len(items))
        try:
            found = run_items(state, given, execution, ctx)
        except stepfunctions._ExecutionError:
            _add("MapStateFailed")
            raise
        _add("MapStateSucceeded")
        return found

    return run


def _iteration(run_states: Callable[..., Any]) -> Callable[..., Any]:
    def run(states: Json, start: str, given: Any, execution: Json, ctx: Json) -> Any:
        outer, iteration = _branch.get(), {"name": ctx["State"]["Name"], "index": ctx["Map"]["Item"]["Index"]}
        _branch.set(Branch(execution, outer.last))
        _add("MapIterationStarted", **iteration)
        try:
            found = run_states(states, start, given, execution, ctx)
        except stepfunctions._ExecutionError:
            outer.last = _add("MapIterationFailed", **iteration)
            raise
        outer.last = _add("MapIterationSucceeded", **iteration)
        return found

    return run


def _state_inside(kind: str, execute: Callable[..., Any]) -> Callable[..., Any]:
    """``execute``, with events where the state is inside a Map: MiniStack adds them at the top level itself."""

    def execute_in_sight(state: Json, given: Any, *rest: Any) -> Any:
        ctx = rest[-1]
        if "Map" not in ctx:
            return execute(state, given, *rest)
        name = ctx["State"]["Name"]
        _add(f"{kind}StateEntered", name=name, input=json.dumps(given))
        output, following = execute(state, given, *rest)
        _add(f"{kind}StateExited", name=name, output=json.dumps(output))
        return output, following

    return execute_in_sight


def _add(kind: str, **details: Any) -> Json:
    added: Json = stepfunctions._add_event(_branch.get().execution, kind, {_details(kind): details} if details else {})
    return added


def _details(kind: str) -> str:
    """Name of the field with what an event of this type is about."""
    for suffix in ("StateEntered", "StateExited"):
        if kind.endswith(suffix):
            return f"s{suffix[1:]}EventDetails"
    return f"{kind[0].lower()}{kind[1:]}EventDetails"
