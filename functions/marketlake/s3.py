"""S3 by obstore, a client in Rust: those calls of boto3's client that the functions make, with its names and answers.

boto3 takes 1.4 to 2.4 ms of CPU a request, this 0.3 to 0.5 ms, most of it outside the interpreter's lock
(docs/benchmarks.md). Credentials, region and endpoint come from the environment, where Lambda puts them.
"""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from marketlake.errors import S3Refused, S3Unreachable

if TYPE_CHECKING:
    from obstore import Attributes, PutMode
    from obstore.store import BackoffConfig, RetryConfig

Result = TypeVar("Result")
Answer = dict[str, Any]

PAUSES: BackoffConfig = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2}
RETRIES: RetryConfig = {"max_retries": 3, "backoff": PAUSES, "retry_timeout": timedelta(seconds=60)}
"""Three more tries after 5xx, 429 and lost connections, as boto3 in its standard mode makes; the pauses have jitter. So
a write on a condition may be refused because of itself, where its answer was lost. One that is not answered in time is
not tried again.
https://docs.rs/object_store/latest/object_store/struct.RetryConfig.html"""

REQUEST_SECONDS, CONNECT_SECONDS = 20, 5

STANDARD_ATTRIBUTES = {"Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Cache-Control"}
"""Attributes of an object that are not its user metadata, by obstore's names."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE, _MESSAGE = re.compile(r"<Code>([^<]*)</Code>"), re.compile(r"<Message>([^<]*)</Message>")
_REDIRECTED = "Received redirect"


class ObjectStoreS3:
    """``get_object``, ``head_object``, ``put_object`` and the lister of ``list_objects_v2``, as boto3 has them.

    All raise :class:`S3Refused` and :class:`S3Unreachable`. A store is made once for each bucket, since it keeps the
    connections; safe to use from many threads.
    """

    def __init__(self) -> None:
        self._stores: dict[str, S3Store] = {}
        self._lock = threading.Lock()

    def get_object(self, *, Bucket: str, Key: str) -> Answer:  # noqa: N803 - boto3's names
        """An object: ``Body`` to read, ``ETag`` in quotes, user ``Metadata``."""

        def read() -> Answer:
            found = obstore.get(self._store(Bucket), Key)
            return {"Body": io.BytesIO(found.bytes()), **_described(found)}

        return _asked(read)

    def head_object(self, *, Bucket: str, Key: str) -> Answer:  # noqa: N803
        """An object without its body."""
        return _asked(lambda: _described(obstore.get(self._store(Bucket), Key, options={"head": True})))

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        ContentType: str,  # noqa: N803
        Metadata: Mapping[str, str],  # noqa: N803
        IfMatch: str | None = None,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
    ) -> Answer:
        """Store an object, on the condition given; ``IfNoneMatch`` is any object. Answers its ``ETag`` in quotes."""
        mode: PutMode = {"e_tag": IfMatch} if IfMatch else "create" if IfNoneMatch else "overwrite"
        attributes: Attributes = {"Content-Type": ContentType, **Metadata}
        store = self._store(Bucket)
        done = _asked(lambda: obstore.put(store, Key, Body, attributes=attributes, mode=mode, use_multipart=False))
        return {"ETag": done["e_tag"]}

    def get_paginator(self, action: str) -> ObjectStoreS3:
        """The lister, whose pages are those of ``paginate``."""
        if action != "list_objects_v2":
            raise ValueError(f"there is no lister of {action} here; accepted is list_objects_v2")
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[Answer]:  # noqa: N803
        """Pages of 1,000 keys below ``Prefix``, ascending; a page costs a request when it is asked for.

        obstore lists whole folders: for a prefix that ends within a name, its folder is listed from the prefix on.
        """
        folder = Prefix[: Prefix.rfind("/") + 1]
        before = Prefix[:-1] if Prefix != folder else ""
        after = max(StartAfter, before) or None
        pages = _asked(lambda: obstore.list(self._store(Bucket), folder or None, offset=after, chunk_size=1000))
        while page := _asked(lambda: next(pages, None)):
            found = [{"Key": item["path"], "ETag": item["e_tag"]} for item in page if item["path"].startswith(Prefix)]
            yield {"Contents": found}
            if not page[-1]["path"].startswith(Prefix) and page[-1]["path"] > Prefix:
                return

    def _store(self, bucket: str) -> S3Store:
        with self._lock:
            if bucket not in self._stores:
                self._stores[bucket] = _new_store(bucket)
            return self._stores[bucket]


def _new_store(bucket: str) -> S3Store:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return S3Store(
        bucket,
        # A bucket's own host, but for an endpoint that has one name only.
        virtual_hosted_style_request=not endpoint,
        client_options={
            "timeout": timedelta(seconds=REQUEST_SECONDS),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "allow_http": endpoint.startswith("http:"),
        },
        retry_config=RETRIES,
    )


def _described(found: obstore.GetResult) -> Answer:
    metadata = {name: value for name, value in found.attributes.items() if name not in STANDARD_ATTRIBUTES}
    return {"ETag": found.meta["e_tag"], "Metadata": metadata}


def _asked(request: Callable[[], Result]) -> Result:
    try:
        return request()
    except (BaseError, FileNotFoundError) as error:
        raise _error(f"{error}") from error


def _error(text: str) -> Exception:
    """What obstore's message says: it has S3's answer in it, and is followed by a trace.

    Its classes do not tell: to a write on a condition, 409 and 412 are one of them.
    """
    text = text.partition("\n\nDebug source")[0]
    status = _STATUS.search(text)
    if status is None and _REDIRECTED not in text:
        return S3Unreachable(text)
    code, message = _CODE.search(text), _MESSAGE.search(text)
    number = int(status[1]) if status else 301
    return S3Refused(code[1] if code else f"{number}", unescape(message[1]) if message else text, number)
