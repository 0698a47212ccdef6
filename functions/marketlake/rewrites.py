"""Histories that a source rewrote: what Transform noticed and Report describes, kept in S3 between the two."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from marketlake.layout import manifest_key, manifest_prefix
from marketlake.manifest import JSON
from marketlake.storage import Bucket, PreconditionFailed

STAGE = "rewrites"


@dataclass(frozen=True)
class Rewrite:
    """Earlier values of ``symbol`` that its source restated by ``factor``, because of ``event`` (split, dividend).

    ``first`` is the first day of the dataset in the lake and ``last`` the last day seen to be restated (ISO dates): to
    load these again brings the symbol's history on one basis. ``mails``: somebody is to hear of it at once.
    """

    dataset: str
    symbol: str
    event: str
    factor: float
    first: str
    last: str
    mails: bool


def write_rewrites(bucket: Bucket, execution: str, index: int, found: Sequence[Rewrite]) -> None:
    """Keep what batch ``index`` found; what the first attempt kept stays.

    A later attempt may find days that an earlier one has healed already, and so nothing.
    """
    with suppress(PreconditionFailed):
        bucket.put(manifest_key(execution, index, STAGE), msgspec.json.encode(found), JSON, if_absent=True)


def read_rewrites(bucket: Bucket, execution: str) -> list[Rewrite]:
    """What the batches of ``execution`` found, once a symbol and event, sorted; one request where there is nothing.

    Two batches may see the same rewrite on different days; the one that reaches further is kept.
    """
    keys = [key for key, _ in bucket.keys(manifest_prefix(execution)) if key.endswith(f"-{STAGE}.json")]
    documents = [msgspec.json.decode(stored.body, type=list[Rewrite]) for stored in bucket.get_many(keys)]
    read = [rewrite for document in documents for rewrite in document]
    latest = {
        (rewrite.dataset, rewrite.event, rewrite.symbol): rewrite for rewrite in sorted(read, key=lambda r: r.last)
    }
    return [latest[key] for key in sorted(latest)]
