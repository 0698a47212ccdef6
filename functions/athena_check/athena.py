"""Running one statement on Athena and reading its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from marketlake.aws import call
from marketlake.errors import ContractViolation, PermissionDenied, StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_athena.client import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionStatusTypeDef

FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.05, 2.0

PAUSES = (0.5, 2.0)
"""Seconds between a query that failed and the same query run again."""

REFUSED_TYPES = {1500, 1501}
INVALID_TYPES = {1006, 1110, 1303}
"""Types of AthenaError: permission; syntax, and tables and functions that do not exist.
https://docs.aws.amazon.com/athena/latest/ug/error-reference.html"""


class _QueryFailed(Exception):
    """A query failed for a reason that may be gone at once."""


def run_query(client: AthenaClient, workgroup: str, database: str, sql: str, timeout: float) -> list[dict[str, str]]:
    """The rows of ``sql`` as column to text, null as empty text; waits for ``timeout`` seconds, then stops the query.

    A query that fails is run again, three times in all and within ``timeout``: Athena does not support that a file is
    replaced while a query reads it, and other batches and executions write
    (https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html#troubleshooting-athena-hive_filesystem_error-incorrect-file-size).

    Raises:
        StorageUnavailable: the query did not end in time, was cancelled, or failed each time.
        PermissionDenied: Athena, or the query with its caller's rights, was refused something.
        ContractViolation: Athena does not understand the query; its tables are not those of the contract.
    """
    deadline = time.monotonic() + timeout
    for pause in (*PAUSES, None):
        query = _start(client, workgroup, database, sql)
        try:
            _wait(client, query, deadline)
        except _QueryFailed as failed:
            if pause is None or time.monotonic() + pause > deadline:
                raise StorageUnavailable(
                    f"Athena query {query} failed at every try: {failed}; try again later"
                ) from failed
            time.sleep(pause)
        else:
            break
    return _rows(client, query)


def _start(client: AthenaClient, workgroup: str, database: str, sql: str) -> str:
    started = call(
        lambda: client.start_query_execution(
            QueryString=sql, WorkGroup=workgroup, QueryExecutionContext={"Database": database}
        ),
        f"athena:StartQueryExecution in {workgroup}",
    )
    return started["QueryExecutionId"]


def _rows(client: AthenaClient, query: str) -> list[dict[str, str]]:
    pages = client.get_paginator("get_query_results").paginate(QueryExecutionId=query)
    found = call(
        lambda: [row for page in pages for row in page["ResultSet"]["Rows"]], f"athena:GetQueryResults {query}"
    )
    rows = [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in found]
    # The first row of a SELECT's first page holds the column names.
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _wait(client: AthenaClient, query: str, deadline: float) -> None:
    pause = FIRST_POLL_SECONDS
    while True:
        answer = call(lambda: client.get_query_execution(QueryExecutionId=query), f"athena:GetQueryExecution {query}")
        status = answer["QueryExecution"]["Status"]
        state = status["State"]
        if state == "SUCCEEDED":
            return
        if state == "FAILED":
            raise _failure(query, status)
        if state == "CANCELLED":
            reason = status.get("StateChangeReason", "")
            raise StorageUnavailable(f"Athena query {query} was cancelled: {reason}; run the days again")
        if time.monotonic() > deadline:
            call(lambda: client.stop_query_execution(QueryExecutionId=query), f"athena:StopQueryExecution {query}")
            raise StorageUnavailable(f"Athena query {query} was still {state} at the end of its time; try again later")
        time.sleep(pause)
        pause = min(pause * 1.6, LAST_POLL_SECONDS)


def _failure(query: str, status: QueryExecutionStatusTypeDef) -> Exception:
    reason, error = status.get("StateChangeReason", ""), status.get("AthenaError", {}).get("ErrorType")
    if error in REFUSED_TYPES:
        return PermissionDenied(
            f"Athena query {query} was refused: {reason}; see athena_check's policy in infra/terraform/policies"
        )
    if error in INVALID_TYPES:
        return ContractViolation(
            f"Athena query {query} is not valid: {reason}; deploy again so that catalog and contract agree"
        )
    return _QueryFailed(reason)
