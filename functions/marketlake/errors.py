"""The errors of the pipeline, as classes.

Step Functions matches ``ErrorEquals`` on the class *name*, so the name is the contract between the functions and
``statemachine/pipeline.asl.json``; a test holds the two against each other. A transient error is retried, a terminal
one is not: see ``docs/operations.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_MESSAGE_CHARACTERS = 400
"""Upper bound of a message: a failed batch's cause travels through the state machine, whose payload is 256 KB at most
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)."""


class MarketlakeError(Exception):
    """Base of all errors raised on purpose; ``str(error)`` is at most ``MAX_MESSAGE_CHARACTERS`` long."""

    def __init__(self, message: str) -> None:
        super().__init__(shorten(message))


class TransientError(MarketlakeError):
    """Worth another try: the same call may succeed a little later."""


class TerminalError(MarketlakeError):
    """Not worth another try: the same input gives the same failure until somebody changes something."""


class UpstreamThrottled(TransientError):
    """The source answered 429."""


class UpstreamUnavailable(TransientError):
    """The source answered 5xx, did not answer in time, or could not be reached."""


class UpstreamMalformed(TransientError):
    """The source answered something that is not what its API promises (HTML, truncated or empty documents)."""


class NotYetPublished(TransientError):
    """The source is up, but a day that is due is not there yet."""


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


class PermissionDenied(TerminalError):
    """AWS refused a call; the function's policy in ``infra/terraform/policies`` does not allow it."""


class UnexpectedError(TerminalError):
    """Anything else: a bug of ours, told with the class and message of the error behind it."""


def shorten(text: str, limit: int = MAX_MESSAGE_CHARACTERS) -> str:
    """``text`` with white space folded, cut to ``limit`` characters with an ellipsis where it was longer."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def transient_names() -> list[str]:
    """Class names of all transient errors, in order of definition."""
    return [cls.__name__ for cls in TransientError.__subclasses__()]


def terminal_names() -> list[str]:
    """Class names of all terminal errors, in order of definition."""
    return [cls.__name__ for cls in TerminalError.__subclasses__()]


def readable_cause(caught: Mapping[str, Any]) -> str:
    """The message within a caught error; Lambda's cause is a JSON document, others are text or missing."""
    cause = caught.get("Cause") or "no cause was given"
    try:
        document = json.loads(cause)
    except (ValueError, RecursionError):
        return shorten(cause)
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return shorten(str(message or cause))
