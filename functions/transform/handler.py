"""Lambda ``transform``: the good rows of a batch to typed Parquet, one deterministic object a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial

from marketlake.aws import s3_client
from marketlake.batch_rows import read_batch_rows
from marketlake.contract import load_contract
from marketlake.layout import manifest_key
from marketlake.manifest import write_manifest
from marketlake.messages import Transformed, TransformEvent
from marketlake.restatements import write_restatements
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.stored import StoredDay, read_years, stored_days
from marketlake.telemetry import count, logger, task
from transform.actions import record_actions
from transform.compact import compact_years
from transform.days import days_of, described, merged, refuse_absent, with_first_changes, write_days
from transform.restatements import notice_restatements


@dataclass(frozen=True)
class Settings:
    """What Transform needs."""

    clean_bucket: str


def today() -> date:
    """The day, by UTC; a function, so that a test can be on another one."""
    return datetime.now(UTC).date()


@task("transform", TransformEvent)
def handler(event: TransformEvent) -> Transformed:
    """The days that Validate accepted are put into the lake, and the years that they are in."""
    clean = Bucket(read_settings(Settings).clean_bucket, s3_client())
    batch, execution, index = event.batch, event.task.execution, event.task.batch
    contract = load_contract(batch.dataset)

    rows = read_batch_rows(clean, event.validated.manifest)
    came = days_of(rows)
    years = read_years(contract, clean, {day.dt.year for day in came})
    stored = stored_days(contract, clean, [day.dt for day in came], years)
    days = [replace(day, old=stored.get(day.dt)) for day in came]
    if batch.symbols:
        refuse_absent(contract, days)
    # Before anything is written over, and kept before that: an attempt after this one no longer sees it.
    restated = notice_restatements(contract, clean, batch, rows, days, years)
    if restated:
        write_restatements(clean, execution, index, restated)
    merge = partial(merged, contract, batch)
    days = with_first_changes(clean, manifest_key(execution, index, "changes"), merge(days))
    days = write_days(contract, clean, days, merge)
    compacted = compact_years(contract, clean, years, {day.dt: StoredDay(day.frame, day.etag) for day in days})
    actions = record_actions(contract, clean, days, today())

    manifest = manifest_key(execution, index, "written")
    write_manifest(clean, manifest, described(contract, days))
    new = [day for day in days if not day.change.same]
    written, kept = sum(day.frame.height for day in new), sum(day.change.kept_rows for day in days)
    count("RowsWritten", written, contract.name)
    figures = {"days": len(new), "rows": written, "kept": kept, "years": compacted, "actions": actions}
    figures["restated"] = len(restated)
    logger("transform").info("transformed", extra=figures)
    return Transformed(written=len(new), rows=written, manifest=manifest)
