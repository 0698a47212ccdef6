"""The versions of a year's object that the bucket keeps, and putting one of them back in place.

Every write of a year leaves the one before as an old version, for ``noncurrent_expire_days``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from infra.client.errors import Refusal
from infra.client.target import Target
from marketlake.history import DAYS, days_from_text
from marketlake.layout import year_key
from marketlake.storage import PreconditionFailed, side_by_side

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef


@dataclass(frozen=True)
class YearVersion:
    """One version of a year's object: when it was written, its bytes and ETag, and the days that it holds.

    ``days`` has each day's mark, and is None where the version does not say which days it holds.
    """

    id: str
    written: datetime
    size: int
    etag: str
    days: Mapping[date, str] | None
    is_current: bool

    def lacks(self, days: Collection[date]) -> set[date]:
        """Those of ``days`` that it does not hold."""
        return set(days) - (self.days or {}).keys()


@dataclass(frozen=True)
class YearVersions:
    """The versions of a year's object, newest first; ``removed`` is when the object was deleted, where it is gone."""

    dataset: str
    year: int
    versions: tuple[YearVersion, ...]
    removed: datetime | None

    @property
    def current(self) -> YearVersion | None:
        """The version that Athena reads; None where the object is gone."""
        return next((version for version in self.versions if version.is_current), None)

    def find(self, version_id: str) -> YearVersion:
        """The version ``version_id``.

        Raises:
            Refusal: there is no such version, it is the current one, or it does not say which days it holds.
        """
        listed = f"see them with: marketlake restore {self.dataset} {self.year}"
        found = next((version for version in self.versions if version.id == version_id), None)
        if found is None:
            raise Refusal(f"{self.dataset} {self.year} has no version {version_id!r}", listed)
        if found.is_current:
            raise Refusal(f"version {version_id} is in place already", listed)
        if found.days is None:
            raise Refusal(f"version {version_id} does not say which days it holds", listed)
        return found

    def lost_by(self, version: YearVersion) -> tuple[list[date], list[date]]:
        """Days of the current version that ``version`` lacks, and days of which it has other rows."""
        now = (self.current and self.current.days) or {}
        then = version.days or {}
        other = [day for day, mark in now.items() if then.get(day, mark) != mark]
        return sorted(version.lacks(now)), sorted(other)


def versions_of(target: Target, dataset: str, year: int) -> YearVersions:
    """The versions of the object of ``year``: one request that lists them, and one for each."""
    key, bucket = year_key(dataset, year), target.names["clean_bucket"]
    stored: list[ObjectVersionTypeDef] = []
    removed = None
    for page in target.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        stored += [version for version in page.get("Versions", []) if version["Key"] == key]
        markers = [mark for mark in page.get("DeleteMarkers", []) if mark["Key"] == key and mark["IsLatest"]]
        removed = markers[0]["LastModified"] if markers else removed

    def describe(version: ObjectVersionTypeDef) -> YearVersion:
        head = target.s3.head_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
        return YearVersion(
            version["VersionId"],
            version["LastModified"],
            version["Size"],
            version["ETag"].strip('"'),
            _days(year, head["Metadata"]),
            version["IsLatest"],
        )

    return YearVersions(dataset, year, tuple(side_by_side(describe, stored)), removed)


def _days(year: int, metadata: Mapping[str, str]) -> Mapping[date, str] | None:
    try:
        return days_from_text(year, metadata.get(DAYS, ""))
    except ValueError:
        return None


def put_back(target: Target, found: YearVersions, version: YearVersion) -> None:
    """Make ``version`` the current one: the same bytes and metadata, written as a new version.

    A PUT and no copy, because it is conditional: what an execution wrote since ``found`` was read is not replaced. A
    delete marker counts as no object.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

    Raises:
        Refusal: the year was written since.
    """
    key, bucket = year_key(found.dataset, found.year), target.bucket("clean")
    old = target.s3.get_object(Bucket=bucket.name, Key=key, VersionId=version.id)
    body, etag = old["Body"].read(), found.current.etag if found.current else None
    try:
        bucket.put(key, body, old["ContentType"], if_match=etag, if_absent=etag is None, metadata=old["Metadata"])
    except PreconditionFailed as error:
        again = f"look again: marketlake restore {found.dataset} {found.year}"
        raise Refusal(
            f"an execution wrote {found.dataset} {found.year} meanwhile; nothing was restored", again
        ) from error
