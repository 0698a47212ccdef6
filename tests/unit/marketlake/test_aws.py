from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from marketlake.aws import athena_client, call, s3_client
from marketlake.errors import PermissionDenied, StorageUnavailable, UnexpectedError
from marketlake.storage import CONFLICT_PAUSES, Bucket, ObjectMissing, PreconditionFailed
from tests.unit.lake import REGION


def stubbed() -> tuple[Bucket, Stubber]:
    client = boto3.client(
        "s3", region_name=REGION, config=Config(retries={"total_max_attempts": 1, "mode": "standard"})
    )
    stubber = Stubber(client)
    stubber.activate()
    return Bucket("lake", client), stubber


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("SlowDown", 503, StorageUnavailable),
        ("ServiceUnavailable", 503, StorageUnavailable),
        ("InternalError", 500, StorageUnavailable),
        ("RequestTimeout", 400, StorageUnavailable),
        ("ThrottlingException", 400, StorageUnavailable),
        ("NoSuchKey", 404, ObjectMissing),
        ("NoSuchBucket", 404, UnexpectedError),
        ("InvalidArgument", 400, UnexpectedError),
    ],
)
def test_an_error_of_s3_is_one_of_ours(code: str, status: int, raised: type[Exception]) -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("get_object", code, "as S3 says", http_status_code=status)
    with pytest.raises(raised) as caught:
        bucket.get("raw/x")
    assert "s3:GetObject s3://lake/raw/x" in str(caught.value)
    assert code in str(caught.value) or raised is PermissionDenied


@pytest.mark.parametrize("code", ["AccessDenied", "AllAccessDisabled", "403"])
def test_an_object_that_is_there_and_refused_is_a_lack_of_permission(code: str) -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("get_object", code, "as S3 says", http_status_code=403)
    stubber.add_response("list_objects_v2", listing("raw/x"), {"Bucket": "lake", "Prefix": "raw/x", "StartAfter": ""})
    stubber.add_client_error("get_object", code, "as S3 says", http_status_code=403)
    with pytest.raises(PermissionDenied, match="s3:GetObject s3://lake/raw/x"):
        bucket.get("raw/x")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
@pytest.mark.parametrize("listed", [(), ("raw/xy",)], ids=["nothing", "a longer key"])
def test_a_refused_object_that_no_listing_has_is_missing(operation: str, listed: tuple[str, ...]) -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error(operation, "403" if operation == "head_object" else "AccessDenied", http_status_code=403)
    stubber.add_response("list_objects_v2", listing(*listed))
    with pytest.raises(ObjectMissing, match="s3://lake/raw/x"):
        (bucket.metadata if operation == "head_object" else bucket.get)("raw/x")
    stubber.assert_no_pending_responses()


def test_where_the_listing_is_refused_too_it_is_a_lack_of_permission() -> None:
    bucket, stubber = stubbed()
    for operation in ("get_object", "list_objects_v2", "get_object"):
        stubber.add_client_error(operation, "AccessDenied", http_status_code=403)
    with pytest.raises(PermissionDenied, match="s3:GetObject s3://lake/raw/x"):
        bucket.get("raw/x")


def test_an_object_that_is_written_between_read_and_listing_is_read() -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("head_object", "403", http_status_code=403)
    stubber.add_response("list_objects_v2", listing("raw/x"))
    stubber.add_response("head_object", {"Metadata": {"days": "1f"}})
    assert bucket.metadata("raw/x") == {"days": "1f"}


def test_s3_that_fails_at_the_listing_is_worth_another_try() -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
    stubber.add_client_error("list_objects_v2", "SlowDown", http_status_code=503)
    with pytest.raises(StorageUnavailable, match="s3:ListBucket"):
        bucket.get("raw/x")


def listing(*keys: str) -> dict[str, Any]:
    return {"Contents": [{"Key": key, "ETag": '"e"'} for key in keys], "IsTruncated": False}


@pytest.mark.parametrize("code", ["PreconditionFailed", "412"])
def test_a_lost_conditional_write_is_distinguished(code: str) -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("put_object", code, http_status_code=412)
    with pytest.raises(PreconditionFailed):
        bucket.put("markers/x", b"", "text/plain", if_absent=True)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which take no time here."""
    made: list[float] = []
    monkeypatch.setattr("marketlake.storage.time.sleep", made.append)
    return made


@pytest.mark.parametrize("condition", [{"if_absent": True}, {"if_match": "e"}], ids=str)
@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "409"])
def test_a_write_that_s3_did_not_decide_about_is_tried_again(
    pauses: list[float], code: str, condition: dict[str, Any]
) -> None:
    bucket, stubber = stubbed()
    for _ in range(2):
        stubber.add_client_error("put_object", code, http_status_code=409)
    stubber.add_response("put_object", {"ETag": '"written"'})
    assert bucket.put("markers/x", b"", "text/plain", **condition) == "written"
    assert len(pauses) == 2


@pytest.mark.parametrize(("code", "status"), [("PreconditionFailed", 412), ("NoSuchKey", 404)])
def test_after_a_conflict_s3_may_still_decide_that_another_was_first(
    pauses: list[float], code: str, status: int
) -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    stubber.add_client_error("put_object", code, http_status_code=status)
    with pytest.raises(PreconditionFailed):
        bucket.put("markers/x", b"", "text/plain", if_match="e")
    assert len(pauses) == 1


def test_a_conflict_that_does_not_end_is_worth_another_try_later(pauses: list[float]) -> None:
    bucket, stubber = stubbed()
    for _ in range(len(CONFLICT_PAUSES) + 1):
        stubber.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    with pytest.raises(StorageUnavailable, match=r"s3:PutObject s3://lake/markers/x: .*try again later"):
        bucket.put("markers/x", b"", "text/plain", if_absent=True)
    stubber.assert_no_pending_responses()
    assert all(0 <= pause <= most for pause, most in zip(pauses, (*CONFLICT_PAUSES, 0), strict=True))


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_timeout_or_a_lost_connection_is_worth_another_try(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(StorageUnavailable, match=f"s3:GetObject: {type(error).__name__}.*try again later"):
        call(fail, "s3:GetObject")


def test_a_refusal_names_the_call_and_where_to_look() -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("put_object", "AccessDenied", "no policy allows it", http_status_code=403)
    with pytest.raises(PermissionDenied, match=r"s3:PutObject s3://lake/k.*no policy.*infra/terraform/policies"):
        bucket.put("k", b"", "text/plain")


def test_an_error_of_our_own_code_is_not_touched() -> None:
    with pytest.raises(ZeroDivisionError):
        call(lambda: 1 / 0, "arithmetic")


def test_a_process_keeps_one_client() -> None:
    assert s3_client() is s3_client()
    config: Any = athena_client().meta.config
    assert config.retries["total_max_attempts"] == 4
