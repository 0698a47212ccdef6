"""S3 as the functions use it: whole small objects, many at once, errors as our classes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from marketlake.aws import call
from marketlake.errors import PermissionDenied, StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

Item = TypeVar("Item")
Result = TypeVar("Result")

CONCURRENCY = 8
"""Requests under way at once. Small objects wait for round trips, not for bandwidth; more than this gained nothing on
a Lambda's share of a core (docs/benchmarks.md)."""

CONFLICT_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Upper bounds of the waits, in seconds, between the tries of a write that S3 answers with 409."""


class ObjectMissing(Exception):
    """There is no object with the key; what that means is the caller's to say."""


class PreconditionFailed(Exception):
    """A conditional write lost against another writer."""


class _Conflict(Exception):
    """S3 did not decide about a conditional write, since another request for the key was under way."""


_CONDITIONAL: Mapping[str, type[Exception]] = {
    "PreconditionFailed": PreconditionFailed,
    "412": PreconditionFailed,
    "ConditionalRequestConflict": _Conflict,
    "409": _Conflict,
}
"""S3's answers to a conditional write. 412 is a decision: somebody was first. 409 is not: the write is to be tried
again. (404 to If-Match says that the object is gone.)
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-error-response
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""


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

        return self._read(key, read)

    def metadata(self, key: str) -> dict[str, str]:
        """The user metadata of the object at ``key``, without its body.

        Raises:
            ObjectMissing: there is no such object.
        """
        return self._read(key, lambda: dict(self._client.head_object(Bucket=self.name, Key=key)["Metadata"]))

    def _read(self, key: str, read: Callable[[], Result]) -> Result:
        """``read()`` of the object at ``key``; a refusal is ``ObjectMissing`` where a listing lacks the key.

        To a role that may list some prefixes only, S3 answers 403 for an object that does not exist, as for one that
        the role may not read (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
        """
        what, missing = f"s3:GetObject s3://{self.name}/{key}", {"NoSuchKey": ObjectMissing, "404": ObjectMissing}
        try:
            return call(read, what, missing)
        except PermissionDenied as refused:
            if self._is_absent(key):
                raise ObjectMissing(f"{what}: refused, and no listing has it") from refused
        # It is there: written since the first read, or not for this role.
        return call(read, what, missing)

    def _is_absent(self, key: str) -> bool:
        """Whether a listing shows that nothing lies at ``key``; False where the listing is refused, too."""
        try:
            # A key comes first among those that begin with it.
            return next(iter(self.keys(key)), ("", ""))[0] != key
        except PermissionDenied:
            return False

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
            StorageUnavailable: other requests for the key were under way at each of six tries.
        """
        condition: dict[str, Any] = {"IfMatch": f'"{if_match}"'} if if_match else {}
        if if_absent:
            condition = {"IfNoneMatch": "*"}

        def write() -> str:
            answer = self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, Metadata=metadata or {}, **condition
            )
            return answer["ETag"].strip('"')

        what = f"s3:PutObject s3://{self.name}/{key}"
        answers = {**_CONDITIONAL, "NoSuchKey": PreconditionFailed} if if_match else _CONDITIONAL
        for pause in (*CONFLICT_PAUSES, 0.0):
            try:
                return call(write, what, answers)
            except _Conflict:
                time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
        raise StorageUnavailable(f"{what}: other requests for it were under way at every try; try again later")

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


def side_by_side(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``function`` of each item, ``CONCURRENCY`` at once, results in order; the first error ends it.

    What has not been started by then is not started any more. The items of an iterator are started as they come.
    """
    if isinstance(items, Sequence) and len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
