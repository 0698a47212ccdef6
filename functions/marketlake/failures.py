"""Failures in words: what failed, what it means, and the one command that runs it again.

Report puts these words into the mail and into the execution's cause, the command and the console show them: nobody else
describes a failure.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from marketlake.errors import SYSTEM_ERRORS, PartFailed, TransientError
from marketlake.intervals import text_of
from marketlake.messages import Input

EVERYTHING = "--all"
"""In place of an execution's name: all that is on the queue, and all that failed with no later success."""

PLAIN_WORDS = {
    "UpstreamThrottled": "the source refused the calls because there were too many",
    "PartFailed": "the source failed for a part of a long list of symbols",
    "PassUnderWay": "another batch was still asking the source for both",
    "UpstreamUnavailable": "the source could not be reached or had nothing for the day",
    "UpstreamMalformed": "the source answered something that is not market data",
    "NotYetPublished": "the source does not have the day yet",
    "StorageUnavailable": "S3 or Athena did not answer as they should",
    "InvalidRequest": "something was asked for that does not exist; asking again does not help",
    "DataQualityError": "the data broke the rules of its contract",
    "ContractViolation": "what is deployed does not match the contract",
    "AthenaCheckFailed": "Athena finds something else than what was written",
    "PermissionDenied": "AWS refused a call: the function's policy does not allow it",
    "Drill": "somebody asked for a fire drill, and this is it; nothing is wrong",
    "UnexpectedError": "a bug in marketlake; please report it with the log",
    "States.Timeout": "a step took longer than it may",
    "Sandbox.Timedout": "a function took longer than it may",
    "Runtime.ExitError": "a function crashed",
    "Runtime.OutOfMemory": "a function ran out of memory",
    "Lambda.Unknown": "a function ended in a way that Lambda does not explain, often out of memory or time",
}

HEALS_BY_ITSELF = {*(cls.__name__ for cls in TransientError.__subclasses__()), *SYSTEM_ERRORS, PartFailed.__name__}
"""Errors that the next daily run does not meet again, if only whatever failed works again by then."""


class Failure(Struct, frozen=True):
    """Work that was not done: which days of which dataset, in which state, why, and the input that runs it again.

    ``days`` are day ranges; empty, and without ``input``, where the failure is not about days (Plan, the Map itself).
    """

    dataset: str
    days: Sequence[str]
    count: int
    state: str
    error: str
    cause: str
    input: Input | None = None

    @property
    def period(self) -> str:
        """The day ranges for people: the first three, and how many more there are."""
        return text_of(self.days)

    @property
    def place(self) -> str:
        """Where it failed: the days with their number, the state and the error."""
        days = f"{self.dataset} {self.period} ({self.count} day{'' if self.count == 1 else 's'})"
        return f"{days if self.dataset else 'the execution itself'}, in {self.state}: {self.error}"

    @property
    def text(self) -> str:
        """The failure in one line."""
        return f"{self.place}: {self.cause}"

    @property
    def meaning(self) -> str:
        """What its error means, in plain words."""
        return PLAIN_WORDS.get(self.error, "see the cause")


def without_you(failures: Sequence[Failure]) -> str:
    """What happens to the failed work if nobody does anything."""
    if all(failure.error in HEALS_BY_ITSELF for failure in failures):
        return "the next daily runs load what is missing from the last week; older days need the command below."
    return "the daily runs try the days of the last week again, but what the data or the deployment causes fails again."


def retry_command(execution: str, operator: str = "marketlake") -> str:
    """The one command after any failure, for a shell; ``operator`` is how the deployment's command is called.

    ``execution`` is the name of one that failed, timed out, was stopped, or noticed a restated history; or
    ``EVERYTHING``.
    """
    return f"{operator} retry {shlex.quote(execution)}"


def load_again(dataset: str, days: Sequence[date], *options: str) -> str:
    """The command that loads ``days`` (ascending) of ``dataset``; it leaves out those between that are complete."""
    return " ".join(["marketlake backfill", *options, f"--start {days[0]} --end {days[-1]} --dataset {dataset}"])
