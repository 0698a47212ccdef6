"""The executions: listed in steps, newest first, and each history read once, in steps, for as long as the console runs.

An account's ListExecutions, DescribeExecution and GetExecutionHistory are throttled for everyone in it
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), so what was read is kept.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from infra.client.events import Event, Run
from infra.client.executions import Execution, HistoryReader, describe, latest
from infra.client.machine import read_machine
from infra.client.outcome import outcome_of
from infra.client.target import Target

LOCAL_SECONDS, AWS_SECONDS = 0.4, 2.5
"""Least time between two looks at the list, or at a running execution, however many pages ask."""

ENDED_SECONDS = 30.0
"""The same for an execution that has ended: Step Functions' redrive can wake it."""

KEPT_EVENTS = 100_000
"""Events kept over all executions; the one looked at last stays whatever its size (a history has at most 25,000)."""

MOST, NEWEST = 1000, 100
"""Executions listed at first, and at each look after that."""

PAGE = 25
FOLLOWED = 3
"""Running executions whose progress is shown in the list: each costs a read of its history."""

KINDS = ("run", "backfill", "redrive", "retry")
"""First parts of the names that the command gives to executions."""


def kind_of(name: str) -> str:
    """What started the execution, from its name; the schedule and people elsewhere give other names."""
    first = name.partition("-")[0]
    return first if first in KINDS else "other"


def iso(time: datetime | None) -> str | None:
    """``time`` in UTC, as browsers read it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds") if time else None


def head(execution: Execution) -> dict[str, Any]:
    """What the list shows of an execution that was described."""
    ending: dict[str, Any] = {"text": "", "failures": [], "advice": ""}
    if execution.status != "RUNNING":
        outcome = outcome_of(execution)
        ending = {"text": outcome.text, "failures": outcome.failures, "advice": outcome.advice}
    return {
        "name": execution.name,
        "kind": kind_of(execution.name),
        "status": execution.status,
        "started": iso(execution.started),
        "stopped": iso(execution.stopped),
        "error": execution.error,
        **ending,
    }


class Watched:
    """One execution: how it is now, its events, and what they say."""

    def __init__(self, target: Target, name: str, clock: Callable[[], float]) -> None:
        self.execution: Execution = describe(target, name)
        self.events: list[Event] = []
        self.run = Run()
        # The machine that the execution runs by, which may be older than the one deployed now.
        found = target.states.describe_state_machine_for_execution(executionArn=self.execution.arn)
        self.machine = read_machine(found["definition"])
        self._target, self._clock = target, clock
        self._reader = HistoryReader(target.states, self.execution.arn)
        self._lock, self._looked = Lock(), float("-inf")

    def look(self) -> None:
        """Bring it up to date, unless that was done a moment ago."""
        with self._lock:
            if self._clock() - self._looked < self._pause():
                return
            # The status first: once it has ended, the events read after that are all there will be.
            if self.events:
                self.execution = describe(self._target, self.execution.arn)
            new = self._reader.new()
            self.run.feed(new)
            self.events += new
            self._looked = self._clock()

    @property
    def progress(self) -> dict[str, Any]:
        """Batches in all (None until that is known), ended ones, and failed ones among these."""
        return {"total": self.run.total, "done": len(self.run.finished), "failed": len(self.run.failed)}

    def _pause(self) -> float:
        if self.execution.status != "RUNNING":
            return ENDED_SECONDS
        return LOCAL_SECONDS if self._target.is_local else AWS_SECONDS


class Watcher:
    """The executions that were looked at, the last ones kept."""

    def __init__(self, target: Target, clock: Callable[[], float] = time.monotonic) -> None:
        self._target, self._clock, self._lock = target, clock, Lock()
        self._kept: OrderedDict[str, Watched] = OrderedDict()

    def watch(self, name: str) -> Watched:
        """The execution with this name, up to date.

        Raises:
            Refusal: there is no such execution.
            ClientError, BotoCoreError: AWS could not be asked.
        """
        arn = self._target.execution_arn(name)
        with self._lock:
            found = self._kept.get(arn)
        if found is None:
            found = Watched(self._target, arn, self._clock)
        found.look()
        with self._lock:
            self._kept[arn] = found
            self._kept.move_to_end(arn)
            while len(self._kept) > 1 and sum(len(kept.events) for kept in self._kept.values()) > KEPT_EVENTS:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed to; an empty value narrows nothing."""

    status: str = ""
    kind: str = ""
    text: str = ""
    hours: float = 0

    def matches(self, execution: Execution, now: datetime) -> bool:
        """Whether ``execution`` is wanted."""
        return (
            self.status in ("", execution.status)
            and self.kind in ("", kind_of(execution.name))
            and self.text.lower() in execution.name.lower()
            and (not self.hours or now - execution.started <= timedelta(hours=self.hours))
        )


class Listing:
    """The executions of a deployment; each is described once after it has ended."""

    def __init__(self, target: Target, watcher: Watcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._target, self._watcher, self._clock = target, watcher, clock
        self._known: dict[str, Execution] = {}
        self._described: dict[str, Execution] = {}
        self._lock, self._looked = Lock(), float("-inf")

    def page(self, wanted: Wanted, start: int) -> dict[str, Any]:
        """``PAGE`` executions from the place ``start`` of those that are wanted."""
        with self._lock:
            self._look()
            found = [x for x in self._known.values() if wanted.matches(x, datetime.now(UTC))]
            running = [x for x in self._known.values() if x.status == "RUNNING"]
            shown = [self._whole(execution) for execution in found[start : start + PAGE]]
        followed = {execution.arn for execution in running[:FOLLOWED]}
        return {
            "total": len(found),
            "known": len(self._known),
            "most": MOST,
            "start": start,
            "page": PAGE,
            "running": len(running),
            "executions": [self._record(execution, follow=execution.arn in followed) for execution in shown],
        }

    def _look(self) -> None:
        if self._clock() - self._looked < (LOCAL_SECONDS if self._target.is_local else AWS_SECONDS):
            return
        asked = NEWEST if self._known else MOST
        newest = {execution.arn: execution for execution in latest(self._target, asked)}
        # Fewer than asked for are all there are; otherwise older ones stay as known, and only running ones change.
        older = {} if len(newest) < asked else {a: x for a, x in self._known.items() if a not in newest}
        older |= {a: describe(self._target, a) for a, x in older.items() if x.status == "RUNNING"}
        self._known = {**newest, **older}
        self._looked = self._clock()

    def _whole(self, execution: Execution) -> Execution:
        if execution.status == "RUNNING":
            return execution
        known = self._described.get(execution.arn)
        if known is None or known.status != execution.status:
            known = self._described[execution.arn] = describe(self._target, execution.arn)
        return known

    def _record(self, execution: Execution, *, follow: bool) -> dict[str, Any]:
        if not follow:
            return head(execution) | {"total": None, "done": 0, "failed": 0}
        watched = self._watcher.watch(execution.arn)
        return head(watched.execution) | watched.progress
