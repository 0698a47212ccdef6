"""The errors of the pipeline, as classes, and how Step Functions retries each of them.

Step Functions matches ``ErrorEquals`` on the class *name*. A transient error is retried by the policy of its class, a
terminal one is not: see ``docs/operations.md``. ``statemachine/retry.json`` is written from here
(``python -m infra.facts``), for Terraform and the emulator to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

MAX_MESSAGE_BYTES = 400
"""Upper bound of a message: a failed batch's cause travels through the state machine, whose payload is 256 KB at most
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which waits, Step Functions calls again; all fields name ``statemachine/parameters.json``.

    The first wait lasts ``interval_seconds``, each later one ``backoff_rate`` times the one before, at most
    ``max_delay_seconds``. ``FULL`` jitter draws each wait at random between nothing and that, ``NONE`` waits all of it:
    https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_stepfunctions/JitterType.html
    """

    interval_seconds: str
    max_attempts: str = "max_attempts"
    backoff_rate: str = "retry_backoff_rate"
    max_delay_seconds: str = "retry_max_delay_seconds"
    jitter: Literal["FULL", "NONE"] = "FULL"


class MarketlakeError(Exception):
    """Base of all errors that the pipeline raises itself; ``str(error)`` has at most ``MAX_MESSAGE_BYTES``."""

    def __init__(self, message: str) -> None:
        super().__init__(shorten(message))


class TransientError(MarketlakeError):
    """Worth another try: the same call may succeed a little later. A class may have a ``retry`` of its own."""

    retry: ClassVar[RetryPolicy] = RetryPolicy("retry_interval_seconds")


class TerminalError(MarketlakeError):
    """Not worth another try: the same input gives the same failure until somebody changes something."""


class UpstreamThrottled(TransientError):
    """The source answered 429.

    Yahoo counts calls by the hour (https://github.com/ranaroussi/yfinance/issues/2128), so waits of seconds are wasted.
    Without jitter: it spreads many callers, and here are a few batches.
    """

    retry = RetryPolicy("throttled_interval_seconds", max_delay_seconds="long_retry_max_delay_seconds", jitter="NONE")


class UpstreamUnavailable(TransientError):
    """The source answered 5xx, did not answer in time, or could not be reached."""


class UpstreamMalformed(TransientError):
    """The source answered something that is not what its API promises (HTML, truncated or empty documents)."""


class NotYetPublished(TransientError):
    """The source is up, but a day that is due is not there yet.

    Without jitter, whose draw may be three seconds: a publication is late by minutes.
    """

    retry = RetryPolicy(
        "publication_interval_seconds",
        backoff_rate="publication_backoff_rate",
        max_delay_seconds="long_retry_max_delay_seconds",
        jitter="NONE",
    )


class PassUnderWay(TransientError):
    """Another batch of the execution asks the source for both: its answer is waited for.

    It may take as long as a function may run, five minutes; each try counts as an error of Lambda's, so they are few.
    """

    retry = RetryPolicy("pass_interval_seconds", "pass_max_attempts", jitter="NONE")


class StorageUnavailable(TransientError):
    """S3, Athena or Glue answered 5xx or throttled, after the SDK's own retries."""


class InvalidRequest(TerminalError):
    """The execution's input is not one that Plan accepts; nothing was written."""


class DataQualityError(TerminalError):
    """Data broke the contract's rules beyond the bounds within which single rows are quarantined."""


class ContractViolation(TerminalError):
    """What is stored, catalogued or deployed is not what the dataset's contract says."""


class AthenaCheckFailed(TerminalError):
    """Athena finds something else in the partitions than what was written to them."""


class PartFailed(TerminalError):
    """A part of the pass over a long list failed after its own retries: no batch of the window can be complete.

    The message names the class of what failed. Trying the batch again would not ask the source; another execution does.
    """


class PermissionDenied(TerminalError):
    """AWS refused a call; the function's policy in ``infra/terraform/policies`` does not allow it."""


class Drill(TerminalError):
    """Raised because the execution's input asked for it (``drill``): what follows a failure is rehearsed."""


class UnexpectedError(TerminalError):
    """Anything else: a bug of ours, with the class and message of the error behind it."""


def shorten(text: str, limit: int = MAX_MESSAGE_BYTES) -> str:
    """``text`` with white space folded, cut to ``limit`` bytes with an ellipsis where it was longer.

    Bytes as they travel: Lambda makes JSON of a message, and Step Functions a string in JSON of that. A letter has one,
    a quotation mark four.
    """
    folded = " ".join(text.split())
    if _travelling_bytes(folded) <= limit:
        return folded
    cut = folded[:limit]
    while cut and _travelling_bytes(cut + "…") > limit:
        cut = cut[:-1]
    return cut + "…"


def _travelling_bytes(text: str) -> int:
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    return len(json.dumps(inner, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace"))


SYSTEM_ERRORS = ("States.Timeout", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory", "Lambda.Unknown")
"""Errors of Lambda's sandbox and of Step Functions itself that are worth another try, as a ``TransientError`` is."""

SERVICE_FAULTS = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""Faults of the Lambda service, in which no function ran, and the throttling of invocations.
https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception"""

SERVICE_RETRY = RetryPolicy("service_retry_interval_seconds", "service_max_attempts")


def retried_errors() -> dict[RetryPolicy, list[str]]:
    """The names of all errors after which a function is called again, by policy; each policy counts for itself."""
    retried: dict[RetryPolicy, list[str]] = {}
    for cls in TransientError.__subclasses__():
        retried.setdefault(cls.retry, []).append(cls.__name__)
    retried.setdefault(TransientError.retry, []).extend(SYSTEM_ERRORS)
    retried.setdefault(SERVICE_RETRY, []).extend(SERVICE_FAULTS)
    return retried


def readable_cause(caught: Mapping[str, Any]) -> str:
    """The message within a caught error; Lambda's cause is a JSON document, others are text or missing."""
    cause = caught.get("Cause") or "no cause was given"
    try:
        document = json.loads(cause)
    except (ValueError, RecursionError):
        return shorten(cause)
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return shorten(str(message or cause))


class S3Refused(Exception):
    """S3 answered, and not with success: its error code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code, self.message, self.status = code, message, status


class S3Unreachable(Exception):
    """No answer of S3 came, after all tries."""
