"""What a step of the acceptance is given, and how it says what it found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from infra.client.athena import run_query
from infra.client.errors import OpsError
from infra.client.executions import Execution, follow, start
from infra.client.outcome import outcome_of
from infra.client.target import Target

KIND = "acceptance"
"""First part of the names of everything that the acceptance makes: executions, and queues that listen."""

Status = Literal["passed", "failed", "not tried"]


class Broken(OpsError):
    """A step failed: ``str(error)`` is what was seen, ``advice`` what to do."""


class NotTried(Broken):
    """A step could not be tried here."""


@dataclass(frozen=True)
class Step:
    """One thing to try.

    ``look`` returns what was seen where all is well, and raises ``Broken`` or ``NotTried``. ``asks`` says what it costs
    or whom it mails, for the person to agree to; empty where it does neither.
    """

    name: str
    what: str
    look: Callable[[Stage], str]
    asks: str = ""


@dataclass(frozen=True)
class Finding:
    """What became known by a step."""

    step: str
    status: Status
    seen: str
    advice: str = ""
    seconds: float = 0.0


@dataclass
class Stage:
    """The stack, and what the steps so far made known. ``day`` is the last day due of the rates."""

    target: Target
    day: date
    configuration: Path
    executions: list[Execution] = field(default_factory=list)

    def run(self, kind: str, request: dict[str, Any]) -> Execution:
        """The execution of ``request``, as ended; it is named ``acceptance-<kind>-...``."""
        return self.follow(start(self.target, f"{KIND}-{kind}", request))

    def follow(self, arn: str) -> Execution:
        """The execution as ended."""
        ended = follow(self.target, arn)
        self.executions.append(ended)
        return ended

    def succeed(self, ended: Execution) -> str:
        """What the execution did, in words.

        Raises:
            Broken: it did not succeed.
        """
        outcome = outcome_of(ended)
        if ended.status != "SUCCEEDED":
            failures = "; ".join(str(failure.get("text", "")) for failure in outcome.failures[:3])
            raise Broken(f"{ended.name} is {ended.status}: {failures or outcome.text}", outcome.advice)
        return outcome.text

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What Athena answers."""
        rows: list[dict[str, Any]] = run_query(self.target, sql).table.to_pylist()
        return rows


def wait_for(found: Callable[[], str], seconds: float, pause: float) -> str:
    """What ``found`` returns once that is not empty; empty after ``seconds``. It is asked again after ``pause``."""
    end = time.monotonic() + seconds
    while not (text := found()) and time.monotonic() < end:
        time.sleep(pause)
    return text
