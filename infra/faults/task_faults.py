"""Tasks of the state machine that fail: function calls, and what it sends to SQS and SNS by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from infra.faults import function_faults
from infra.faults.injector import Injector
from infra.faults.profile import Fault

SURFACES = {"lambda:invoke": "lambda", "sqs:sendMessage": "sqs", "sns:publish": "sns"}
REFUSED = {
    "throttle": (
        "Lambda.TooManyRequestsException",
        "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: injected)",
    ),
    "sqs": (
        "SQS.AmazonSQSException",
        "injected (Service: AmazonSQS; Status Code: 503)",
    ),
    "sns": (
        "SNS.AmazonSNSException",
        "injected (Service: AmazonSNS; Status Code: 503)",
    ),
}
"""Error and cause as Step Functions reports them: the integration's name before the exception's."""

Invoke = Callable[[str, Any, float], Any]


def install(injector: Injector) -> None:
    """Let ``injector`` decide about each task of this process's MiniStack."""
    invoke: Invoke = stepfunctions._invoke_resource_with_timeout

    def faulty(resource: str, parameters: Any, timeout: float) -> Any:
        surface = next((name for part, name in SURFACES.items() if part in resource), "")
        fault = injector.pick(surface, target_of(parameters)) if surface else None
        if fault is None:
            return invoke(resource, parameters, timeout)
        refusal = REFUSED.get(fault.kind if surface == "lambda" else surface)
        if refusal:
            raise stepfunctions._ExecutionError(*refusal)
        if fault.kind == "abandoned":
            return _abandoned(invoke, resource, parameters, fault)
        with function_faults.at_the_next_call(fault):
            return invoke(resource, parameters, timeout)

    stepfunctions._invoke_resource_with_timeout = faulty


def _abandoned(invoke: Invoke, resource: str, parameters: Any, fault: Fault) -> Any:
    """The state times out, and its function goes on: what a lost connection between the two looks like.

    A function that fails earlier has an error of its own, and that is then the task's.
    """
    invoke(resource, parameters, fault.seconds)
    raise stepfunctions._ExecutionError("States.Timeout", "Task timed out: its answer was lost")


def target_of(parameters: dict[str, Any]) -> str:
    """What is called, the same in each run of the same work: nothing of it depends on the execution's name."""
    called = parameters.get("FunctionName") or parameters.get("QueueUrl") or parameters.get("TopicArn") or ""
    payload = parameters.get("Payload") or parameters.get("MessageBody") or {}
    batch = payload.get("batch", payload) if isinstance(payload, dict) else {}
    words = [str(called).rpartition(":")[2].rpartition("/")[2], str(batch.get("dataset", ""))]
    return " ".join([*words, *map(str, batch.get("days", []))]).strip()
