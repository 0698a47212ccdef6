"""Executions as they are watched: each history is read once, in steps, and kept for as long as the console runs."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from infra.client.events import Event, Run
from infra.client.executions import Execution, HistoryReader, describe
from infra.client.machine import Machine, read_machine
from infra.client.target import Target

LOCAL_SECONDS, AWS_SECONDS = 0.4, 2.5
"""Least time between two looks at a running execution, however many pages ask. On AWS an account's
GetExecutionHistory and DescribeExecution are throttled for everyone in it.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

ENDED_SECONDS = 30.0
"""The same once it has ended: Step Functions' redrive can wake it."""

KEPT_EVENTS = 100_000
"""Events kept over all executions; the one looked at last stays whatever its size (a history has at most 25,000)."""


class Watched:
    """One execution: how it is now, its events, and what they say."""

    def __init__(self, target: Target, name: str, clock: Callable[[], float]) -> None:
        self.execution: Execution = describe(target, name)
        self.events: list[Event] = []
        self.run = Run()
        self.entered: set[tuple[int | None, str]] = set()
        self.exited: set[tuple[int | None, str]] = set()
        self.machine = _machine(target, self.execution)
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
            self._take(self._reader.new())
            self._looked = self._clock()

    def _pause(self) -> float:
        if self.execution.status != "RUNNING":
            return ENDED_SECONDS
        return LOCAL_SECONDS if self._target.is_local else AWS_SECONDS

    def _take(self, events: list[Event]) -> None:
        self.run.feed(events)
        self.events += events
        for event in events:
            entered, exited = event.get("stateEnteredEventDetails"), event.get("stateExitedEventDetails")
            batch = self.run.about(event["id"])[1]
            if entered:
                self.entered.add((batch, entered["name"]))
            if exited:
                self.exited.add((batch, exited["name"]))


class Watcher:
    """The executions that were looked at, the last ones kept."""

    def __init__(self, target: Target, clock: Callable[[], float] = time.monotonic) -> None:
        self._target, self._clock, self._lock = target, clock, Lock()
        self._kept: OrderedDict[str, Watched] = OrderedDict()

    def watch(self, name: str) -> Watched:
        """The execution with this name, up to date.

        Raises:
            Refusal: there is none.
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


def _machine(target: Target, execution: Execution) -> Machine:
    """The machine that the execution runs by, which may be older than the one deployed now."""
    return read_machine(target.states.describe_state_machine_for_execution(executionArn=execution.arn)["definition"])
