"""How an execution ended: the text for people, what was lost, what to do next, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.client.errors import FAILED, REFUSED
from infra.client.executions import Execution
from marketlake.errors import InvalidRequest, readable_cause
from marketlake.intervals import text_of


@dataclass(frozen=True)
class Outcome:
    """An ended execution. ``losses`` are as Report put them into the cause, ``rewritten`` its lines about histories
    that a source rewrote; ``advice`` has the commands for both."""

    status: str
    text: str
    exit_status: int
    datasets: dict[str, dict[str, int]] = field(default_factory=dict)
    losses: Sequence[dict[str, Any]] = ()
    advice: str = ""
    rewritten: Sequence[str] = ()

    @property
    def days_done(self) -> int:
        """Days that are in the lake after it: written, or looked at again and unchanged."""
        return days_done(self.datasets)

    @property
    def wrote_anything(self) -> bool:
        """Whether any day was written."""
        return any(counts.get("written", 0) for counts in self.datasets.values())


def days_done(datasets: dict[str, dict[str, int]]) -> int:
    """Days written or unchanged, over all datasets of a run's summary."""
    return sum(counts.get("written", 0) + counts.get("unchanged", 0) for counts in datasets.values())


def outcome_of(execution: Execution) -> Outcome:
    """The outcome of an ended execution, from its output or its error and cause."""
    if execution.status == "SUCCEEDED":
        summary = _object(execution.output)
        lines, commands = _rewritten(summary)
        datasets = summary.get("datasets", {})
        text, advice = summary.get("text", "done"), "; ".join(commands)
        return Outcome(execution.status, text, 0, datasets, advice=advice, rewritten=lines)
    look = f"the states and their errors: marketlake history {execution.name}"
    if execution.status == "FAILED":
        return _failed(execution, look)
    words = {"TIMED_OUT": "the execution took longer than it may", "ABORTED": "somebody stopped the execution"}
    text = words.get(execution.status, f"the execution is {execution.status}")
    return Outcome(execution.status, _with_cause(text, execution), FAILED, advice=f"run it again; {look}")


def _failed(execution: Execution, look: str) -> Outcome:
    if execution.error == InvalidRequest.__name__:
        return Outcome(
            "FAILED",
            readable_cause({"Cause": execution.cause}),
            REFUSED,
            advice="correct that and run it again; nothing was done",
        )
    told = _object(execution.cause)
    losses = told.get("losses")
    if not isinstance(losses, list):
        return Outcome("FAILED", _with_cause(execution.error or "failed", execution), FAILED, advice=look)
    more = f", and {told['more']} more losses" if told.get("more") else ""
    lines, commands = _rewritten(told)
    advice = "; ".join([*again(losses), *commands, look])
    text = f"{told.get('done', '')}{more}"
    return Outcome("FAILED", text, FAILED, losses=losses, advice=advice, rewritten=lines)


def _rewritten(told: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Lines and commands of the histories that were rewritten upstream, from an output or a cause."""
    found = told.get("rewritten", {})
    return found.get("lines", []), found.get("commands", [])


def again(losses: Sequence[dict[str, Any]]) -> list[str]:
    """Commands that run the days of ``losses`` again, at most three.

    A cause holds the first runs of days only; a backfill loads what is missing in between, too.
    """
    commands = []
    for loss in losses:
        days = [day for run in loss.get("days", []) for day in run.split("/")]
        if days:
            window = f"--start {min(days)} --end {max(days)}"
            commands.append(f"marketlake backfill {window} --dataset {loss.get('dataset')}")
    return list(dict.fromkeys(commands))[:3]


def _with_cause(text: str, execution: Execution) -> str:
    return f"{text}: {readable_cause({'Cause': execution.cause})}" if execution.cause else text


def loss_text(loss: dict[str, Any]) -> str:
    """One loss for people: which days of what, in which state, and why."""
    days = text_of(loss.get("days", []))
    what = f"{loss.get('dataset', '')} {days}".strip() or "the execution itself"
    return f"{what}, in {loss.get('state', '?')}: {loss.get('error', '?')}: {loss.get('cause', '')}"


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
