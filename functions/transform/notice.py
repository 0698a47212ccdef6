"""Looks for rewritten histories among the days that a batch sees again, before they are written over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from marketlake.contract import Contract
from marketlake.intervals import from_intervals
from marketlake.layout import before_key, clean_key, clean_prefix, keys_of_days, objects_by_day
from marketlake.manifest import ValidatedDay
from marketlake.raw_frames import CONTEXT_DAY, RawDay, read_raw
from marketlake.rewrites import Rewrite
from marketlake.storage import Bucket
from transform.existing import read_day
from transform.rewrites import Restated, find_restated

LONGEST_CLOSURE = timedelta(days=14)
"""No calendar here closes for as long."""


def notice_rewrites(
    contract: Contract,
    raw: Bucket,
    clean: Bucket,
    event: dict[str, Any],
    days: Sequence[ValidatedDay],
    stored: Sequence[pl.DataFrame | None],
    frames: Sequence[pl.DataFrame],
) -> list[Rewrite]:
    """Histories that upstream rewrote and that this batch does not bring on one basis.

    A batch of done days compares ``stored``, what the lake has of ``days``, with ``frames``. Every batch compares the
    lake's day before it with the last of the bars before it, which came in the same pass: after a week without runs
    there is no other day to be seen twice. Days that were asked for to be written again are expected to change.
    """
    if not contract.adjustments:
        return []
    dates = [day.dt for day in days]
    again = stored if event["batch"]["recheck"] else [None] * len(dates)
    then = [_dated(dt, frame) for dt, frame in zip(dates, again, strict=True) if frame is not None]
    now = [_dated(dt, frame) for dt, frame in zip(dates, frames, strict=True)]
    if (pair := _day_before(contract, raw, clean, event["batch"], event["fetched"])) is not None:
        then, now = [pair[0], *then], [pair[1], *now]
    if not then:
        return []
    found = find_restated(contract, pl.concat(then), pl.concat(now), _unchanged(contract, event))
    return _as_rewrites(contract, clean, found)


def _day_before(
    contract: Contract, raw: Bucket, clean: Bucket, batch: dict[str, Any], fetched: dict[str, Any]
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The day before the batch as it is in the lake and as it came now; None where one of them is missing."""
    if not fetched["before"] or batch.get("continues"):
        return None
    start = from_intervals(contract, batch["days"])[0]
    earlier = contract.days(start - LONGEST_CLOSURE, start - timedelta(days=1))
    if not earlier:
        return None
    last = earlier[-1]
    if clean_key(contract.name, last) not in keys_of_days(clean, clean_prefix(contract.name), [last]):
        return None
    bars = raw.get(before_key(contract, from_intervals(contract, fetched["days"])[0])).body
    now = (
        read_raw(contract, [RawDay(CONTEXT_DAY, bars)])
        .unique(contract.key, keep="last", maintain_order=True)
        .drop("dt")
    )
    return _dated(last, read_day(contract, clean, last).frame), _dated(last, now)


def _unchanged(contract: Contract, event: dict[str, Any]) -> list[date]:
    """Days that a batch of done days fetched and left out: their bytes are those that the lake was written from."""
    if not event["batch"]["recheck"]:
        return []
    validated = event["validated"]
    rejected = [run for rejection in validated["rejections"] for run in rejection["days"]]
    changed = set(from_intervals(contract, [*validated["accepted_days"], *rejected]))
    return [day for day in from_intervals(contract, event["fetched"]["days"]) if day not in changed]


def _as_rewrites(contract: Contract, clean: Bucket, found: Sequence[Restated]) -> list[Rewrite]:
    if not found:
        return []
    newest = max(restated.last for restated in found)
    first, _, _ = next(iter(objects_by_day(clean, clean_prefix(contract.name), None, newest)))
    return [
        Rewrite(
            dataset=contract.name,
            symbol=restated.symbol,
            event=restated.adjustment.event,
            factor=restated.factor,
            first=f"{first}",
            last=f"{restated.last}",
            mails=restated.adjustment.mails,
        )
        for restated in found
    ]


def _dated(day: date, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.lit(day).alias("dt"), pl.all())
