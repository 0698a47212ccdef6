"""Lambda ``athena_check``: asks Athena over the partitions just written, compares, and marks the days as processed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from athena_check.athena import run_query
from athena_check.partitions import (
    BY_DAY,
    catalog_differences,
    check_sql,
    differences,
    object_differences,
    parse_answer,
)
from marketlake.aws import athena_client, call, glue_client, s3_client
from marketlake.contract import Contract, load_contract
from marketlake.errors import AthenaCheckFailed, ContractViolation
from marketlake.intervals import to_intervals
from marketlake.layout import clean_key, clean_prefix, keys_of_days
from marketlake.manifest import WrittenDay, read_manifest
from marketlake.markers import Marker, write_marker
from marketlake.messages import Checked, CheckEvent
from marketlake.settings import read_settings
from marketlake.storage import Bucket, side_by_side
from marketlake.telemetry import logger, task

QUERY_SECONDS = 150
"""Longest wait for Athena; below the function's timeout, so that a stuck query is stopped and named."""

SHOWN = 3


@dataclass(frozen=True)
class Settings:
    """What AthenaCheck needs."""

    clean_bucket: str
    database: str
    workgroup: str


@task("athena_check", CheckEvent)
def handler(event: CheckEvent) -> Checked:
    """The days that Transform wrote are marked, where Athena finds of them what was written."""
    settings = read_settings(Settings)
    contract = load_contract(event.batch.dataset)
    clean = Bucket(settings.clean_bucket, s3_client())
    written = read_manifest(clean, event.transformed.manifest)
    days = [day.dt for day in written]

    _check_catalog(contract, settings.database)
    sql = check_sql(contract, to_intervals(contract, days))
    answer = run_query(athena_client(), settings.workgroup, settings.database, sql, QUERY_SECONDS)
    found = parse_answer(contract, answer)
    for form, partitions in found.items():
        _refuse(f"{contract.name} by {form}", differences(contract, written, partitions))
    # Last before the markers: what they vouch for is what lies there now, whoever else is writing.
    _confirm(contract, clean, written)

    def mark(day: WrittenDay) -> bool:
        marker = _marker(contract, day, event.task.execution)
        return write_marker(clean, marker, day.changed_rows, day.kept_rows, lambda: _confirm(contract, clean, [day]))

    wrote = side_by_side(mark, written)
    new = [day for day in written if not day.same]
    rows = sum(found[BY_DAY][day.dt].rows for day in new if day.rows)
    logger("athena_check").info("checked", extra={"days": len(new), "rows": rows})
    corrected = sum(1 for day in written if day.changed_rows)
    kept = sum(day.kept_rows for day in written)
    same = len(written) - len(new)
    return Checked(days=len(new), rows=rows, markers=sum(wrote), corrected=corrected, same=same, kept=kept)


def _check_catalog(contract: Contract, database: str) -> None:
    table = call(
        lambda: glue_client().get_table(DatabaseName=database, Name=contract.name),
        f"glue:GetTable {database}.{contract.name}",
    )["Table"]
    lines = catalog_differences(contract, table["StorageDescriptor"]["Columns"])  # type: ignore[arg-type]
    if lines:
        raise ContractViolation(f"{contract.name}: {lines[0]}; deploy again so that catalog and contract agree")


def _confirm(contract: Contract, clean: Bucket, written: Sequence[WrittenDay]) -> None:
    ours = {clean_key(contract.name, day.dt): day.etag for day in written}
    there = keys_of_days(clean, clean_prefix(contract.name), [day.dt for day in written])
    _refuse(contract.name, object_differences(ours, there))


def _refuse(what: str, lines: Sequence[str]) -> None:
    if lines:
        more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        raise AthenaCheckFailed(
            f"{what}: {'; '.join(lines[:SHOWN])}{more}; no marker was written: the next run loads these days"
        )


def _marker(contract: Contract, day: WrittenDay, execution: str) -> Marker:
    return Marker(
        dataset=contract.name,
        dt=day.dt,
        contract_version=contract.version,
        raw_sha256=day.raw_sha256,
        clean_etag=day.etag,
        rows=day.rows,
        quarantined=day.quarantined,
        execution=execution,
    )
