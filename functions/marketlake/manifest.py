"""Claim checks: what Transform describes of the days of a batch, kept in S3 and passed on to AthenaCheck by key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from msgspec import Struct

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
