"""S3 in memory, as far as the functions use it, with a clock of its own.

moto takes over 2 ms a request, and a seed makes 55,000: two minutes more for each. It also has no clock of its own.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

Json = dict[str, Any]


class Killed(BaseException):
    """The process has ended."""


@dataclass(frozen=True)
class Object:
    """One object, with the ETag of its body and the time at which it was put."""

    body: bytes
    etag: str
    metadata: Mapping[str, str]
    written: datetime


@dataclass
class Fault:
    """What happens to the writes after the next ``after`` ones: the process ends, or S3 answers 503, ``times`` times.

    A process that ends may have stored what it was writing (``stored``).
    """

    kind: str
    after: int
    times: int
    stored: bool


class MemoryS3:
    """The client's methods that the functions call; conditional writes as S3 has them."""

    def __init__(self) -> None:
        self.now = datetime(2000, 1, 1, tzinfo=UTC)
        self.requests: Counter[str] = Counter()
        self.fault: Fault | None = None
        self.alive = True
        self._objects: dict[str, dict[str, Object]] = {}
        self._sorted: dict[str, list[str]] = {}

    def get_object(self, *, Bucket: str, Key: str) -> Json:  # noqa: N803 - boto3's names
        """An object."""
        found = self._found("GetObject", Bucket, Key, "NoSuchKey")
        return {"Body": io.BytesIO(found.body), "ETag": f'"{found.etag}"', "Metadata": dict(found.metadata)}

    def head_object(self, *, Bucket: str, Key: str) -> Json:  # noqa: N803
        """An object without its body."""
        found = self._found("HeadObject", Bucket, Key, "404")
        return {"ETag": f'"{found.etag}"', "Metadata": dict(found.metadata), "LastModified": found.written}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        Metadata: Mapping[str, str],  # noqa: N803
        ContentType: str,  # noqa: N803, ARG002
        IfMatch: str | None = None,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
    ) -> Json:
        """Store an object, on the condition given."""
        self._count("PutObject")
        stays = self._fault_of_write()
        there = self._objects.setdefault(Bucket, {})
        old = there.get(Key)
        if IfNoneMatch and old is not None:
            raise _error("PutObject", "PreconditionFailed", 412)
        if IfMatch and old is None:
            raise _error("PutObject", "NoSuchKey", 404)
        if IfMatch and old is not None and IfMatch.strip('"') != old.etag:
            raise _error("PutObject", "PreconditionFailed", 412)
        etag = hashlib.md5(Body, usedforsecurity=False).hexdigest()
        there[Key] = Object(Body, etag, dict(Metadata), self.now)
        if old is None:
            self._sorted.pop(Bucket, None)
        if not stays:
            raise Killed
        return {"ETag": f'"{etag}"'}

    def get_paginator(self, action: str) -> MemoryS3:
        """The lister: its pages are those of ``paginate``."""
        assert action == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[Json]:  # noqa: N803
        """Pages of 1,000 keys."""
        keys = [key for key in self._keys(Bucket, Prefix) if key > StartAfter]
        for start in range(0, max(len(keys), 1), 1000):
            self._count("ListObjectsV2")
            there = self._objects.get(Bucket, {})
            page = [{"Key": key, "ETag": f'"{there[key].etag}"'} for key in keys[start : start + 1000]]
            yield {"Contents": page}

    def written(self, bucket: str, prefix: str) -> list[tuple[str, datetime]]:
        """Keys below ``prefix`` with the time at which each was put; costs no request."""
        return [(key, self._objects[bucket][key].written) for key in self._keys(bucket, prefix)]

    def objects(self, bucket: str, prefix: str) -> list[tuple[str, Object]]:
        """Keys and objects below ``prefix``; costs no request."""
        return [(key, self._objects[bucket][key]) for key in self._keys(bucket, prefix)]

    def remove(self, bucket: str, key: str) -> None:
        """Remove an object."""
        del self._objects[bucket][key]
        self._sorted.pop(bucket, None)

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        if bucket not in self._sorted:
            self._sorted[bucket] = sorted(self._objects.get(bucket, {}))
        keys = self._sorted[bucket]
        return keys[bisect_left(keys, prefix) : bisect_right(keys, prefix + "\U0010ffff")]

    def _found(self, action: str, bucket: str, key: str, code: str) -> Object:
        self._count(action)
        found = self._objects.get(bucket, {}).get(key)
        if found is None:
            raise _error(action, code, 404)
        return found

    def _count(self, action: str) -> None:
        if not self.alive:
            raise Killed
        self.requests[action] += 1

    def _fault_of_write(self) -> bool:
        """Whether the process lives on after this write."""
        fault = self.fault
        if fault is None:
            return True
        if fault.after > 0:
            fault.after -= 1
            return True
        fault.times -= 1
        if fault.times <= 0:
            self.fault = None
        if fault.kind == "busy":
            raise _error("PutObject", "SlowDown", 503)
        self.alive = False
        if not fault.stored:
            raise Killed
        return False


def _error(action: str, code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, action)
