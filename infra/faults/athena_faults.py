"""Queries that fail, and queries that wait in the queue."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ministack.services import athena

from infra.faults.injector import Injector
from infra.faults.profile import Fault

REASONS = {1: "GENERIC_INTERNAL_ERROR: injected", 2: "HIVE_CANNOT_OPEN_SPLIT: injected"}
"""By category: 1 is Athena's own fault, 2 the caller's.
https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html"""


def install(injector: Injector) -> None:
    """Let ``injector`` decide about each query of this process's MiniStack."""
    execute = athena._execute_query

    async def faulty(query_id: str, query: str, *arguments: Any, **named: Any) -> None:
        fault = injector.pick("athena", " ".join(query.split()))
        if fault and fault.kind == "failed":
            athena._executions[query_id]["Status"].update(failed(fault))
            return
        if fault:
            await asyncio.sleep(fault.seconds)
            if athena._executions[query_id]["Status"]["State"] != "QUEUED":  # stopped while it waited
                return
        await execute(query_id, query, *arguments, **named)

    athena._execute_query = faulty


def failed(fault: Fault) -> dict[str, Any]:
    """Status of a query that failed."""
    reason = REASONS.get(fault.category, REASONS[2])
    error = {"ErrorCategory": fault.category, "Retryable": fault.category == 1, "ErrorMessage": reason}
    return {
        "State": "FAILED",
        "StateChangeReason": reason,
        "AthenaError": error,
        "CompletionDateTime": int(time.time()),
    }
