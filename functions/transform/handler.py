"""Lambda ``transform``: accepted raw days to typed Parquet, one deterministic object a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from marketlake.aws import s3_client
from marketlake.contract import Contract, load_contract
from marketlake.errors import DataQualityError, RawChanged
from marketlake.layout import clean_key, manifest_key, raw_key
from marketlake.manifest import ValidatedDay, WrittenDay, read_validated, write_manifest
from marketlake.raw_frames import RawDay, read_raw
from marketlake.rewrites import write_rewrites
from marketlake.schemas import polars_schema
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.telemetry import Event, count, logger, task
from transform.compact import compact_years
from transform.existing import StoredDay, counted_once, replace_days, stored_days
from transform.notice import notice_rewrites
from transform.parquet import CONTENT_TYPE, nulls_of, ranges_of, to_parquet


@dataclass(frozen=True)
class Settings:
    """What Transform needs."""

    raw_bucket: str
    clean_bucket: str


@task("transform")
def handler(event: Event) -> Event:
    """``{"batch", "fetched", "validated", "task"}`` to counts and the manifest of what was written."""
    settings = read_settings(Settings)
    batch, about = event["batch"], event["task"]
    contract = load_contract(batch["dataset"])
    raw, clean = Bucket(settings.raw_bucket, s3_client()), Bucket(settings.clean_bucket, s3_client())
    validated = read_validated(clean, event["validated"]["manifest"])

    raw_days = _read_days(contract, raw, validated, batch["symbols"])
    frames = clean_frames(contract, raw_days, validated)
    # A request for some symbols or a correction lands on days that are there already. A forced run does, too, but its
    # reads would cost a request a day to say what the marker's ETag says.
    looks = batch["symbols"] or batch["recheck"]
    before = stored_days(contract, clean, validated) if looks else [None] * len(frames)
    olds = [old.frame if old else None for old in before]
    # Before anything is written over, and kept before that: an attempt after this one no longer sees it.
    rewrites = notice_rewrites(contract, raw, clean, event, validated, olds, frames)
    if rewrites:
        write_rewrites(clean, about["execution"], about["batch"], rewrites)
    if batch["symbols"]:
        frames = [patched(contract, day, old, new) for day, old, new in zip(validated, olds, frames, strict=True)]
    changed = [changed_rows(old.frame, new) if old else None for old, new in zip(before, frames, strict=True)]
    if any(before):
        changed = counted_once(clean, manifest_key(about["execution"], about["batch"], "changed"), changed)
    keys = [clean_key(contract.name, day.dt) for day in validated]
    objects = dict(zip(keys, map(to_parquet, frames), strict=True))
    if batch["symbols"]:
        etags = replace_days(clean, objects, {key: old.etag for key, old in zip(keys, before, strict=True) if old})
    else:
        etags = clean.put_many(objects, CONTENT_TYPE)
    rows_by_day = {
        day.dt: StoredDay(frame, etags[key]) for day, frame, key in zip(validated, frames, keys, strict=True)
    }
    years = compact_years(contract, clean, rows_by_day)

    written = [
        _written(contract, day, frame, etags[key], differing)
        for day, frame, key, differing in zip(validated, frames, keys, changed, strict=True)
    ]
    manifest = manifest_key(about["execution"], about["batch"], "written")
    write_manifest(clean, manifest, written)
    rows = sum(day.rows for day in written)
    count("RowsWritten", rows, dataset=contract.name)
    told = {"days": len(written), "rows": rows, "years": years, "rewrites": len(rewrites)}
    logger("transform").info("transformed", extra=told)
    return {"written": len(written), "rows": rows, "rewrites": len(rewrites), "manifest": manifest}


def _read_days(contract: Contract, raw: Bucket, days: Sequence[ValidatedDay], symbols: Sequence[str]) -> list[RawDay]:
    bodies = raw.get_many([raw_key(contract, day.dt, symbols) for day in days])
    read = [RawDay(day.dt, stored.body) for day, stored in zip(days, bodies, strict=True)]
    changed = [f"{new.day}" for new, day in zip(read, days, strict=True) if new.sha256 != day.raw_sha256]
    if changed:
        raise RawChanged(
            f"{contract.name}: raw objects changed since they were validated ({', '.join(changed[:3])}): another "
            "execution fetched these days too; run them again"
        )
    return read


def clean_frames(
    contract: Contract, raw_days: Sequence[RawDay], validated: Sequence[ValidatedDay]
) -> list[pl.DataFrame]:
    """The clean table's rows of each day, sorted by key, without what Validate put aside."""
    by_day = {
        key[0]: frame.drop("dt") for key, frame in read_raw(contract, raw_days).group_by("dt", maintain_order=True)
    }
    schema = polars_schema(contract)
    empty = pl.DataFrame(schema=schema)
    return [
        by_day.get(day.dt, empty).filter(~pl.col(contract.symbol_column).is_in(day.dropped)).select(schema.names())
        for day in validated
    ]


def _written(
    contract: Contract, day: ValidatedDay, frame: pl.DataFrame, etag: str, changed_rows: int | None
) -> WrittenDay:
    return WrittenDay(
        dt=day.dt,
        raw_sha256=day.raw_sha256,
        etag=etag,
        rows=frame.height,
        quarantined=len(day.dropped),
        ranges=ranges_of(contract, frame),
        nulls=nulls_of(frame),
        changed_rows=changed_rows,
    )


def patched(contract: Contract, day: ValidatedDay, old: pl.DataFrame | None, new: pl.DataFrame) -> pl.DataFrame:
    """``old`` with the rows of ``new`` in place of its own, by key.

    Raises:
        DataQualityError: there is no ``old``; some symbols alone must not pass for a complete day.
    """
    if old is None:
        raise DataQualityError(
            f"{contract.name} {day.dt}: the lake has no complete day into which to put these symbols; "
            "run the day without symbols first"
        )
    return pl.concat([old.join(new, on=list(contract.key), how="anti"), new]).sort(contract.key)


def changed_rows(old: pl.DataFrame, new: pl.DataFrame) -> int:
    """Number of rows that are in one of the frames and not, or not the same, in the other, by key order."""
    return max(
        old.join(new, on=old.columns, how="anti", nulls_equal=True).height,
        new.join(old, on=new.columns, how="anti", nulls_equal=True).height,
    )
