"""Step Functions as a table of executions and their events; it pages and reverses as the service does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

START = datetime(2026, 1, 5, 18, 45, tzinfo=UTC)


class ExecutionDoesNotExist(Exception):
    pass


class InvalidArn(Exception):
    pass


class Exceptions:
    ExecutionDoesNotExist = ExecutionDoesNotExist
    InvalidArn = InvalidArn


@dataclass
class Paginator:
    paginate: Callable[..., Any]


@dataclass
class FakeStates:
    """``statuses`` is what describe answers, call by call; the last one stays. ``step`` more events are there a call.

    ``names`` are the executions that are listed, newest first.
    """

    events: Sequence[dict[str, Any]] = ()
    statuses: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    end: dict[str, Any] = field(default_factory=dict)
    step: int = 10_000
    exceptions: Any = Exceptions
    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    names: tuple[str, ...] = ("run-1",)
    listed: int = 0
    _described: int = 0

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.started.append(request)
        return {
            "executionArn": f"arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:{request['name']}"
        }

    def stop_execution(self, **request: Any) -> dict[str, Any]:
        self.stopped.append(request)
        return {"stopDate": START}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's spelling
        if "nowhere" in executionArn:
            raise ExecutionDoesNotExist
        status = self.statuses[min(self._described, len(self.statuses) - 1)]
        self._described += 1
        answer = {
            "executionArn": executionArn,
            "name": executionArn.rpartition(":")[2],
            "status": status,
            "startDate": START,
            "input": "{}",
        }
        return answer if status == "RUNNING" else answer | {"stopDate": START} | self.end

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(getattr(self, f"{operation}_pages"))

    def get_execution_history_pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        assert request["reverseOrder"]
        visible = list(self.events)[: self._described * self.step][::-1]
        most = request["PaginationConfig"]["PageSize"]
        for start in range(0, max(len(visible), 1), most):
            self.requests += 1
            yield {"events": visible[start : start + most]}

    def list_executions_pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        self.listed += 1
        arn = "arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:"
        most = request["PaginationConfig"]["MaxItems"]
        status = self.statuses[min(self._described, len(self.statuses) - 1)]
        common = {"status": status, "startDate": START} | ({} if status == "RUNNING" else {"stopDate": START})
        yield {"executions": [{"name": n, "executionArn": f"{arn}{n}", **common} for n in self.names[:most]]}
