"""The one mail of an execution that failed or noticed something: readable on a phone, with what to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketlake.console import console_link
from marketlake.failures import Failure, without_you
from marketlake.intervals import text_of
from marketlake.restatements import Restatement
from report.audit import Gap

MAX_SUBJECT = 100
"""SNS refuses longer subjects, and any that are not ASCII (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""

MAX_LISTED = 10
"""Most failures and most restated histories that are described one by one; the run report has them all."""


def subject(
    failures: Sequence[Failure],
    restated: Sequence[Restatement],
    gaps: Sequence[Gap] = (),
    news: Sequence[str] = (),
) -> str:
    """At most 100 ASCII characters: the first failure, else gap, restatement that mails, or line, and how many more."""
    if failures:
        first = failures[0]
        days = text_of(first.days, most=1) if first.days else first.state
        return _fitted(f"marketlake FAILED: {first.dataset} {days}: {first.error}", len(failures) - 1)
    if gaps:
        return _fitted(f"marketlake: {gaps[0].dataset}: the history lacks days", len(gaps) + len(restated) - 1)
    one = next((found for found in restated if found.mails), None)
    if one is None:
        return _fitted(f"marketlake: {news[0]}", len(news) - 1)
    text = f"marketlake: {one.dataset} {one.symbol}: a {one.event} restated its history"
    return _fitted(text, len(restated) - 1)


def _fitted(text: str, more: int) -> str:
    """``text`` as a subject that SNS takes, cut before the number of others."""
    others = f" (+{more} more)" if more else ""
    plain = (" ".join(text.split())[: MAX_SUBJECT - len(others)] + others).encode("ascii", "replace").decode()
    # Error names come from other services too, and SNS refuses control characters as well.
    return "".join(letter if letter.isprintable() else "?" for letter in plain)


def message(
    failures: Sequence[Failure],
    restated: Sequence[Restatement],
    done: str,
    command: str,
    execution_arn: str,
    gaps: Sequence[Gap] = (),
    news: Sequence[str] = (),
) -> str:
    """The mail's body: what failed or was noticed and why, what was loaded, what happens without you, what to run."""
    return "\n".join(
        [
            *(_failed(failures) if failures else []),
            *(_restated(restated) if restated else []),
            *(["WHAT IS WRONG IN THE HISTORY", *(f"- {gap.text}" for gap in gaps[:MAX_LISTED]), ""] if gaps else []),
            *(["TO KNOW, SAID ONCE", *(f"- {line}" for line in news[:MAX_LISTED]), *_more(news), ""] if news else []),
            f"WHAT WAS LOADED: {done}.",
            "",
            *([f"WHAT HAPPENS WITHOUT YOU: {without_you(failures)}", ""] if failures else []),
            *(["WHAT TO RUN", command, ""] if failures or restated else []),
            f"THE EXECUTION: {console_link(execution_arn)}",
        ]
    )


def _failed(failures: Sequence[Failure]) -> list[str]:
    lines = [f"- {failure.place}: {failure.meaning}.\n  {failure.cause}" for failure in failures[:MAX_LISTED]]
    return ["WHAT FAILED", *lines, *_more(failures), ""]


def _restated(restated: Sequence[Restatement]) -> list[str]:
    return [
        "HISTORY RESTATED BY THE SOURCE",
        *(f"- {line}" for line in restatement_lines(restated)),
        "Older days in the lake keep the values from before until the next daily run, which loads them again by itself "
        "after a split. The command below loads them at once.",
        "",
    ]


def _more(found: Sequence[object]) -> list[str]:
    more = len(found) - MAX_LISTED
    return [f"... and {more} more; see the run report"] if more > 0 else []


def restatement_lines(restated: Sequence[Restatement]) -> list[str]:
    """A line for each restatement, those that mail first, and how many more there are."""
    ordered = sorted(restated, key=lambda found: not found.mails)
    return [
        *(
            f"{found.dataset} {found.symbol}, {found.event}: "
            f"values up to {found.last} are now {found.factor:g} times what they were"
            for found in ordered[:MAX_LISTED]
        ),
        *_more(ordered),
    ]


def failure_document(failures: Sequence[Failure]) -> dict[str, Any]:
    """For the execution's cause: the first failures, each with its text, and how many more.

    A Fail state takes 32,768 characters: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
    """
    listed = [
        {
            "dataset": failure.dataset,
            "period": failure.period,
            "state": failure.state,
            "error": failure.error,
            "text": failure.text,
        }
        for failure in failures[:MAX_LISTED]
    ]
    return {"failures": listed, "more": max(0, len(failures) - MAX_LISTED)}


def restatement_document(restated: Sequence[Restatement]) -> dict[str, Any]:
    """For output and cause, bounded since both travel through the state machine; empty where nothing was restated."""
    if not restated:
        return {}
    return {"restated": {"count": len(restated), "lines": restatement_lines(restated)}}


def follow_up_document(news: Sequence[str]) -> dict[str, Any]:
    """For output and cause, bounded; empty where there is nothing to report."""
    if not news:
        return {}
    return {"follow_up": {"count": len(news), "lines": [*news[:MAX_LISTED], *_more(news)]}}
