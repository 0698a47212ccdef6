"""The mail about a failed execution: readable on a phone, with what to do in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from marketlake.intervals import text_of
from report.commands import backfill_command
from report.notice import NOTHING_NOTICED, Notice
from report.summary import Loss

MAX_SUBJECT = 100
"""SNS refuses longer subjects, and any that are not ASCII (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""

MAX_LOSSES = 10

PLAIN_WORDS = {
    "UpstreamThrottled": "the source turned us away because it got too many requests",
    "UpstreamUnavailable": "the source could not be reached or had nothing for the day",
    "UpstreamMalformed": "the source answered something that is not market data",
    "NotYetPublished": "the source does not have the day yet",
    "StorageUnavailable": "S3 or Athena did not answer as they should",
    "InvalidRequest": "something was asked for that does not exist; asking again does not help",
    "DataQualityError": "the data broke the rules of its contract",
    "ContractViolation": "what is deployed does not match the contract",
    "AthenaCheckFailed": "Athena finds something else than what was written",
    "PermissionDenied": "AWS refused a call: the function's policy does not allow it",
    "UnexpectedError": "a bug in marketlake; please report it with the log",
    "States.Timeout": "a step took longer than it may",
    "Sandbox.Timedout": "a function took longer than it may",
    "Runtime.ExitError": "a function crashed",
    "Runtime.OutOfMemory": "a function ran out of memory",
    "Lambda.Unknown": "a function ended in a way that Lambda does not explain, often out of memory or time",
}

HEALS_BY_ITSELF = {
    "UpstreamThrottled",
    "UpstreamUnavailable",
    "UpstreamMalformed",
    "NotYetPublished",
    "StorageUnavailable",
    "States.Timeout",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "Lambda.Unknown",
}


def subject(losses: Sequence[Loss]) -> str:
    """At most 100 ASCII characters with dataset, days and error of the first loss, and how many more there are."""
    first = losses[0]
    days = text_of(first.days, most=1) if first.days else first.state
    more = f" (+{len(losses) - 1} more)" if len(losses) > 1 else ""
    return fitted(f"marketlake FAILED: {first.dataset} {days}: {first.error}", more)


def fitted(text: str, more: str = "") -> str:
    """``text`` with ``more`` at its end as a subject that SNS takes, cut before ``more``."""
    room = MAX_SUBJECT - len(more)
    plain = (" ".join(text.split())[:room] + more).encode("ascii", "replace").decode()
    # Error names come from other services too, and SNS refuses control characters as well.
    return "".join(letter if letter.isprintable() else "?" for letter in plain)


def message(losses: Sequence[Loss], done: str, execution_arn: str, notice: Notice = NOTHING_NOTICED) -> str:
    """The mail's body: what failed and why, what was loaded all the same, what happens next, what to run."""
    return "\n".join(
        [
            "WHAT FAILED",
            *(_loss(loss) for loss in losses[:MAX_LOSSES]),
            *([f"... and {len(losses) - MAX_LOSSES} more; see the run report"] if len(losses) > MAX_LOSSES else []),
            "",
            f"WHAT WAS LOADED ALL THE SAME: {done}.",
            "",
            f"WHAT HAPPENS NEXT BY ITSELF: {_next(losses)}",
            "",
            "WHAT TO RUN NOW",
            *dict.fromkeys(_command(loss) for loss in losses[:MAX_LOSSES]),
            "",
            *notice.section(),
            f"THE EXECUTION: {console_link(execution_arn)}",
        ]
    )


def _loss(loss: Loss) -> str:
    why = PLAIN_WORDS.get(loss.error, "see the cause")
    where = (
        f"{loss.dataset} {text_of(loss.days)} ({loss.count} day{'' if loss.count == 1 else 's'})"
        if loss.dataset
        else "the execution itself"
    )
    return f"- {where}, in {loss.state}: {loss.error}: {why}.\n  {loss.cause}"


def _next(losses: Sequence[Loss]) -> str:
    if all(loss.error in HEALS_BY_ITSELF for loss in losses):
        return "the next daily runs look back a week and load what is missing there; older days need the command below."
    return (
        "days of the last week are tried again every day; what the data or the deployment is to blame for fails again."
    )


def _command(loss: Loss) -> str:
    if not loss.input:
        return "marketlake run"
    again = loss.input
    symbols, force = again.get("symbols", ()), bool(again.get("force"))
    return backfill_command(again["start"], again["end"], loss.dataset, symbols, force=force)


def console_link(execution_arn: str) -> str:
    """The execution's page in the console; the ARN's own region and partition name the host."""
    _, partition, _, region, *_ = execution_arn.split(":")
    host = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}.get(
        partition, "console.aws.amazon.com"
    )
    return (
        f"https://{region}.{host}/states/home?region={region}#/v2/executions/details/{quote(execution_arn, safe=':')}"
    )


def failure_cause(losses: Sequence[Loss], done: str, notice: Notice = NOTHING_NOTICED) -> str:
    """The execution's own cause: JSON of the losses (shortened list), what was done, and what was noticed."""
    told = [
        {
            "dataset": x.dataset,
            "days": x.days[:3],
            "count": x.count,
            "state": x.state,
            "error": x.error,
            "cause": x.cause,
        }
        for x in losses[:MAX_LOSSES]
    ]
    # Escapes would make twelve characters of one, and a Fail state takes 32,768.
    more = max(0, len(losses) - MAX_LOSSES)
    return json.dumps({"losses": told, "more": more, "done": done, **notice.document()}, ensure_ascii=False)
