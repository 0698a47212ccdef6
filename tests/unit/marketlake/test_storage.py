from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from moto.backends import get_backend

from marketlake.errors import StorageUnavailable
from marketlake.storage import CONCURRENCY, Bucket, ObjectMissing, PreconditionFailed, Stored, side_by_side
from tests.unit.lake import REGION, Lake


def test_what_was_put_comes_back_with_its_etag(lake: Lake) -> None:
    etag = lake.raw.put("raw/x", b"body", "text/csv")
    assert lake.raw.get("raw/x") == Stored(b"body", etag)
    assert etag == hashlib.md5(b"body", usedforsecurity=False).hexdigest()
    head = lake.client.head_object(Bucket=lake.raw.name, Key="raw/x")
    assert head["ContentType"] == "text/csv"


def test_an_object_that_is_not_there_is_reported_with_its_place(lake: Lake) -> None:
    with pytest.raises(ObjectMissing, match="s3://lake-raw/raw/x"):
        lake.raw.get("raw/x")


def test_if_absent_writes_once(lake: Lake) -> None:
    lake.clean.put("m", b"first", "text/plain", if_absent=True)
    with pytest.raises(PreconditionFailed):
        lake.clean.put("m", b"second", "text/plain", if_absent=True)
    assert lake.clean.get("m").body == b"first"


def test_if_match_writes_over_what_was_seen_only(lake: Lake) -> None:
    seen = lake.clean.put("m", b"first", "text/plain")
    lake.clean.put("m", b"second", "text/plain", if_match=seen)
    with pytest.raises(PreconditionFailed):
        lake.clean.put("m", b"third", "text/plain", if_match=seen)
    assert lake.clean.get("m").body == b"second"


def test_if_match_on_an_object_that_is_gone_is_a_lost_race(lake: Lake) -> None:
    with pytest.raises(PreconditionFailed):
        lake.clean.put("gone", b"x", "text/plain", if_match="0" * 32)


def test_a_listing_goes_on_after_a_thousand_keys(lake: Lake) -> None:
    names = [f"markers/d/{number:04}" for number in range(1203)]
    store = get_backend("s3")["123456789012"]["aws"]
    for name in [*names, "other/x"]:  # past HTTP: a thousand requests through moto take seconds
        store.put_object(lake.clean.name, name, b"")
    assert [key for key, _ in lake.clean.keys("markers/d/")] == names
    assert [key for key, _ in lake.clean.keys("markers/d/", start_after=names[99])] == names[100:]
    assert list(lake.clean.keys("nothing/")) == []


class Listings:
    """Answers a client's listings with 1,000 keys a page; moto is too slow to hold what a 25-year lake holds."""

    def __init__(self, pages: int) -> None:
        self.requests: list[Mapping[str, Any]] = []
        self.pages = pages
        self.client: Any = boto3.client("s3", region_name=REGION)
        self.client._make_api_call = self.answer

    def answer(self, _operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.requests.append(arguments)
        page = len(self.requests)
        keys = [{"Key": f"k{page}-{number:03}", "ETag": '"e"'} for number in range(1000)]
        more = page < self.pages
        return {"Contents": keys, "IsTruncated": more, **({"NextContinuationToken": f"t{page}"} if more else {})}


def test_a_listing_costs_one_request_a_thousand_keys_and_none_that_nobody_reads() -> None:
    made = Listings(pages=7)
    assert len(list(Bucket("b", made.client).keys("k"))) == 7000
    assert [request.get("ContinuationToken") for request in made.requests] == [None, *(f"t{n}" for n in range(1, 7))]
    lazy = Listings(pages=7)
    next(iter(Bucket("b", lazy.client).keys("k")))
    assert len(lazy.requests) == 1


def test_many_at_once_keep_their_order(lake: Lake) -> None:
    objects = {f"raw/{number}": f"{number}".encode() for number in range(40)}
    etags = lake.raw.put_many(objects, "text/plain")
    assert list(etags) == list(objects)
    keys = list(reversed(objects))
    assert [stored.body for stored in lake.raw.get_many(keys)] == [objects[key] for key in keys]
    assert lake.raw.get_many([]) == []


def test_one_missing_among_many_is_reported(lake: Lake) -> None:
    lake.raw.put_many({f"raw/{number}": b"" for number in range(10)}, "text/plain")
    with pytest.raises(ObjectMissing, match="raw/nine"):
        lake.raw.get_many([f"raw/{number}" for number in range(9)] + ["raw/nine"])


def test_side_by_side_runs_so_many_at_once_and_no_more() -> None:
    together = threading.Barrier(CONCURRENCY, timeout=10)
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1
        return number * 2

    assert side_by_side(work, range(CONCURRENCY * 3)) == [number * 2 for number in range(CONCURRENCY * 3)]
    assert most == CONCURRENCY


def test_after_an_error_nothing_more_is_started() -> None:
    started: list[int] = []
    release = threading.Event()

    def work(number: int) -> int:
        started.append(number)
        if number == 0:
            raise StorageUnavailable("S3 is down")
        release.wait(0.2)
        return number

    with pytest.raises(StorageUnavailable, match="S3 is down"):
        side_by_side(work, range(1000))
    assert len(started) < 3 * CONCURRENCY
