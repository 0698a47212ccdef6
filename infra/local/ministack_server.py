"""MiniStack with what it lacks: whole histories, an Athena that opens what a query needs, a record of calls."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from ministack.core import iam_evaluator
from ministack.services import athena, glue, iam, s3, sts

from infra.local.history import complete_histories
from infra.package.tables import view_definition
from marketlake.reader.tables import parquet_relation


def read_in_place() -> None:
    """Make Athena read the objects where they lie on disk, and only those of the partitions that a query names.

    MiniStack copies every object of a table for each query and opens all of them to unite their schemas: with 25 years
    of days that is 6,000 files to ask for one day.
    """
    copy, relation = athena._materialize_table_files, athena._table_relation

    def files_on_disk(location: str, workdirs: list[str]) -> list[str]:
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        objects = (s3._buckets.get(bucket) or {"objects": {}})["objects"]
        keys = sorted(key for key in list(objects) if key.startswith(prefix) and not athena._hidden(key[len(prefix) :]))
        paths = [s3._object_disk_path(bucket, key) for key in keys]
        found: list[str] = paths if all(path and os.path.exists(path) for path in paths) else copy(location, workdirs)
        return found

    def by_name(table: dict[str, Any], files: list[str]) -> str:
        parquet = athena._data_format(table) == "parquet"
        return parquet_of(table, files) if parquet else str(relation(table, files))

    athena._materialize_table_files = files_on_disk
    athena._table_relation = by_name


def parquet_of(table: dict[str, Any], files: list[str]) -> str:
    """A DuckDB relation over ``files`` with the columns of the Glue ``table``, as readers of the lake have them."""
    columns = {column["Name"]: athena._duckdb_type(column) for column in table["StorageDescriptor"]["Columns"]}
    keys = {key["Name"]: athena._duckdb_type(key) for key in athena._path_partition_keys(table, files)}
    return parquet_relation(columns, keys, files)


def resolve_views() -> None:
    """Make Athena read views, of which MiniStack knows no definition: each is its query in parentheses."""
    rewrite = athena._rewrite_data_paths

    async def with_views(query: str, database: str, catalog: str | None = None) -> Any:
        def text_of(name: str) -> str | None:
            table = glue._tables.get(f"{database}/{name}") or {}
            is_view = table.get("TableType") == "VIRTUAL_VIEW"
            return str(view_definition(table["ViewOriginalText"])["originalSql"]) if is_view else None

        return await rewrite(inline_views(query, text_of), database, catalog)

    athena._rewrite_data_paths = with_views


def inline_views(query: str, text_of: Callable[[str], str | None]) -> str:
    """``query`` with each view that it reads replaced by the view's own query, which is ``text_of`` its name.

    Views are those of the query's own database, and so are the tables in them.
    """
    for reference in reversed(athena._table_references(query)):
        text = text_of(reference.table)
        if text is not None:
            alias = "" if reference.aliased else f' AS "{reference.table}"'
            query = f"{query[: reference.start]}({inline_views(text, text_of)}){alias}{query[reference.end :]}"
    return query


def trust_unknown_keys() -> None:
    """Take an access key that is of no user and no role for the account's own, as MiniStack takes a call without one.

    Step Functions Local does not sign with the credentials that it is given when it calls an endpoint that it is given
    (https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-config-options.html). Functions keep their roles.
    """
    known = iam_evaluator.is_root_access_key

    def is_root(key: str) -> bool:
        of_someone = key in sts._sessions or any(key == stored for _, stored in iam._access_keys.to_dict())
        return known(key) or not of_someone

    iam_evaluator.is_root_access_key = is_root


def record_calls(path: Path) -> None:
    """Append one JSON line to ``path`` for each API call of a function that IAM judges.

    A line has the Unix time, the principal (an assumed role), the action, the resource, the service's condition keys,
    and whether it was allowed. The cost of an execution and the least-privilege tests are computed from it.
    """
    enforce = iam_evaluator.enforce
    signature = inspect.signature(enforce)
    log = path.open("ab", buffering=0)

    def enforce_and_record(*arguments: Any, **named: Any) -> Any:
        refusal = enforce(*arguments, **named)
        principal = iam_evaluator.caller_arn()
        if ":assumed-role/" in principal:
            asked = signature.bind(*arguments, **named).arguments
            line = {
                "at": time.time(),
                "principal": principal,
                "action": asked["iam_action"],
                "resource": asked.get("resource_arn", "*"),
                "keys": asked.get("service_context") or {},
                "allowed": refusal is None,
            }
            log.write(msgspec.json.encode(line) + b"\n")
        return refusal

    iam_evaluator.enforce = enforce_and_record


if __name__ == "__main__":
    from ministack import app

    from infra.faults import emulator
    from infra.local.lost_answers import answered_again
    from infra.local.s3_answers import answer_as_s3

    # The real answers first, the faults that replace them around these.
    answer_as_s3()
    emulator.install(Path(os.environ["MARKETLAKE_CHAOS_ROOT"]))
    # A task that is made to fail is in the history as any other.
    complete_histories()
    read_in_place()
    resolve_views()
    if os.environ["MARKETLAKE_ENGINE"] == "stepfunctions-local":
        trust_unknown_keys()
    record_calls(Path(os.environ["MARKETLAKE_CALLS"]))
    app.app = answered_again(app.app)
    app.main()
