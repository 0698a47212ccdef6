"""Step Functions as a table of executions and their events; it pages and reverses as the service does."""

from __future__ import annotations

from collections.abc import Sequence
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
class FakeStates:
    """``statuses`` is what describe answers, call by call; the last one stays. ``visible`` grows by ``step`` a call."""

    events: Sequence[dict[str, Any]] = ()
    statuses: list[str] = field(default_factory=lambda: ["SUCCEEDED"])
    end: dict[str, Any] = field(default_factory=dict)
    step: int = 10_000
    exceptions: Any = Exceptions
    started: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    _described: int = 0

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.started.append(request)
        return {
            "executionArn": f"arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:{request['name']}"
        }

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

    def get_execution_history(self, **request: Any) -> dict[str, Any]:
        assert request["reverseOrder"]
        self.requests += 1
        visible = list(self.events)[: self._described * self.step][::-1]
        start, most = int(request.get("nextToken", 0)), request["maxResults"]
        page: dict[str, Any] = {"events": visible[start : start + most]}
        return page | ({"nextToken": f"{start + most}"} if start + most < len(visible) else {})
