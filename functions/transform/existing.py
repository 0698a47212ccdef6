"""Days that are in the lake already: what lies there, how it is replaced, and how many rows that changes."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from marketlake.contract import Contract
from marketlake.errors import StorageUnavailable
from marketlake.layout import clean_key, clean_prefix, keys_of_days
from marketlake.manifest import JSON, ValidatedDay
from marketlake.storage import Bucket, PreconditionFailed, side_by_side
from transform.parquet import CONTENT_TYPE


@dataclass(frozen=True)
class StoredDay:
    """The rows of a day's clean object, and the ETag they were read with."""

    frame: pl.DataFrame
    etag: str


def read_day(contract: Contract, clean: Bucket, day: date) -> StoredDay:
    """The day's object as it is now.

    Raises:
        ObjectMissing: there is none.
    """
    stored = clean.get(clean_key(contract.name, day))
    return StoredDay(pl.read_parquet(io.BytesIO(stored.body)), stored.etag)


def stored_days(contract: Contract, clean: Bucket, days: Sequence[ValidatedDay]) -> list[StoredDay | None]:
    """What the lake has for each of ``days``."""
    there = keys_of_days(clean, clean_prefix(contract.name), [day.dt for day in days])

    def read(day: ValidatedDay) -> StoredDay | None:
        return read_day(contract, clean, day.dt) if clean_key(contract.name, day.dt) in there else None

    return side_by_side(read, days)


def replace_days(clean: Bucket, objects: Mapping[str, bytes], read: Mapping[str, str]) -> dict[str, str]:
    """Write ``objects`` (key to body), each only in place of the one that was ``read`` (key to ETag); their ETags.

    Raises:
        StorageUnavailable: another execution wrote one of them meanwhile; what it wrote must not be lost.
    """

    def put(key: str) -> str:
        try:
            return clean.put(key, objects[key], CONTENT_TYPE, if_match=read[key])
        except PreconditionFailed as lost:
            raise StorageUnavailable(f"{key} was written by another execution meanwhile; try again") from lost

    return dict(zip(objects, side_by_side(put, list(objects)), strict=True))


def counted_once(clean: Bucket, key: str, counts: Sequence[int | None]) -> list[int | None]:
    """``counts`` of changed rows, kept at ``key``; or those that an earlier attempt kept there.

    After the first write of a day its old rows are gone, so an attempt that follows a killed one would count nothing.
    """
    try:
        clean.put(key, json.dumps(list(counts)).encode(), JSON, if_absent=True)
    except PreconditionFailed:
        kept: list[int | None] = json.loads(clean.get(key).body)
        return kept
    return list(counts)
