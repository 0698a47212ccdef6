"""A day on its way into the lake: the rows that came, what the lake has of it, and what is written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import msgspec
import polars as pl

from marketlake.batch_rows import PARQUET, AcceptedDay, BatchRows, to_parquet
from marketlake.contract import Contract
from marketlake.errors import DataQualityError, StorageUnavailable
from marketlake.layout import clean_key, clean_prefix, keys_of_days
from marketlake.manifest import JSON, WrittenDay
from marketlake.storage import Bucket, PreconditionFailed, side_by_side


@dataclass(frozen=True)
class StoredDay:
    """The rows of a day's clean object, and its ETag."""

    frame: pl.DataFrame
    etag: str


@dataclass(frozen=True)
class Day:
    """A day of a batch; ``frame`` has the clean table's columns, sorted by key.

    ``old`` is what the lake has of the day, None where it has nothing or that was not looked at; ``changed_rows`` is
    how many rows of it differ. ``etag`` is that of the object written.
    """

    accepted: AcceptedDay
    frame: pl.DataFrame
    old: StoredDay | None = None
    changed_rows: int | None = None
    etag: str = ""

    @property
    def dt(self) -> date:
        """The day."""
        return self.accepted.dt


def days_of(rows: BatchRows) -> list[Day]:
    """The accepted days, each with its rows."""
    frames = rows.frame.partition_by("dt", as_dict=True, include_key=False)
    return [Day(accepted, frames[accepted.dt,]) for accepted in rows.days]


def read_day(contract: Contract, clean: Bucket, day: date) -> StoredDay:
    """The day's object as it is now.

    Raises:
        ObjectMissing: the day has no object.
    """
    stored = clean.get(clean_key(contract.name, day))
    return StoredDay(pl.read_parquet(io.BytesIO(stored.body)), stored.etag)


def with_old(contract: Contract, clean: Bucket, days: Sequence[Day]) -> list[Day]:
    """``days`` with what the lake has of each."""
    there = keys_of_days(clean, clean_prefix(contract.name), [day.dt for day in days])

    def read(day: Day) -> Day:
        found = clean_key(contract.name, day.dt) in there
        return replace(day, old=read_day(contract, clean, day.dt)) if found else day

    return side_by_side(read, days)


def patched(contract: Contract, day: Day) -> Day:
    """``day`` with the old rows, and its own in place of those with the same key.

    Raises:
        DataQualityError: the lake has no such day; some symbols alone must not pass for a complete day.
    """
    if day.old is None:
        raise DataQualityError(
            f"{contract.name} {day.dt}: the lake has no complete day into which to put these symbols; "
            "run the day without symbols first"
        )
    kept = day.old.frame.join(day.frame, on=list(contract.key), how="anti")
    return replace(day, frame=pl.concat([kept, day.frame]).sort(contract.key))


def with_changes(clean: Bucket, key: str, days: Sequence[Day]) -> list[Day]:
    """``days`` with the number of rows that change, which are kept at ``key``; or that an earlier attempt kept there.

    After the first write of a day its old rows are gone, so an attempt that follows a killed one would count nothing.
    """
    if not any(day.old for day in days):
        return list(days)
    counts = [changed_rows(day.old.frame, day.frame) if day.old else None for day in days]
    try:
        clean.put(key, msgspec.json.encode(counts), JSON, if_absent=True)
    except PreconditionFailed:
        counts = msgspec.json.decode(clean.get(key).body, type=list[int | None])
    return [replace(day, changed_rows=count) for day, count in zip(days, counts, strict=True)]


def changed_rows(old: pl.DataFrame, new: pl.DataFrame) -> int:
    """Number of rows that are in one of the frames and not, or not the same, in the other, by key order."""
    return max(
        old.join(new, on=old.columns, how="anti", nulls_equal=True).height,
        new.join(old, on=new.columns, how="anti", nulls_equal=True).height,
    )


def write_days(contract: Contract, clean: Bucket, days: Sequence[Day], *, as_read: bool) -> list[Day]:
    """Write each day's object; ``as_read``: only in place of the old one that was read.

    Raises:
        StorageUnavailable: another execution wrote one of them meanwhile; what it wrote must not be lost.
    """

    def write(day: Day) -> Day:
        key = clean_key(contract.name, day.dt)
        read = day.old.etag if day.old and as_read else None
        try:
            return replace(day, etag=clean.put(key, to_parquet(day.frame), PARQUET, if_match=read))
        except PreconditionFailed as lost:
            raise StorageUnavailable(f"{key} was written by another execution meanwhile; try again") from lost

    return side_by_side(write, days)


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
        changed_rows=day.changed_rows,
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
