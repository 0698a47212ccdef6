"""What a call is named by: the same in each run of the same work. MiniStack is imported for its types, not started."""

from __future__ import annotations

import pytest

from infra.faults.emulator import is_of_a_function, request_target, s3_error, task_target
from infra.faults.kinds import S3_ERRORS
from infra.faults.rules import Rule

SIGNED = "AWS4-HMAC-SHA256 Credential={}/20261122/eu-west-2/{}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize(
    ("key", "service", "hit"), [("ASIA1", "s3", True), ("test", "s3", False), ("ASIA1", "sqs", False)]
)
def test_only_what_functions_ask_of_s3_is_hit(key: str, service: str, *, hit: bool) -> None:
    assert is_of_a_function({"authorization": SIGNED.format(key, service)}) is hit
    assert is_of_a_function({}) is False


def test_an_s3_request_is_named_by_method_path_and_query() -> None:
    assert request_target("PUT", "/b/k", {}, {}) == "PUT /b/k"
    assert request_target("GET", "/b", {"prefix": ["x"], "list-type": ["2"]}, {}) == "GET /b?list-type=2&prefix=x"


def test_only_a_write_on_a_condition_can_be_in_conflict() -> None:
    conflict = Rule("s3", "conflict", match="/markers/")
    for header in ("if-match", "if-none-match"):
        assert conflict.fits("s3", request_target("PUT", "/b/markers/k", {}, {header: "*"}))
        assert not conflict.fits("s3", request_target("GET", "/b/markers/k", {}, {header: "*"}))
        assert not conflict.fits("s3", request_target("PUT", "/b/clean/k", {}, {header: "*"}))
    assert not conflict.fits("s3", request_target("PUT", "/b/markers/k", {}, {"etag": "x"}))


def test_a_task_is_named_by_what_it_calls_and_its_batch_not_by_its_execution() -> None:
    arn = "arn:aws:lambda:eu-west-2:000000000000:function:marketlake-fetch"
    payload = {"task": {"execution": "a"}, "batch": {"dataset": "fx_rates", "days": ["2022-01-03/2022-01-07"]}}
    fetch = {"FunctionName": arn, "Payload": payload}
    assert task_target(fetch) == "marketlake-fetch fx_rates 2022-01-03/2022-01-07"
    assert task_target({**fetch, "Payload": {**payload, "task": {"execution": "b"}}}) == task_target(fetch)
    letter = {"QueueUrl": "http://x/0/marketlake-dlq", "MessageBody": {"dataset": "fx_rates", "days": ["2022-01-03"]}}
    assert task_target(letter) == "marketlake-dlq fx_rates 2022-01-03"
    topic = {"TopicArn": "arn:aws:sns:eu-west-2:000000000000:marketlake-failures", "Message": "..."}
    assert task_target(topic) == "marketlake-failures"


def test_an_s3_error_is_s3s_own_document_and_escapes_the_path() -> None:
    status, headers, body = s3_error(S3_ERRORS["slow_down"], "/b/<k>", "id")
    assert (status, headers["Content-Type"]) == (503, "application/xml")
    assert b"<Code>SlowDown</Code>" in body
    assert b"<k>" not in body
