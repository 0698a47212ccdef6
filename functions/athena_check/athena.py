"""Running one statement on Athena and reading its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from marketlake.aws import call
from marketlake.errors import AthenaCheckFailed, StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_athena.client import AthenaClient

FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.05, 2.0


def run_query(client: AthenaClient, workgroup: str, database: str, sql: str, timeout: float) -> list[dict[str, str]]:
    """The rows of ``sql`` as column to text, null as empty text; waits for ``timeout`` seconds, then stops the query.

    Raises:
        StorageUnavailable: the query did not end in time, was cancelled, or failed for Athena's own reasons.
        AthenaCheckFailed: the query failed, with Athena's reason.
    """
    started = call(
        lambda: client.start_query_execution(
            QueryString=sql, WorkGroup=workgroup, QueryExecutionContext={"Database": database}
        ),
        f"athena:StartQueryExecution in {workgroup}",
    )
    query = started["QueryExecutionId"]
    _wait(client, query, timeout)
    pages = client.get_paginator("get_query_results").paginate(QueryExecutionId=query)
    found = call(
        lambda: [row for page in pages for row in page["ResultSet"]["Rows"]], f"athena:GetQueryResults {query}"
    )
    rows = [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in found]
    # The first row of a SELECT's first page holds the column names.
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _wait(client: AthenaClient, query: str, timeout: float) -> None:
    deadline, pause = time.monotonic() + timeout, FIRST_POLL_SECONDS
    while True:
        answer = call(lambda: client.get_query_execution(QueryExecutionId=query), f"athena:GetQueryExecution {query}")
        execution = answer["QueryExecution"]
        state, reason = execution["Status"]["State"], execution["Status"].get("StateChangeReason", "")
        if state == "SUCCEEDED":
            return
        if state == "FAILED":
            # ErrorCategory 1 is Athena's own (https://docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html).
            error = execution["Status"].get("AthenaError", {})
            if error.get("ErrorCategory") == 1 or error.get("Retryable"):
                raise StorageUnavailable(f"Athena query {query} failed on Athena's side: {reason}; try again later")
            raise AthenaCheckFailed(f"Athena query {query} failed: {reason}; open it in the Athena console")
        if state == "CANCELLED":
            raise StorageUnavailable(f"Athena query {query} was cancelled: {reason}; run the days again")
        if time.monotonic() > deadline:
            call(lambda: client.stop_query_execution(QueryExecutionId=query), f"athena:StopQueryExecution {query}")
            raise StorageUnavailable(f"Athena query {query} was still {state} after {timeout:.0f} s; try again later")
        time.sleep(pause)
        pause = min(pause * 1.6, LAST_POLL_SECONDS)
