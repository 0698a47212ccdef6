"""Logs, metrics and traces of a task, and the frame in which every handler runs.

Logs are JSON lines of Powertools with the execution's name as correlation id, metrics are EMF in the same lines, and
traces go to X-Ray where a daemon is there to take them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.shared.functions import strtobool
from aws_lambda_powertools.utilities.typing import LambdaContext
from msgspec import to_builtins

from marketlake.errors import MarketlakeError, UnexpectedError
from marketlake.messages import read_message

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

NAMESPACE = "marketlake"

Event = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Event]
Given = TypeVar("Given")
Answer = TypeVar("Answer")


@cache
def logger(service: str = NAMESPACE) -> Logger:
    """The structured logger of this process."""
    return Logger(service=service)


@cache
def _tracer(service: str) -> Tracer:
    from aws_lambda_powertools import Tracer

    return Tracer(service=service)


def count(name: str, value: float, dataset: str) -> None:
    """Emit the metric ``name`` (unit: count) as one EMF document, which names ``dataset`` for who reads the log.

    Its one dimension, ``service``, is the stack's prefix (POWERTOOLS_SERVICE_NAME). AWS bills each combination of a
    name and dimensions as a metric of its own, so only what an alarm or the CloudWatch dashboard reads is counted, over
    all datasets (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension).
    """
    with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE) as metric:
        metric.add_metadata(key="dataset", value=dataset)


def task(service: str, given: type[Given]) -> Callable[[Callable[[Given], Answer]], Handler]:
    """Make a Lambda handler of ``function(event) -> answer``, both of types in ``messages``; ``given`` is the event's.

    The event's ``task`` names execution, state, batch index and retry count; they go with every log line. Whatever is
    raised leaves as one of our classes with a short message and a short trace, since the state machine carries the
    cause on; the whole trace is in the log. An event that is not a ``given`` is a ``ContractViolation``.
    """

    def decorate(function: Callable[[Given], Answer]) -> Handler:
        @wraps(function)
        def handler(event: Event, context: LambdaContext) -> Event:
            log = logger(service)
            about = event.get("task")
            about = about if isinstance(about, dict) else {}
            log.set_correlation_id(str(about.get("execution", "")))
            log.append_keys(**{key: about.get(key) for key in ("state", "batch", "retry")})
            log.append_keys(function_request_id=getattr(context, "aws_request_id", ""))
            try:
                answer: Event = to_builtins(_traced(service, function)(read_message(event, given, "the event")))
                return answer
            except MarketlakeError as error:
                log.exception("task failed", extra={"error": type(error).__name__})
                failure = error
            except Exception as error:
                log.exception("task failed unexpectedly", extra={"error": type(error).__name__})
                failure = UnexpectedError(f"{type(error).__name__}: {error}; the log has the trace; please report it")
            raise failure.with_traceback(None) from None

        return handler

    return decorate


def _traced(service: str, function: Callable[[Given], Answer]) -> Callable[[Given], Answer]:
    """``function`` in a segment of its own, unless tracing is off or Lambda decided against it for this invocation
    (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader): the tracing
    package brings botocore with it, half a second of CPU, so it is not imported where nothing is traced."""
    disabled = strtobool(os.environ.get("POWERTOOLS_TRACE_DISABLED", "false"))
    if disabled or "Sampled=0" in os.environ.get("_X_AMZN_TRACE_ID", ""):
        return function
    capture = _tracer(service).capture_method(capture_response=False)
    traced: Callable[[Given], Answer] = capture(function)
    return traced
