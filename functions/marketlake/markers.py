"""Processed markers: one small object a day that says what the lake holds for it and from which raw bytes.

A marker is written last, so a day with a marker is complete. It is replaced under a condition (If-None-Match,
If-Match), so of two executions on the same day neither overwrites what it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec
from msgspec import Struct

from marketlake.errors import ContractViolation, StorageUnavailable
from marketlake.layout import marker_key, marker_prefix, objects_by_day
from marketlake.manifest import JSON
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed

ATTEMPTS = 5
HISTORY_ENTRIES = 50
"""A marker keeps its last changes only: it must stay a small object whatever upstream does."""


class Replaced(Struct, frozen=True):
    """An earlier state of a day, the execution that wrote it, and the one that replaced it.

    ``changed_rows`` is how many rows that one changed, ``kept_rows`` how many it kept that its source did not send.
    """

    raw_sha256: str
    clean_etag: str
    execution: str
    replaced_by: str
    changed_rows: int | None
    kept_rows: int = 0


class Marker(Struct, frozen=True):
    """What is in the lake for a day: hash of the raw bytes, ETag and rows of the clean object, and who wrote it.

    ``history`` lists earlier states, oldest first.
    """

    dataset: str
    dt: date
    contract_version: int
    raw_sha256: str
    clean_etag: str
    rows: int
    quarantined: int
    execution: str
    history: list[Replaced] = []

    def says_the_same(self, other: Marker) -> bool:
        """Whether both describe the same clean bytes under the same contract.

        Other raw bytes that make no difference to them, such as noise, are no reason for another marker.
        """
        return (self.clean_etag, self.contract_version) == (other.clean_etag, other.contract_version)

    def replacing(self, old: Marker, changed_rows: int | None, kept_rows: int) -> Marker:
        """This marker with ``old`` added to its history."""
        entry = Replaced(old.raw_sha256, old.clean_etag, old.execution, self.execution, changed_rows, kept_rows)
        return msgspec.structs.replace(self, history=[*old.history, entry][-HISTORY_ENTRIES:])


def marked_days(bucket: Bucket, dataset: str, start: date, end: date) -> set[date]:
    """Days from ``start`` to ``end`` that have a marker; one request per 1,000 markers."""
    return {day for day, _, _ in objects_by_day(bucket, marker_prefix(dataset), start, end)}


def read_marker(bucket: Bucket, dataset: str, day: date) -> tuple[Marker, str] | None:
    """The day's marker with its ETag, or None if the day has no marker.

    Raises:
        ContractViolation: what lies there is not a marker.
    """
    try:
        stored = bucket.get(marker_key(dataset, day))
    except ObjectMissing:
        return None
    try:
        return msgspec.json.decode(stored.body, type=Marker), stored.etag
    except msgspec.DecodeError as error:
        key = marker_key(dataset, day)
        raise ContractViolation(f"marker {key} is not readable: {error}; remove it, then run the day again") from error


def write_marker(
    bucket: Bucket,
    marker: Marker,
    changed_rows: int | None = None,
    kept_rows: int = 0,
    confirm: Callable[[], None] | None = None,
) -> bool:
    """Put ``marker`` in place of whatever is there; returns whether anything was written.

    ``confirm`` raises if ``marker`` does not say any more what lies there. It is called after another marker was read
    and before that is replaced: who writes the day's object later marks it later, too, and finds this one changed.

    Raises:
        StorageUnavailable: other writers won five times in a row.
    """
    key = marker_key(marker.dataset, marker.dt)
    seen: tuple[Marker, str] | None = None
    for _ in range(ATTEMPTS):
        try:
            if seen is None:
                bucket.put(key, _body(marker), JSON, if_absent=True)
            else:
                bucket.put(key, _body(marker.replacing(seen[0], changed_rows, kept_rows)), JSON, if_match=seen[1])
            return True
        except PreconditionFailed:
            seen = read_marker(bucket, marker.dataset, marker.dt)
            if seen is not None and seen[0].says_the_same(marker):
                return False
            if confirm is not None:
                confirm()
    raise StorageUnavailable(f"marker {key}: {ATTEMPTS} other writers came first; try again later")


def _body(marker: Marker) -> bytes:
    return msgspec.json.format(msgspec.json.encode(marker), indent=1)
