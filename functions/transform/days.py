"""A day on its way into the lake: the rows that came, what the lake has of it, and what is written.

A row is kept until a new one with its key takes its place: what a source forgets for an evening is not forgotten here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import msgspec
import polars as pl
from msgspec import Struct

from marketlake.batch_rows import PARQUET, AcceptedDay, BatchRows, dated, to_parquet, to_parquet_by_day
from marketlake.contract import Contract
from marketlake.errors import DataQualityError, StorageUnavailable
from marketlake.layout import clean_key
from marketlake.manifest import JSON, WrittenDay
from marketlake.messages import Batch
from marketlake.storage import Bucket, PreconditionFailed, side_by_side
from marketlake.stored import StoredDay, read_day

ATTEMPTS = 8

DAYS_AT_ONCE = 64
"""Days whose Parquet is made in one go: enough to share the cost of it, few enough that writing begins early."""


class Change(Struct, frozen=True):
    """What a day's new rows do to the lake: rows that differ, None where it has no such day; rows that stay although
    they did not come; and whether the day's object stays as it is."""

    changed_rows: int | None
    kept_rows: int
    same: bool


NEW_DAY = Change(changed_rows=None, kept_rows=0, same=False)


@dataclass(frozen=True)
class Day:
    """A day of a batch. Its frames have the clean table's columns, sorted by key.

    ``came`` are the good rows that came, ``old`` is what the lake has, None where it has nothing. ``body`` is the
    Parquet of ``frame``, which is to be in the lake; of a day that the lake lacks it is made when it is written.
    ``etag`` is that of the day's object once it is there.
    """

    accepted: AcceptedDay
    came: pl.DataFrame
    frame: pl.DataFrame
    body: bytes = b""
    old: StoredDay | None = None
    change: Change = NEW_DAY
    etag: str = ""

    @property
    def dt(self) -> date:
        """The day."""
        return self.accepted.dt

    @property
    def is_there(self) -> bool:
        """Whether the day's object has these very bytes: the ETag of an object that is put whole, and not encrypted by
        a key of KMS, is their MD5 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html)."""
        return self.old is not None and self.old.etag == hashlib.md5(self.body, usedforsecurity=False).hexdigest()


Merge = Callable[[Sequence[Day]], list[Day]]
"""``merged`` of a contract and a batch."""


def days_of(rows: BatchRows) -> list[Day]:
    """The accepted days, each with its rows."""
    frames = by_day(rows.frame)
    return [Day(accepted, frames[accepted.dt], frames[accepted.dt]) for accepted in rows.days]


def refuse_absent(contract: Contract, days: Sequence[Day]) -> None:
    """Refuse to put some symbols alone into a day that the lake does not have.

    Raises:
        DataQualityError: there is such a day; some symbols must not pass for a complete day.
    """
    for day in days:
        if day.old is None:
            raise DataQualityError(
                f"{contract.name} {day.dt}: the lake has no complete day into which to put these symbols; "
                "run the day without symbols first"
            )


def merged(contract: Contract, batch: Batch, days: Sequence[Day]) -> list[Day]:
    """``days`` with all rows that are to be in the lake, and what they change.

    Rows that came replace old ones with their key; the old ones without a new one stay. Where the request says
    ``drop_missing``, those are taken out whose symbols were asked for.
    """
    there = {day.dt: day.old.frame for day in days if day.old is not None}
    if not there:
        return list(days)
    key, nothing = ["dt", *contract.key], days[0].came.clear()
    old, came = dated(there, nothing), dated({day.dt: day.came for day in days if day.dt in there}, nothing)
    without_new = old.join(came, on=key, how="anti")
    asked = pl.col(contract.symbol_column).is_in(batch.symbols) if batch.symbols else pl.lit(True)
    stay = without_new.filter(~asked) if batch.input.drop_missing else without_new
    whole = pl.concat([stay, came]).sort(key)
    frames, bodies = by_day(whole), to_parquet_by_day(whole)
    changed = changed_rows(old, whole)
    kept = {} if batch.input.drop_missing else count_by_day(without_new.filter(asked))

    def made(day: Day) -> Day:
        if day.old is None:
            return day
        frame = frames.get(day.dt, nothing)
        day = replace(day, frame=frame, body=bodies.get(day.dt) or to_parquet(frame))
        return replace(day, change=Change(changed.get(day.dt, 0), kept.get(day.dt, 0), day.is_there))

    return [made(day) for day in days]


def by_day(rows: pl.DataFrame) -> dict[date, pl.DataFrame]:
    """``rows``, which have ``dt``, by day, without it."""
    parts = rows.partition_by("dt", as_dict=True, include_key=False)
    return {day: part for (day,), part in parts.items()}


def count_by_day(rows: pl.DataFrame) -> dict[date, int]:
    """The number of ``rows`` of each day that has any."""
    return dict(rows.group_by("dt").len().iter_rows())


def with_first_changes(clean: Bucket, key: str, days: Sequence[Day]) -> list[Day]:
    """``days`` with what they change, which is kept at ``key``; or what an earlier attempt kept there.

    After the first write of a day its old rows are gone, so an attempt that follows a killed one would find no change.
    """
    changes = [day.change for day in days]
    try:
        clean.put(key, msgspec.json.encode(changes), JSON, if_absent=True)
    except PreconditionFailed:
        changes = msgspec.json.decode(clean.get(key).body, type=list[Change])
    return [replace(day, change=change) for day, change in zip(days, changes, strict=True)]


def changed_rows(old: pl.DataFrame, new: pl.DataFrame) -> dict[date, int]:
    """For each day the number of rows, all with ``dt``, that are in one of the frames and not, or not the same, in the
    other; a day without any is left out."""
    gone, come = (
        count_by_day(left.join(right, on=left.columns, how="anti", nulls_equal=True))
        for left, right in ((old, new), (new, old))
    )
    return {day: max(gone.get(day, 0), come.get(day, 0)) for day in gone.keys() | come.keys()}


def write_days(contract: Contract, clean: Bucket, days: Sequence[Day], merge: Merge) -> list[Day]:
    """Write each day's object in place of the old one that was read, side by side; days that are there stay. The
    Parquet of some days is made while those before are written.

    Where another execution has written the day since, ``merge`` puts the rows that came into what that one wrote.

    Raises:
        StorageUnavailable: others wrote one of the days eight times in a row.
    """
    return side_by_side(lambda day: _write_day(contract, clean, day, merge), _with_bodies(days))


def _with_bodies(days: Sequence[Day]) -> Iterator[Day]:
    for first in range(0, len(days), DAYS_AT_ONCE):
        some = days[first : first + DAYS_AT_ONCE]
        missing = {day.dt: day.frame for day in some if not day.body}
        bodies = to_parquet_by_day(dated(missing, some[0].came.clear())) if missing else {}
        yield from (day if day.body else replace(day, body=bodies[day.dt]) for day in some)


def _write_day(contract: Contract, clean: Bucket, day: Day, merge: Merge) -> Day:
    key, first = clean_key(contract.name, day.dt), day
    for _ in range(ATTEMPTS):
        old = day.old.etag if day.old else ""
        if day.is_there:
            return replace(day, etag=old, change=first.change)
        try:
            etag = clean.put(key, day.body, PARQUET, if_match=old or None, if_absent=not old)
            return replace(day, etag=etag, change=first.change)
        except PreconditionFailed:
            # Where it was removed since, what was read of it is all there is.
            gone = replace(day.old, etag="") if day.old else None
            (day,) = merge([replace(day, old=read_day(contract, clean, day.dt) or gone)])
    raise StorageUnavailable(f"{key} was written {ATTEMPTS} times by other executions meanwhile; try again")


def described(contract: Contract, days: Sequence[Day]) -> list[WrittenDay]:
    """What Athena must find of ``days``, which are written."""
    found = measured(contract, {day.dt: day.frame for day in days})
    return [
        WrittenDay(
            dt=day.dt,
            raw_sha256=day.accepted.raw_sha256,
            etag=day.etag,
            rows=day.frame.height,
            quarantined=day.accepted.quarantined,
            ranges=found[day.dt].ranges,
            nulls=found[day.dt].nulls,
            changed_rows=day.change.changed_rows,
            kept_rows=day.change.kept_rows,
            same=day.change.same,
        )
        for day in days
    ]


class Measured(NamedTuple):
    """Least and greatest value of each number column, None where all are null; nulls of each column that has any."""

    ranges: dict[str, tuple[float, float] | None]
    nulls: dict[str, int]


def measured(contract: Contract, frames: Mapping[date, pl.DataFrame]) -> dict[date, Measured]:
    """What is in the rows of each day; ``frames`` have the clean table's columns."""
    nothing = next(iter(frames.values())).clear()
    by_day, numbers = dated(frames, nothing).group_by("dt"), contract.number_columns
    lows, highs, nulls = (
        {row[0]: row[1:] for row in by_day.agg(expression).iter_rows()}
        for expression in (pl.col(numbers).min(), pl.col(numbers).max(), pl.col(nothing.columns).null_count())
    )

    def of(day: date) -> Measured:
        if day not in lows:
            return Measured(dict.fromkeys(numbers), {})
        ends = zip(numbers, lows[day], highs[day], strict=True)
        counts = zip(nothing.columns, nulls[day], strict=True)
        return Measured(
            {name: None if low is None else (low, high) for name, low, high in ends},
            {name: count for name, count in counts if count},
        )

    return {day: of(day) for day in frames}
