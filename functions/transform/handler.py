"""Lambda ``transform``: the good rows of a batch to typed Parquet, one deterministic object a day."""

from __future__ import annotations

from dataclasses import dataclass

from marketlake.aws import s3_client
from marketlake.batch_rows import read_batch_rows
from marketlake.contract import load_contract
from marketlake.layout import manifest_key
from marketlake.manifest import write_manifest
from marketlake.messages import Transformed, TransformEvent
from marketlake.restatements import write_restatements
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.telemetry import count, logger, task
from transform.compact import compact_years
from transform.days import StoredDay, days_of, described, patched, with_changes, with_old, write_days
from transform.restatements import notice_restatements


@dataclass(frozen=True)
class Settings:
    """What Transform needs."""

    clean_bucket: str


@task("transform", TransformEvent)
def handler(event: TransformEvent) -> Transformed:
    """The days that Validate accepted are written, and the years that they are in."""
    clean = Bucket(read_settings(Settings).clean_bucket, s3_client())
    batch, execution, index = event.batch, event.task.execution, event.task.batch
    contract = load_contract(batch.dataset)

    rows = read_batch_rows(clean, event.validated.manifest)
    days = days_of(rows)
    # A request for some symbols or a correction lands on days that are there already. A forced run does, too, but its
    # reads would cost a request a day to say what the marker's ETag says.
    if batch.symbols or batch.recheck:
        days = with_old(contract, clean, days)
    # Before anything is written over, and kept before that: an attempt after this one no longer sees it.
    restated = notice_restatements(contract, clean, batch, rows, days)
    if restated:
        write_restatements(clean, execution, index, restated)
    if batch.symbols:
        days = [patched(contract, day) for day in days]
    days = with_changes(clean, manifest_key(execution, index, "changed"), days)
    days = write_days(contract, clean, days, as_read=bool(batch.symbols))
    years = compact_years(contract, clean, {day.dt: StoredDay(day.frame, day.etag) for day in days})

    manifest = manifest_key(execution, index, "written")
    write_manifest(clean, manifest, [described(contract, day) for day in days])
    written = sum(day.frame.height for day in days)
    count("RowsWritten", written, dataset=contract.name)
    figures = {"days": len(days), "rows": written, "years": years, "restated": len(restated)}
    logger("transform").info("transformed", extra=figures)
    return Transformed(written=len(days), rows=written, manifest=manifest)
