"""Lambda ``validate``: raw rows against the contract; hands the good rows of accepted days on to Transform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from marketlake.aws import s3_client
from marketlake.batch_rows import AcceptedDay, BatchRows, write_batch_rows
from marketlake.contract import Contract, load_contract
from marketlake.intervals import from_intervals
from marketlake.layout import (
    batch_rows_key,
    before_key,
    clean_etags,
    quarantine_key,
    raw_key,
)
from marketlake.markers import read_marker
from marketlake.messages import Batch, Fetched, Validated, ValidateEvent
from marketlake.schemas import polars_schema
from marketlake.settings import read_settings
from marketlake.storage import Bucket, side_by_side
from marketlake.symbols import symbols_in_force
from marketlake.telemetry import count, logger, task
from validate.days import MAX_MISSING, judge_days, messages, missing_days
from validate.neighbours import move_reasons, repeat_reasons
from validate.raw import CONTEXT_DAY, CONTEXT_END, RawDay, read_raw
from validate.rules import row_reasons


@dataclass(frozen=True)
class Settings:
    """What Validate needs."""

    raw_bucket: str
    clean_bucket: str
    artifacts_bucket: str
    fx_base: str


@task("validate", ValidateEvent)
def handler(event: ValidateEvent) -> Validated:
    """Each day that Fetch stored is accepted, rejected or unchanged; bad rows go to quarantine."""
    settings = read_settings(Settings)
    batch, execution, index = event.batch, event.task.execution, event.task.batch
    contract = load_contract(batch.dataset)
    raw, clean = Bucket(settings.raw_bucket, s3_client()), Bucket(settings.clean_bucket, s3_client())
    symbols = symbols_in_force(contract, Bucket(settings.artifacts_bucket, s3_client()), settings.fx_base)
    if batch.symbols:
        symbols = symbols.only(batch.symbols)

    days = _stored_days(contract, raw, batch, event.fetched)
    unchanged = _unchanged(contract, clean, days) if batch.recheck and days else []
    frame = read_raw(contract, [*_context(contract, raw, batch, event.fetched), *days])
    rows = judged_rows(contract, frame)
    candidates = [day.day for day in days if day.day not in unchanged]
    rejected = judge_days(contract, rows, candidates, symbols, patch=bool(batch.symbols) or batch.recheck)
    accepted = set(candidates) - {rejection.day for rejection in rejected}
    bad = rows.filter(pl.col("reason").is_not_null() & pl.col("dt").is_in(candidates))
    if bad.height:
        raw.put(quarantine_key(contract, execution, index), bad.write_csv().encode(), "text/csv")
    key = batch_rows_key(execution, index)
    if accepted:
        accepted_days = [day for day in days if day.day in accepted]
        write_batch_rows(clean, key, batch_rows(accepted_days, rows, last_before(contract, frame), unchanged))
    missing: list[str] = []
    if not (batch.recheck or (batch.symbols and days)):
        # A day that is looked at again, or patched, is in the lake already; that its source lacks it loses nothing. But
        # that the source has none of the days of a patch is a failure.
        rejected += missing_days(contract, event.fetched)
        missing = [*event.fetched.late, *event.fetched.holes]

    count("RowsRejected", bad.height, dataset=contract.name)
    count("DaysRejected", len(rejected), dataset=contract.name)
    logger("validate").info("validated", extra={"accepted": len(accepted), "rejected": len(rejected)})
    rejections = messages(contract, batch.input, rejected)
    return Validated(
        accepted=len(accepted),
        unchanged=len(unchanged),
        rejected=len(rejected),
        rejected_rows=bad.height,
        manifest=key,
        rejections=rejections,
        example=rejections[0] if rejections else None,
        missing=missing[:MAX_MISSING],
    )


def judged_rows(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """The batch's rows in ``frame`` with a ``reason``, null for good ones; its rows before the batch are context."""
    reasons = row_reasons(contract, frame)
    for further in (repeat_reasons, move_reasons):
        found = further(contract, frame, reasons.is_not_null())
        reasons = pl.select(pl.coalesce(reasons, found)).to_series()
    return frame.with_columns(reason=reasons).filter(pl.col("dt") >= CONTEXT_END)


def batch_rows(
    days: Sequence[RawDay], rows: pl.DataFrame, before: pl.DataFrame, unchanged: Sequence[date]
) -> BatchRows:
    """The good ones of the judged ``rows`` of ``days``, each day with the hash of its raw bytes."""
    of_days = rows.filter(pl.col("dt").is_in([day.day for day in days]))
    bad = pl.col("reason").is_not_null()
    quarantined = dict(of_days.group_by("dt").agg(bad.sum()).iter_rows())
    accepted = [AcceptedDay(day.day, day.sha256, quarantined[day.day]) for day in days]
    return BatchRows(accepted, of_days.filter(~bad).drop("reason"), before, list(unchanged))


def last_before(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """The last row before the batch of each symbol."""
    before = frame.filter(pl.col("dt") < CONTEXT_END)
    last = before.unique(contract.key, keep="last", maintain_order=True).sort(contract.key)
    return last.select(polars_schema(contract).names())


def _stored_days(contract: Contract, raw: Bucket, batch: Batch, fetched: Fetched) -> list[RawDay]:
    days = from_intervals(contract, fetched.days)
    bodies = raw.get_many([raw_key(contract, day, batch.symbols) for day in days])
    return [RawDay(day, stored.body) for day, stored in zip(days, bodies, strict=True)]


def _context(contract: Contract, raw: Bucket, batch: Batch, fetched: Fetched) -> list[RawDay]:
    """The bars before the batch, if there are any."""
    if not fetched.before:
        return []
    first = from_intervals(contract, fetched.days)[0]
    return [RawDay(CONTEXT_DAY, raw.get(before_key(contract, first, batch.symbols)).body)]


def _unchanged(contract: Contract, clean: Bucket, days: Sequence[RawDay]) -> list[date]:
    """The days that came again as the lake holds them: the bytes that the marker names, as received and as stored."""
    markers = side_by_side(lambda raw: read_marker(clean, contract.name, raw.day), days)
    held = clean_etags(clean, contract.name, days[0].day, days[-1].day)
    return [
        raw.day
        for raw, found in zip(days, markers, strict=True)
        if found
        and found[0].contract_version == contract.version
        and (found[0].raw_sha256, found[0].clean_etag) == (raw.sha256, held.get(raw.day))
    ]
