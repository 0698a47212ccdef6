"""The time-lapse's own parts: S3 in memory is as moto's, the lifecycle is Terraform's, and a wrong lake is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from marketlake.contract import load_contract
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed
from tests.timelapse.lifecycle import carry_out, default_days, expiry_rules
from tests.timelapse.objects import MemoryS3
from tests.timelapse.oracle import Oracle, compare
from tests.timelapse.world import RATES, Answered
from tests.unit.lake import REGION

DAY = date(2024, 1, 9)

Step = tuple[str, str, bytes]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put if absent", "put if unchanged", "get", "metadata", "list"]),
        st.sampled_from(["clean/a", "clean/b", "clean/a/c", "markers/a"]),
        st.sampled_from([b"1", b"22"]),
    ),
    max_size=12,
)


def answers(bucket: Bucket, steps: list[Step]) -> list[Any]:
    """What a bucket answers to each step; the ETags known are those of the first write to each key."""
    first: dict[str, str] = {}

    def do(kind: str, key: str, body: bytes) -> Any:
        conditions: dict[str, dict[str, Any]] = {
            "put": {},
            "put if absent": {"if_absent": True},
            "put if unchanged": {"if_match": first.get(key, "0" * 32)},
        }
        if kind in conditions:
            etag = bucket.put(key, body, "text/plain", metadata={"n": body.decode()}, **conditions[kind])
            first.setdefault(key, etag)
            return etag
        reads: dict[str, Callable[[], Any]] = {
            "get": lambda: bucket.get(key),
            "metadata": lambda: bucket.metadata(key),
            "list": lambda: list(bucket.keys(key.partition("/")[0], start_after=key)),
        }
        return reads[kind]()

    found: list[Any] = []
    for step in steps:
        try:
            found.append(do(*step))
        except (ObjectMissing, PreconditionFailed) as error:
            found.append(type(error))
    return found


@settings(max_examples=10, deadline=None)
@given(STEPS)
def test_s3_in_memory_answers_as_moto_does(steps: list[Step]) -> None:
    with mock_aws():
        client = boto3.client("s3", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
        client.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
        theirs = answers(Bucket("lake", client), steps)
    memory: Any = MemoryS3()
    assert answers(Bucket("lake", memory), steps) == theirs


def test_the_lifecycle_is_that_of_the_configuration() -> None:
    days, rules = default_days(), {rule.prefix: rule.days for rule in expiry_rules() if rule.bucket == "clean"}
    assert rules["clean/"] == days["clean_expire_days"]
    assert days["history_expire_days"] == 0, "the time-lapse is about a history that is kept for ever"
    assert not {"by_year/", "markers/"} & set(rules)


def test_an_object_goes_at_the_midnight_after_its_age_is_reached() -> None:
    s3, names = MemoryS3(), {f"{rule.bucket}_bucket": rule.bucket for rule in expiry_rules()}
    s3.now = written = datetime(2024, 1, 8, 20, tzinfo=UTC)
    s3.put_object(Bucket="raw", Key="raw/x", Body=b"x", ContentType="text/plain", Metadata={})
    after = timedelta(days=default_days()["raw_expire_days"])
    assert not carry_out(expiry_rules(), s3, names, written + after)
    assert [key for _, key in carry_out(expiry_rules(), s3, names, written + after + timedelta(hours=4))] == ["raw/x"]


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda rows: rows, ""),
        (lambda rows: rows.filter(pl.col("symbol") != "USD"), "1 rows lost: 2024-01-09 USD"),
        (lambda rows: rows.with_columns(rate=pl.col("rate") * 2), "2 rows other values"),
        (
            lambda rows: pl.concat([rows, rows.with_columns(symbol=pl.lit("SEK"))[:1]]),
            "1 rows never in an answer: 2024-01-09 SEK",
        ),
    ],
    ids=["as answered", "a row lost", "other values", "a row never in an answer"],
)
def test_a_wrong_history_is_noticed(change: Callable[[pl.DataFrame], pl.DataFrame], noticed: str) -> None:
    oracle, contract = Oracle(), load_contract(RATES)
    answered = oracle.hear(contract, [Answered(DAY, code, [1.1], good=True) for code in ("GBP", "USD")])
    oracle.confirm(RATES, answered, [DAY], drop_missing=False)
    found = str(compare(contract, oracle.of(RATES), change(answered)))
    assert noticed in found
    assert bool(noticed) == bool(found)


def test_what_a_batch_that_failed_got_may_be_there_or_not() -> None:
    oracle, contract = Oracle(), load_contract(RATES)
    loaded = oracle.hear(contract, [Answered(DAY, "USD", [1.1], good=True)])
    oracle.confirm(RATES, loaded, [DAY], drop_missing=False)
    corrected = oracle.hear(contract, [Answered(DAY, "USD", [1.2], good=True)])
    assert not compare(contract, oracle.of(RATES), loaded)
    assert not compare(contract, oracle.of(RATES), corrected)
    oracle.confirm(RATES, corrected, [DAY], drop_missing=False)
    assert compare(contract, oracle.of(RATES), loaded).other
