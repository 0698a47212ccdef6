"""Lambda ``validate``: raw rows against the contract; accepted days, rejected days and quarantined rows apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from marketlake.aws import s3_client
from marketlake.contract import Contract, load_contract
from marketlake.intervals import from_intervals, to_intervals
from marketlake.layout import before_key, manifest_key, quarantine_key, raw_key
from marketlake.manifest import ValidatedDay, write_manifest
from marketlake.markers import read_marker
from marketlake.raw_frames import CONTEXT_DAY, CONTEXT_END, RawDay, read_raw
from marketlake.settings import read_settings
from marketlake.storage import Bucket, side_by_side
from marketlake.symbols import symbols_in_force
from marketlake.telemetry import Event, count, logger, task
from validate.days import judge_days, messages, missing_days
from validate.moves import move_reasons
from validate.repeats import repeat_reasons
from validate.rules import row_reasons


@dataclass(frozen=True)
class Settings:
    """What Validate needs."""

    raw_bucket: str
    clean_bucket: str
    artifacts_bucket: str
    fx_base: str


@task("validate")
def handler(event: Event) -> Event:
    """``{"batch", "fetched", "task"}`` to counts, messages about rejected days, and the manifest of accepted ones."""
    settings = read_settings(Settings)
    batch, fetched, about = event["batch"], event["fetched"], event["task"]
    contract = load_contract(batch["dataset"])
    raw, clean = Bucket(settings.raw_bucket, s3_client()), Bucket(settings.clean_bucket, s3_client())
    symbols = symbols_in_force(contract, Bucket(settings.artifacts_bucket, s3_client()), settings.fx_base)
    if batch["symbols"]:
        symbols = symbols.only(batch["symbols"])

    stored = from_intervals(contract, fetched["days"])
    bodies = raw.get_many([raw_key(contract, day, batch["symbols"]) for day in stored])
    raw_days = [RawDay(day, body.body) for day, body in zip(stored, bodies, strict=True)]
    unchanged = _unchanged(contract, clean, raw_days) if batch["recheck"] else set()
    rows = judged_rows(contract, raw_days, _context(contract, raw, stored) if fetched["before"] else None)

    candidates = [day for day in stored if day not in unchanged]
    rejections = judge_days(contract, rows, candidates, symbols, patch=bool(batch["symbols"]))
    rejected = {rejection.day for rejection in rejections}
    accepted = [raw_day for raw_day in raw_days if raw_day.day in set(candidates) - rejected]
    bad = rows.filter(pl.col("reason").is_not_null() & pl.col("dt").is_in(candidates))
    if bad.height:
        _quarantine(contract, raw, bad, about)
    if not (batch["recheck"] or (batch["symbols"] and stored)):
        # A day that is looked at again, or patched, is in the lake already; that its source lacks it loses nothing. But
        # that it has none of the days of a patch is told.
        rejections += missing_days(contract, fetched["late"], fetched["holes"])
    manifest = manifest_key(about["execution"], about["batch"], "validated")
    if accepted:
        write_manifest(clean, manifest, validated_days(contract, accepted, rows))

    told = messages(contract, batch, rejections)
    count("RowsRejected", bad.height, dataset=contract.name)
    count("DaysRejected", len(rejections), dataset=contract.name)
    logger("validate").info("validated", extra={"accepted": len(accepted), "rejected": len(rejections)})
    return {
        "accepted": len(accepted),
        "accepted_days": to_intervals(contract, [raw_day.day for raw_day in accepted]),
        "unchanged": len(unchanged),
        "rejected": len(rejections),
        "rejected_rows": bad.height,
        "rejections": told,
        "example": told[0] if told else None,
        "manifest": manifest,
    }


def judged_rows(contract: Contract, days: list[RawDay], before: RawDay | None) -> pl.DataFrame:
    """All rows of ``days`` with a ``reason``, null for good ones; ``before`` is context for the day-on-day rule."""
    frame = read_raw(contract, [*([before] if before else []), *days])
    reasons = row_reasons(contract, frame)
    for further in (repeat_reasons, move_reasons):
        found = further(contract, frame, reasons.is_not_null())
        reasons = pl.select(pl.coalesce(reasons, found)).to_series()
    judged = frame.with_columns(reason=reasons)
    return judged.filter(pl.col("dt") >= CONTEXT_END)


def validated_days(contract: Contract, accepted: list[RawDay], rows: pl.DataFrame) -> list[ValidatedDay]:
    """What Transform is to know of each accepted day."""
    bad = rows.filter(pl.col("reason").is_not_null())
    dropped = {
        key[0]: group[contract.symbol_column].to_list() for key, group in bad.group_by("dt", maintain_order=True)
    }
    heights = dict(rows.group_by("dt").len().iter_rows())
    return [
        ValidatedDay(day.day, day.sha256, heights[day.day] - len(dropped.get(day.day, [])), dropped.get(day.day, []))
        for day in accepted
    ]


def _unchanged(contract: Contract, clean: Bucket, days: list[RawDay]) -> set[date]:
    markers = side_by_side(lambda raw: read_marker(clean, contract.name, raw.day), days)
    return {
        raw.day
        for raw, found in zip(days, markers, strict=True)
        if found and found[0].raw_sha256 == raw.sha256 and found[0].contract_version == contract.version
    }


def _context(contract: Contract, raw: Bucket, stored: list[date]) -> RawDay:
    return RawDay(CONTEXT_DAY, raw.get(before_key(contract, stored[0])).body)


def _quarantine(contract: Contract, raw: Bucket, bad: pl.DataFrame, about: Event) -> None:
    key = quarantine_key(contract, about["execution"], about["batch"])
    raw.put(key, bad.write_csv().encode(), "text/csv")
