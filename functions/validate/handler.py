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
from validate.anchors import held_rows
from validate.days import judge_days, messages, missing_days
from validate.doubts import with_doubts
from validate.levels import level_reasons
from validate.neighbours import repeat_reasons, spikes
from validate.raw import RawDay, read_raw
from validate.rules import row_reasons

NO_REASON = pl.lit(None, pl.String())


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

    days, earlier = _stored(contract, raw, batch, event.fetched)
    frame = read_raw(contract, days, earlier)
    first = days[0].day if days else date.max
    lake = held_rows(contract, clean, batch, first, frame)
    everything = judged_rows(contract, frame, lake)
    rows = everything.filter(pl.col("dt") >= first)
    same = _same_bytes(contract, clean, days) if batch.recheck and days else []
    unchanged = [day for day in same if not _judged_otherwise(contract, rows, lake, day)]
    candidates = [day.day for day in days if day.day not in unchanged]
    # The lake has the days of a look-back: it loses nothing by a row that did not come, or came bad.
    good = set(rows.filter(pl.col("reason").is_null())["dt"])
    judged = [day for day in candidates if day in good] if batch.recheck else candidates
    rejected = [] if batch.recheck else judge_days(contract, rows, judged, symbols, patch=bool(batch.symbols))
    accepted = set(judged) - {rejection.day for rejection in rejected}
    bad = rows.filter(pl.col("reason").is_not_null() & pl.col("dt").is_in(candidates))
    if bad.height:
        raw.put(quarantine_key(contract, execution, index), bad.write_csv().encode(), "text/csv")
    key = batch_rows_key(execution, index)
    if accepted:
        accepted_days = [day for day in days if day.day in accepted]
        before = last_before(contract, everything.filter(pl.col("dt") < first))
        write_batch_rows(clean, key, batch_rows(accepted_days, rows, before, unchanged))
    if not (batch.recheck or (batch.symbols and days)):
        # A day that is looked at again, or patched, is in the lake already; that its source lacks it loses nothing. But
        # that the source has none of the days of a patch is a failure.
        rejected += missing_days(contract, event.fetched)

    flagged = rows.filter(pl.col("reason").is_null() & pl.col("flags").is_not_null() & pl.col("dt").is_in(accepted))
    count("RowsRejected", bad.height, contract.name)
    count("RowsToReview", rows_to_review(contract, batch, rows, lake), contract.name)
    count("RowsFlagged", flagged.height, contract.name)
    logger("validate").info("validated", extra={"accepted": len(accepted), "rejected": len(rejected)})
    rejections = messages(contract, batch.input, rejected)
    return Validated(
        accepted=len(accepted),
        unchanged=len(candidates) - len(judged) + len(unchanged),
        rejected=len(rejected),
        rejected_rows=bad.height,
        flagged_rows=flagged.height,
        manifest=key,
        rejections=rejections,
        example=rejections[0] if rejections else None,
    )


def judged_rows(contract: Contract, frame: pl.DataFrame, lake: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``frame`` (``read_raw``) with a ``reason``, null for good ones, by day and key.

    Good ones lack the values in doubt, and their ``flags`` say so. ``lake`` is what the lake holds (``held_rows``).
    """
    frame = frame.sort(*contract.key, maintain_order=True)  # by day within each key, as it was
    reasons = row_reasons(contract, frame)
    reasons = _or_else(reasons, repeat_reasons(contract, frame, reasons.is_not_null()))
    wrong_level, splits = level_reasons(contract, frame, reasons.is_not_null(), lake)
    reasons = _or_else(reasons, wrong_level)
    bad = reasons.is_not_null()
    rows = frame.filter(~bad)
    marks = {"split": splits.filter(~bad), "spike": spikes(contract, rows)}
    good = with_doubts(contract, rows, marks).with_columns(reason=NO_REASON)
    columns = ["dt", *polars_schema(contract), "reason"]
    if not bad.any():
        return good.select(columns).sort("dt", maintain_order=True)
    wrong = frame.filter(bad).with_columns(reasons.filter(bad).alias("reason"))
    judged = pl.concat([good.select(columns), wrong.select(columns)])
    return judged.sort("dt", *contract.key, maintain_order=True)


def _or_else(reasons: pl.Series, further: pl.Series) -> pl.Series:
    return pl.select(pl.coalesce(reasons, further)).to_series()


def rows_to_review(contract: Contract, batch: Batch, rows: pl.DataFrame, lake: pl.DataFrame) -> int:
    """Quarantined rows at which a person should look: all, where they are a large share of the batch.

    Of a look-back those that the lake still lacks, since they were no better the first time.
    """
    bad = rows.filter(pl.col("reason").is_not_null())
    if batch.recheck:
        return bad.join(lake, on=["dt", *contract.key], how="anti").height
    return bad.height if bad.height > contract.rules.review_share * rows.height else 0


def batch_rows(
    days: Sequence[RawDay], rows: pl.DataFrame, before: pl.DataFrame, unchanged: Sequence[date]
) -> BatchRows:
    """The good ones of the judged ``rows`` of ``days``, each day with the hash of its raw bytes."""
    of_days = rows.filter(pl.col("dt").is_in([day.day for day in days]))
    bad = pl.col("reason").is_not_null()
    quarantined = dict(of_days.group_by("dt").agg(bad.sum()).iter_rows())
    accepted = [AcceptedDay(day.day, day.sha256, quarantined[day.day]) for day in days]
    return BatchRows(accepted, of_days.filter(~bad).drop("reason"), before, list(unchanged))


def last_before(contract: Contract, before: pl.DataFrame) -> pl.DataFrame:
    """The good rows of the last day of ``before``, judged rows, in the columns of the clean table."""
    last = before.filter(pl.col("reason").is_null() & (pl.col("dt") == pl.col("dt").max()))
    return last.select(polars_schema(contract).names())


def _stored(contract: Contract, raw: Bucket, batch: Batch, fetched: Fetched) -> tuple[list[RawDay], bytes | None]:
    """The days that Fetch stored, and the object of the rows before the batch, if there is one."""
    days = from_intervals(contract, fetched.days)
    bodies = raw.get_many([raw_key(contract, day, batch.symbols) for day in days])
    before = raw.get(before_key(contract, days[0], batch.symbols)).body if fetched.before else None
    return [RawDay(day, stored.body) for day, stored in zip(days, bodies, strict=True)], before


def _judged_otherwise(contract: Contract, rows: pl.DataFrame, lake: pl.DataFrame, day: date) -> bool:
    """Whether a row of ``day`` that is good now is not in the lake, or has other flags there: more days are known now
    than when it was loaded."""
    if lake.filter(pl.col("dt") == day).is_empty():
        return False
    good = rows.filter((pl.col("dt") == day) & pl.col("reason").is_null())
    return bool(good.join(lake, on=["dt", *contract.key, "flags"], how="anti", nulls_equal=True).height)


def _same_bytes(contract: Contract, clean: Bucket, days: Sequence[RawDay]) -> list[date]:
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
