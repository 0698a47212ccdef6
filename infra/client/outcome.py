"""How an execution ended: the text for people, what failed, what to do next, and the exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.client.errors import FAILED, REFUSED
from infra.client.executions import Execution
from infra.client.texts import object_in
from marketlake.errors import InvalidRequest, readable_cause
from marketlake.failures import retry_command

WORDS = {"TIMED_OUT": "the execution took longer than it may", "ABORTED": "somebody stopped the execution"}


@dataclass(frozen=True)
class Outcome:
    """An ended execution. ``failures`` are as Report put them into the cause, each with its ``text``; ``noticed``
    has its lines about histories that a source restated, and about gaps; ``advice`` has the command."""

    status: str
    text: str
    exit_status: int
    datasets: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: Sequence[dict[str, Any]] = ()
    advice: str = ""
    noticed: Sequence[str] = ()

    @property
    def wrote_anything(self) -> bool:
        """Whether any day was written."""
        return any(counts.get("written", 0) for counts in self.datasets.values())


def days_done(datasets: Mapping[str, Mapping[str, int]]) -> int:
    """Days that are in the lake after a run: written, or looked at again and unchanged; by its summary."""
    return sum(counts.get("written", 0) + counts.get("unchanged", 0) for counts in datasets.values())


def outcome_of(execution: Execution) -> Outcome:
    """The outcome of an ended execution, from its output or its error and cause."""
    status, again = execution.status, retry_command(execution.name)
    if status == "SUCCEEDED":
        summary = object_in(execution.output)
        advice, noticed = again if "restated" in summary else "", _noticed(summary)
        return Outcome(
            status, summary.get("text", "done"), 0, summary.get("datasets", {}), advice=advice, noticed=noticed
        )
    if execution.error == InvalidRequest.__name__:
        advice = "correct that and run it again; nothing was done"
        return Outcome(status, readable_cause({"Cause": execution.cause}), REFUSED, advice=advice)
    advice = f"{again}; the states and their errors: marketlake history {execution.name}"
    cause = object_in(execution.cause)
    if not isinstance(cause.get("failures"), list):
        text = execution.error or "failed" if status == "FAILED" else WORDS.get(status, f"the execution is {status}")
        given = f": {readable_cause({'Cause': execution.cause})}" if execution.cause else ""
        return Outcome(status, text + given, FAILED, advice=advice)
    more = f", and {cause['more']} more failures" if cause.get("more") else ""
    text = f"{cause.get('done', '')}{more}"
    return Outcome(status, text, FAILED, failures=cause["failures"], advice=advice, noticed=_noticed(cause))


def _noticed(document: Mapping[str, Any]) -> list[str]:
    """Lines about what was noticed in the history, from an output or a cause."""
    return [line for what in ("restated", "history", "follow_up") for line in document.get(what, {}).get("lines", [])]
