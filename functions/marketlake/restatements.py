"""Histories that a source restated: what Transform noticed and Report describes, kept in S3 between the two."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from marketlake.layout import manifest_key
from marketlake.manifest import JSON
from marketlake.storage import Bucket, PreconditionFailed

STAGE = "restatements"


@dataclass(frozen=True)
class Restatement:
    """Earlier values of ``symbol`` that its source restated by ``factor``, because of ``event``, such as a split.

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


def write_restatements(bucket: Bucket, execution: str, index: int, found: Sequence[Restatement]) -> None:
    """Keep what batch ``index`` found; what the first attempt kept stays.

    A later attempt may find days that an earlier one has healed already, and so nothing.
    """
    with suppress(PreconditionFailed):
        bucket.put(manifest_key(execution, index, STAGE), msgspec.json.encode(found), JSON, if_absent=True)


def read_restatements(bucket: Bucket, keys: Sequence[str]) -> list[Restatement]:
    """What an execution's batches found, by its ``manifest_keys``: once a symbol and event, sorted.

    Two batches may see the same restatement on different days; the one that reaches further is kept.
    """
    found = [key for key in keys if key.endswith(f"-{STAGE}.json")]
    documents = [msgspec.json.decode(stored.body, type=list[Restatement]) for stored in bucket.get_many(found)]
    read = [restatement for document in documents for restatement in document]
    latest = {
        (restatement.dataset, restatement.event, restatement.symbol): restatement
        for restatement in sorted(read, key=lambda r: r.last)
    }
    return [latest[key] for key in sorted(latest)]
