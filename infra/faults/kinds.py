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


class QueryFailure(NamedTuple):
    """Reason of a query's failure, with the category and the type that Athena gives it, if it gives any."""

    reason: str
    category: int | None = None
    type: int | None = None


_INTERNAL = "We encountered an internal error. Please try again."
_KILLED = "Runtime exited with error: signal: killed"

S3_ERRORS = {
    "internal_error": S3Error(500, "InternalError", _INTERNAL),
    "slow_down": S3Error(503, "SlowDown", "Please reduce your request rate."),
    "lost_answer": S3Error(500, "InternalError", _INTERNAL, replaces=range(600)),
    "conflict": S3Error(409, "ConditionalRequestConflict", "A conflicting conditional operation is in progress."),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

ONLY_AT: Mapping[str, str] = {"conflict": r"^PUT .* if-(none-)?match$"}
"""Kinds that only some calls of their surface can have: what finds these, as a rule's ``match`` does."""

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

QUERY_FAILURES = {
    "failed, category 1": QueryFailure("GENERIC_INTERNAL_ERROR: injected", 1, 100),
    "failed, category 2": QueryFailure("Access Denied (Service: Amazon S3; Status Code: 403): injected", 2, 1501),
    "replaced": QueryFailure("HIVE_FILESYSTEM_ERROR: Incorrect fileSize 1234567 for file: injected"),
}
"""Why a query failed, by a rule's label. Category 1 is Athena's own error, 2 the caller's
(https://docs.aws.amazon.com/athena/latest/ug/error-reference.html). Which ones a replaced file has is not documented
(https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html#troubleshooting-athena-hive_filesystem_error-incorrect-file-size)."""

TRANSPORT = ("status", "html", "truncated", "empty", "hang", "reset")
"""Faults of the simulated sources that replace or damage a whole response."""

DATA = ("nan_bar", "duplicate_day", "scale100", "stale", "shuffle")
"""Faults of the simulated sources that change what a well-formed document says, charts and rates alike."""

CHARTS = (
    *("no_currency", "pence_for_pounds", "in_euro", "renamed"),
    *("scale001", "spike", "null_close", "evening_candle", "fractional_volume", "infinity"),
    *("second_bar", "live_bar", "live_bar_off", "split_zero", "adj_noise", "adj_hundredth"),
    *("dividend_pounds", "dividend_scale100", "dividend_dollars", "dividend_unnamed"),
    *("dead", "consent"),
)
"""Faults that only charts can have: of all that a symbol's answer says; of single bars; of bars together; of dividends
alone, adjusted closes stay right; answers without a chart, since the symbol is unknown or a page is to be agreed to."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "upstream": TRANSPORT + DATA + CHARTS,
    "s3": (*S3_ERRORS, "slow"),
    "lambda": (*DEATHS, "timeout", "throttle", "abandoned"),
    "athena": ("failed", "replaced", "queued"),
    "sqs": ("refused",),
    "sns": ("refused",),
    "write": ("kill_function", "kill_server", "noted"),
}
"""Kinds by surface; docs/chaos.md has a row for each. ``write`` is a function's write of an object."""
