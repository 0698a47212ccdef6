"""Queries through Athena, for people: the whole result as an Arrow table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infra.client.errors import Interrupted, QueryFailed
from infra.client.saved_queries import SavedQuery, literals_of, with_literals
from infra.client.target import Target
from marketlake.storage import ObjectMissing

if TYPE_CHECKING:
    import pyarrow as pa

FIRST_POLL_SECONDS, LAST_POLL_SECONDS = 0.03, 1.0
SHOWN_REASON = 1500

FILE_CHANGED = ("HIVE_FILESYSTEM_ERROR: Incorrect fileSize", "The specified key does not exist")
"""What is in the reason where a file was replaced or removed while the query read it, which Athena does not support:
https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html#troubleshooting-athena-data-file-issues"""


class _FileChanged(QueryFailed):
    """A file was replaced or removed while the query read it."""


@dataclass(frozen=True)
class Result:
    """A query's answer; ``seconds`` and ``scanned_bytes`` are Athena's own."""

    table: pa.Table
    query_id: str
    seconds: float
    scanned_bytes: int


def run_query(target: Target, sql: str, parameters: list[str] | None = None) -> Result:
    """The answer to ``sql``; ``parameters`` are SQL literals for its question marks. Ctrl-C stops the query.

    Where an execution replaced a file while the query read it, it is run once more.

    Raises:
        QueryFailed: with Athena's reason.
        Interrupted: Ctrl-C.
    """
    given: dict[str, Any] = {"ExecutionParameters": parameters} if parameters else {}
    try:
        return _run(target, sql, given)
    except _FileChanged:
        return _run(target, sql, given)


def run_saved(target: Target, saved: SavedQuery, given: Iterable[str]) -> Result:
    """The answer to a saved query; ``given`` are its parameters as ``name=value``.

    Raises:
        Refusal: a parameter is not accepted.
        QueryFailed: with Athena's reason.
    """
    literals = literals_of(saved, given)
    if target.is_local:
        # MiniStack's Athena ignores ExecutionParameters.
        return run_query(target, with_literals(saved.sql, literals))
    return run_query(target, saved.sql, literals)


def _run(target: Target, sql: str, given: dict[str, Any]) -> Result:
    athena = target.athena
    try:
        started = athena.start_query_execution(
            QueryString=sql,
            WorkGroup=target.names["workgroup"],
            QueryExecutionContext={"Database": target.names["database"]},
            **given,
        )
    except athena.exceptions.InvalidRequestException as error:
        raise QueryFailed(f"Athena refuses the query: {error.response['Error'].get('Message', '')}") from error
    query = started["QueryExecutionId"]
    try:
        execution = _wait(target, query)
    except KeyboardInterrupt:
        athena.stop_query_execution(QueryExecutionId=query)
        raise Interrupted("the query was stopped") from None
    statistics = execution.get("Statistics", {})
    return Result(
        _result(target, query, execution),
        query,
        statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        statistics.get("DataScannedInBytes", 0),
    )


def _wait(target: Target, query: str) -> Any:
    pause = FIRST_POLL_SECONDS
    while True:
        execution = target.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        state = execution["Status"]["State"]
        if state == "SUCCEEDED":
            return execution
        if state in ("FAILED", "CANCELLED"):
            reason = execution["Status"].get("StateChangeReason", "Athena gave no reason")
            message = f"the query {state.lower()}: {reason[:SHOWN_REASON]}"
            if any(text in reason for text in FILE_CHANGED):
                raise _FileChanged(message, "an execution is writing these days; ask again when it has ended")
            raise QueryFailed(message)
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_POLL_SECONDS)


def _result(target: Target, query: str, execution: Any) -> pa.Table:
    """The result: a small one from the API, a large one from its file, since a page of the API has 1,000 rows at most.

    The emulator does not write the file where it says it does, so there all pages are read.
    """
    from infra.client.result_table import read_csv, table_of

    pages: Iterator[Any] = iter(target.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query))
    first = next(pages)
    columns = [(info["Name"], info["Type"]) for info in first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
    location = urlsplit(execution.get("ResultConfiguration", {}).get("OutputLocation", ""))
    if first.get("NextToken") and not target.is_local and location.path.endswith(".csv"):
        try:
            return read_csv(target.bucket("results").get(location.path.lstrip("/")).body, columns)
        except ObjectMissing as error:
            raise QueryFailed(f"the result {location.geturl()} is gone; run the query again") from error
    rows = [row for page in chain([first], pages) for row in _texts(page)]
    # A SELECT's first row holds the names of its columns; SHOW and DESCRIBE have no such row.
    return table_of(columns, rows[1:] if execution.get("StatementType") == "DML" else rows)


def _texts(page: Any) -> list[list[str | None]]:
    return [[datum.get("VarCharValue") for datum in row.get("Data", [])] for row in page["ResultSet"]["Rows"]]
