"""Claim checks: what one state tells the next about the days of a batch, kept in S3 and passed on by key."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from marketlake.storage import Bucket

JSON = "application/json"


@dataclass(frozen=True)
class ValidatedDay:
    """A day that Validate accepted: the hash of the raw bytes it saw, and the symbols whose rows it quarantined."""

    dt: date
    raw_sha256: str
    rows: int
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class WrittenDay:
    """A day that Transform wrote: what lies at its clean key and what Athena must find there.

    ``ranges`` holds the least and greatest value of each number column (None where all are null), ``nulls`` the count
    of nulls of each column that has any. ``changed_rows`` counts rows that differ from the object that was there
    before, None where there was none or it was not looked at.
    """

    dt: date
    raw_sha256: str
    etag: str
    rows: int
    quarantined: int
    ranges: dict[str, tuple[float, float] | None]
    nulls: dict[str, int]
    changed_rows: int | None = None


def write_manifest(bucket: Bucket, key: str, days: list[ValidatedDay] | list[WrittenDay]) -> None:
    """Write ``days`` as a JSON document at ``key``."""
    document = {"days": [asdict(day) for day in days]}
    bucket.put(key, json.dumps(document, default=str, separators=(",", ":")).encode(), JSON)


def read_validated(bucket: Bucket, key: str) -> list[ValidatedDay]:
    """What Validate wrote at ``key``."""
    return [ValidatedDay(**_with_date(day)) for day in _days(bucket, key)]


def read_written(bucket: Bucket, key: str) -> list[WrittenDay]:
    """What Transform wrote at ``key``."""
    return [WrittenDay(**_with_date(day)) for day in _days(bucket, key)]


def _days(bucket: Bucket, key: str) -> list[dict[str, Any]]:
    days: list[dict[str, Any]] = json.loads(bucket.get(key).body)["days"]
    return days


def _with_date(day: dict[str, Any]) -> dict[str, Any]:
    return {**day, "dt": date.fromisoformat(day["dt"])}
