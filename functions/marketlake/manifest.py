"""Claim checks: what does not fit between states is kept in S3: the days that Transform wrote, for AthenaCheck by key,
and what Fetch did not get, for Report.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from msgspec import Struct

from marketlake.layout import manifest_key, manifest_prefix
from marketlake.storage import Bucket

JSON = "application/json"


class WrittenDay(Struct, frozen=True):
    """A day that Transform put into the lake: what lies at its clean key and what Athena must find there.

    ``ranges`` holds the least and greatest value of each number column (None where all are null), ``nulls`` the count
    of nulls of each column that has any. ``changed_rows`` counts rows that differ from what the lake had of the day,
    None where it had nothing; ``kept_rows`` those that stayed although they did not come again. ``same``: nothing was
    new, and the object was left as it is.
    """

    dt: date
    raw_sha256: str
    etag: str
    rows: int
    quarantined: int
    ranges: dict[str, tuple[float, float] | None]
    nulls: dict[str, int]
    changed_rows: int | None = None
    kept_rows: int = 0
    same: bool = False


def write_manifest(bucket: Bucket, key: str, days: Sequence[WrittenDay]) -> None:
    """Write ``days`` as a JSON document at ``key``."""
    bucket.put(key, msgspec.json.encode(days), JSON)


def read_manifest(bucket: Bucket, key: str) -> list[WrittenDay]:
    """What ``write_manifest`` wrote at ``key``."""
    return msgspec.json.decode(bucket.get(key).body, type=list[WrittenDay])


MAX_SILENT = 10
"""Silent symbols that Fetch notes of a batch at most; where it notes so many, there may be others."""


class FetchNotes(Struct, frozen=True):
    """What did not come of a batch, and somebody should know of.

    Symbols are texts, ``SYMBOL: reason``. ``failed`` ones did not come for a reason that may pass: the rest is stored,
    and a later run asks for them again. ``silent`` ones have had no bar for some days: the first few. ``missing`` are
    the day ranges that the source did not have.
    """

    failed: list[str] = []
    silent: list[str] = []
    missing: list[str] = []


NOTES = "fetch"


def write_notes(bucket: Bucket, execution: str, index: int, notes: FetchNotes) -> None:
    """Keep the ``notes`` of batch ``index``; nothing is written where there are none."""
    if notes != FetchNotes():
        bucket.put(manifest_key(execution, index, NOTES), msgspec.json.encode(notes), JSON)


def manifest_keys(bucket: Bucket, execution: str) -> list[str]:
    """The keys of all that was kept of the batches of ``execution``; one request."""
    return [key for key, _ in bucket.keys(manifest_prefix(execution))]


def read_notes(bucket: Bucket, keys: Sequence[str]) -> dict[int, FetchNotes]:
    """The notes among an execution's ``manifest_keys``, by the batch's index."""
    found = [key for key in keys if key.endswith(f"-{NOTES}.json")]
    read = (msgspec.json.decode(stored.body, type=FetchNotes) for stored in bucket.get_many(found))
    return {int(key.rpartition("/")[2].partition("-")[0]): notes for key, notes in zip(found, read, strict=True)}
