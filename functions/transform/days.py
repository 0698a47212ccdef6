"""A day on its way into the lake: the rows that came, what the lake has of it, and what is written.

A row is kept until a new one with its key takes its place: what a source forgets for an evening is not forgotten here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import msgspec
import polars as pl
from msgspec import Struct

from marketlake.batch_rows import PARQUET, AcceptedDay, BatchRows, to_parquet
from marketlake.contract import Contract
from marketlake.errors import DataQualityError, StorageUnavailable
from marketlake.layout import clean_key
from marketlake.manifest import JSON, WrittenDay
from marketlake.messages import Batch
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed, side_by_side
from marketlake.stored import StoredDay, read_day

ATTEMPTS = 8


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
    Parquet of ``frame``, which is to be in the lake. ``etag`` is that of the day's object once it is there.
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


def days_of(rows: BatchRows) -> list[Day]:
    """The accepted days, each with its rows."""
    frames = rows.frame.partition_by("dt", as_dict=True, include_key=False)
    return [Day(accepted, frames[accepted.dt,], frames[accepted.dt,]) for accepted in rows.days]


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


def merged(contract: Contract, batch: Batch, day: Day) -> Day:
    """``day`` with all rows that are to be in the lake, and what they change.

    Rows that came replace old ones with their key; the old ones without a new one stay. Where the request says
    ``drop_missing``, those are taken out whose symbols were asked for.
    """
    if day.old is None:
        return replace(day, frame=day.came, body=to_parquet(day.came))
    old, key = day.old.frame, list(contract.key)
    without_new = old.join(day.came, on=key, how="anti")
    asked = pl.col(contract.symbol_column).is_in(batch.symbols) if batch.symbols else pl.lit(True)
    stay = without_new.filter(~asked) if batch.input.drop_missing else without_new
    frame = pl.concat([stay, day.came]).sort(key)
    kept = 0 if batch.input.drop_missing else without_new.filter(asked).height
    made = replace(day, frame=frame, body=to_parquet(frame))
    return replace(made, change=Change(changed_rows(old, frame), kept, made.is_there))


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


def changed_rows(old: pl.DataFrame, new: pl.DataFrame) -> int:
    """Number of rows that are in one of the frames and not, or not the same, in the other, by key order."""
    return max(
        old.join(new, on=old.columns, how="anti", nulls_equal=True).height,
        new.join(old, on=new.columns, how="anti", nulls_equal=True).height,
    )


def write_days(contract: Contract, clean: Bucket, days: Sequence[Day], merge: Callable[[Day], Day]) -> list[Day]:
    """Write each day's object in place of the old one that was read, side by side; days that are there stay.

    Where another execution has written the day since, ``merge`` puts the rows that came into what that one wrote.

    Raises:
        StorageUnavailable: others wrote one of the days eight times in a row.
    """
    return side_by_side(lambda day: _write_day(contract, clean, day, merge), days)


def _write_day(contract: Contract, clean: Bucket, day: Day, merge: Callable[[Day], Day]) -> Day:
    key, first = clean_key(contract.name, day.dt), day
    for _ in range(ATTEMPTS):
        old = day.old.etag if day.old else ""
        if day.is_there:
            return replace(day, etag=old, change=first.change)
        try:
            etag = clean.put(key, day.body, PARQUET, if_match=old or None, if_absent=not old)
            return replace(day, etag=etag, change=first.change)
        except PreconditionFailed:
            day = merge(replace(day, old=_old_now(contract, clean, day)))
    raise StorageUnavailable(f"{key} was written {ATTEMPTS} times by other executions meanwhile; try again")


def _old_now(contract: Contract, clean: Bucket, day: Day) -> StoredDay | None:
    try:
        return read_day(contract, clean, day.dt)
    except ObjectMissing:  # removed since: what was read of it is all there is
        return replace(day.old, etag="") if day.old else None


def described(contract: Contract, day: Day) -> WrittenDay:
    """What Athena must find of a day that was written."""
    return WrittenDay(
        dt=day.dt,
        raw_sha256=day.accepted.raw_sha256,
        etag=day.etag,
        rows=day.frame.height,
        quarantined=day.accepted.quarantined,
        ranges=ranges_of(contract, day.frame),
        nulls=nulls_of(day.frame),
        changed_rows=day.change.changed_rows,
        kept_rows=day.change.kept_rows,
        same=day.change.same,
    )


def ranges_of(contract: Contract, frame: pl.DataFrame) -> dict[str, tuple[float, float] | None]:
    """Least and greatest value of each number column, None where all are null."""
    names = contract.number_columns
    lows = frame.select(pl.col(names).min()).row(0)
    highs = frame.select(pl.col(names).max()).row(0)
    return {name: None if low is None else (low, high) for name, low, high in zip(names, lows, highs, strict=True)}


def nulls_of(frame: pl.DataFrame) -> dict[str, int]:
    """Count of nulls of each column that has any."""
    counts = frame.null_count().row(0, named=True)
    return {name: number for name, number in counts.items() if number}


def with_old(days: Sequence[Day], stored: Mapping[date, StoredDay]) -> list[Day]:
    """``days`` with what the lake has of each."""
    return [replace(day, old=stored.get(day.dt)) for day in days]
