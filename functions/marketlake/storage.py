"""S3 as the functions use it: whole small objects, many at once, errors as our classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from marketlake.aws import call

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

Item = TypeVar("Item")
Result = TypeVar("Result")

CONCURRENCY = 8
"""Requests under way at once. Small objects wait for round trips, not for bandwidth; more than this gained nothing on
a Lambda's share of a core (docs/benchmarks.md)."""


class ObjectMissing(Exception):
    """There is no object with the key; what that means is the caller's to say."""


class PreconditionFailed(Exception):
    """A conditional write lost against another writer."""


@dataclass(frozen=True)
class Stored:
    """An object's body, its ETag, without quotes, and its user metadata."""

    body: bytes
    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class Bucket:
    """One bucket. All methods raise ``StorageUnavailable`` or ``PermissionDenied`` where ``aws.call`` says so."""

    def __init__(self, name: str, client: S3Client) -> None:
        self.name = name
        self._client = client

    def get(self, key: str) -> Stored:
        """The object at ``key``.

        Raises:
            ObjectMissing: there is no such object.
        """

        def read() -> Stored:
            answer = self._client.get_object(Bucket=self.name, Key=key)
            return Stored(answer["Body"].read(), answer["ETag"].strip('"'), answer["Metadata"])

        return call(read, f"s3:GetObject s3://{self.name}/{key}", {"NoSuchKey": ObjectMissing, "404": ObjectMissing})

    def metadata(self, key: str) -> dict[str, str]:
        """The user metadata of the object at ``key``, without its body.

        Raises:
            ObjectMissing: there is no such object.
        """

        def read() -> dict[str, str]:
            return dict(self._client.head_object(Bucket=self.name, Key=key)["Metadata"])

        return call(read, f"s3:GetObject s3://{self.name}/{key}", {"404": ObjectMissing})

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        if_absent: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write the object and return its ETag, without quotes; on the condition given.

        ``metadata`` is the object's user metadata: 2 KB of ASCII at most
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html).

        Raises:
            PreconditionFailed: the condition did not hold.
        """
        condition: dict[str, Any] = {"IfMatch": f'"{if_match}"'} if if_match else {}
        if if_absent:
            condition = {"IfNoneMatch": "*"}

        def write() -> str:
            answer = self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, Metadata=metadata or {}, **condition
            )
            return answer["ETag"].strip('"')

        # 409: another conditional write to the key is under way. 404: If-Match on an object that is gone.
        lost = dict.fromkeys(("PreconditionFailed", "ConditionalRequestConflict", "412", "409"), PreconditionFailed)
        if if_match:
            lost["NoSuchKey"] = PreconditionFailed
        return call(write, f"s3:PutObject s3://{self.name}/{key}", lost)

    def keys(self, prefix: str, start_after: str = "") -> Iterable[tuple[str, str]]:
        """Keys below ``prefix`` and after ``start_after`` with their ETags, ascending; one request per 1,000."""
        what = f"s3:ListBucket s3://{self.name}/{prefix}"
        paginator = self._client.get_paginator("list_objects_v2")
        pages = iter(paginator.paginate(Bucket=self.name, Prefix=prefix, StartAfter=start_after))
        while page := call(lambda: next(pages, None), what):
            for item in page.get("Contents", []):
                yield item["Key"], item["ETag"].strip('"')

    def get_many(self, keys: Sequence[str]) -> list[Stored]:
        """The objects at ``keys``, in their order, side by side.

        Raises:
            ObjectMissing: one of them is not there.
        """
        return side_by_side(self.get, keys)

    def put_many(self, objects: Mapping[str, bytes], content_type: str) -> dict[str, str]:
        """Write ``objects`` (key to body) side by side; returns key to ETag."""
        keys = list(objects)
        return dict(zip(keys, side_by_side(lambda key: self.put(key, objects[key], content_type), keys), strict=True))


def side_by_side(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``function`` of each item, ``CONCURRENCY`` at once, results in order; the first error ends it.

    What has not been started by then is not started any more.
    """
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(CONCURRENCY, len(items))) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
