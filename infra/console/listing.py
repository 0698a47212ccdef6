"""The executions there are, newest first: listed in steps, and each described once after it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from infra.client.executions import Execution, describe, latest
from infra.client.target import Target
from infra.console.detail import head, kind_of
from infra.console.watch import AWS_SECONDS, LOCAL_SECONDS, Watcher

MOST, NEWEST = 1000, 100
"""Executions listed at first, and at each look after that."""

PAGE = 25
FOLLOWED = 3
"""Running executions whose progress is shown in the list: each costs a read of its history."""


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
    """The executions of a deployment."""

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
        run = watched.run
        return head(watched.execution) | {"total": run.total, "done": len(run.finished), "failed": len(run.failed)}
