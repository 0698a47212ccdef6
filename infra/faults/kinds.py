"""The kinds of fault, by the surface at which they are made, and the errors that AWS answers with.

To add an error of S3 or Lambda, or a refusal, add an entry to its table here: profiles and the injector accept it then.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple


class S3Error(NamedTuple):
    """An error of S3, in place of a real answer whose status is in ``replaces``.

    Where that is empty, the request is not carried out at all.
    """

    status: int
    code: str
    message: str
    replaces: Container[int] = ()


class Reason(NamedTuple):
    """Error and cause of a task, as Step Functions reports them."""

    error: str
    cause: str


_INTERNAL = "We encountered an internal error. Please try again."
_KILLED = "Runtime exited with error: signal: killed"

S3_ERRORS = {
    "internal_error": S3Error(500, "InternalError", _INTERNAL),
    "slow_down": S3Error(503, "SlowDown", "Please reduce your request rate."),
    "lost_answer": S3Error(500, "InternalError", _INTERNAL, replaces=range(600)),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

DEATHS = {
    "crash": Reason("Runtime.ExitError", _KILLED),
    "out_of_memory": Reason("Runtime.OutOfMemory", _KILLED),
}
"""What Lambda reports of a process that was killed, which happens within a rule's ``seconds``."""

REFUSALS = {
    ("lambda", "throttle"): Reason(
        "Lambda.TooManyRequestsException",
        "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: injected)",
    ),
    ("sqs", "refused"): Reason("SQS.AmazonSQSException", "injected (Service: AmazonSQS; Status Code: 503)"),
    ("sns", "refused"): Reason("SNS.AmazonSNSException", "injected (Service: AmazonSNS; Status Code: 503)"),
}
"""Tasks that a service refuses, by surface and kind: the integration's name comes before the exception's."""

ATHENA_REASONS = {1: "GENERIC_INTERNAL_ERROR: injected", 2: "HIVE_CANNOT_OPEN_SPLIT: injected"}
"""Why a query failed, by ``category``: 1 is Athena's own error, 2 the caller's.
https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html"""

TRANSPORT = ("status", "html", "truncated", "empty", "hang", "reset")
"""Faults of the simulated sources that replace or damage a whole response."""

DATA = ("nan_bar", "no_currency", "duplicate_day", "pence_for_pounds", "scale100", "stale", "shuffle")
"""Faults of the simulated sources that change what a well-formed document says."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "upstream": TRANSPORT + DATA,
    "s3": (*S3_ERRORS, "slow"),
    "lambda": (*DEATHS, "timeout", "throttle", "abandoned"),
    "athena": ("failed", "queued"),
    "sqs": ("refused",),
    "sns": ("refused",),
    "write": ("kill_function", "kill_server", "noted"),
}
"""Kinds by surface; docs/chaos.md has a row for each. ``write`` is a function's write of an object."""
