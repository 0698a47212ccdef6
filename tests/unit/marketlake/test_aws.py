from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from marketlake.aws import call, s3_client
from marketlake.errors import PermissionDenied, StorageUnavailable, UnexpectedError
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed
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
        ("AccessDenied", 403, PermissionDenied),
        ("AllAccessDisabled", 403, PermissionDenied),
        ("403", 403, PermissionDenied),
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


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "412", "409"])
def test_a_lost_conditional_write_is_distinguished(code: str) -> None:
    bucket, stubber = stubbed()
    stubber.add_client_error("put_object", code, http_status_code=409)
    with pytest.raises(PreconditionFailed):
        bucket.put("markers/x", b"", "text/plain", if_absent=True)


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
    config: Any = s3_client().meta.config
    assert config.retries["total_max_attempts"] == 4
