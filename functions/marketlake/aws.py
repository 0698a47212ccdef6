"""AWS clients, and AWS errors as our classes.

What most functions do not need is imported where it is used: boto3 takes half a second on a function's share of a core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from marketlake.errors import PermissionDenied, S3Refused, S3Unreachable, StorageUnavailable, UnexpectedError

if TYPE_CHECKING:
    from mypy_boto3_athena.client import AthenaClient
    from mypy_boto3_glue.client import GlueClient
    from mypy_boto3_s3.client import S3Client

Result = TypeVar("Result")

REFUSED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation", "403"}
BUSY = {
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestTimeout",
    "RequestLimitExceeded",
}


def _new_s3() -> Any:
    from marketlake.s3 import ObjectStoreS3

    return ObjectStoreS3()


@lru_cache(maxsize=8)
def _client(service: str) -> Any:
    if service == "s3":
        return _new_s3()
    import boto3
    from botocore.config import Config

    # Standard mode: exponential backoff with jitter, and a quota that stops a storm of retries.
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=16,
        connect_timeout=5,
        read_timeout=20,
    )
    return boto3.client(service, config=config)


def s3_client() -> S3Client:
    """The S3 client of this process, which has the calls that :mod:`marketlake.s3` lists; made once, since a warm
    function keeps its connections."""
    client: S3Client = _client("s3")
    return client


def athena_client() -> AthenaClient:
    """The Athena client of this process."""
    client: AthenaClient = _client("athena")
    return client


def glue_client() -> GlueClient:
    """The Glue client of this process."""
    client: GlueClient = _client("glue")
    return client


def call(function: Callable[[], Result], what: str, expected: Mapping[str, type[Exception]] | None = None) -> Result:
    """``function()``, with AWS's errors as ours; ``what`` names action and resource in messages.

    Raises:
        PermissionDenied: AWS refused the call.
        StorageUnavailable: AWS answered 5xx or throttled, or could not be reached, after the SDK's own retries.
        UnexpectedError: any other error of AWS; its code and message are in ours.
        Exception: a class from ``expected``, by error code.
    """
    try:
        return function()
    except Exception as error:
        translated = _translated(error, what, expected or {})
        if translated is None:
            raise
        raise translated from error


def _translated(error: Exception, what: str, expected: Mapping[str, type[Exception]]) -> Exception | None:
    """``error`` as one of our classes; None where it is not of AWS."""
    if isinstance(error, S3Refused):
        return _refusal(error.code, error.message, error.status, what, expected)
    if isinstance(error, S3Unreachable):
        return StorageUnavailable(f"{what}: {error}; try again later")
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _refusal(answer.get("Code", ""), answer.get("Message", ""), status, what, expected)
    if isinstance(error, BotoCoreError):
        return StorageUnavailable(f"{what}: {type(error).__name__}: {error}; try again later")
    return None


def _refusal(code: str, message: str, status: int, what: str, expected: Mapping[str, type[Exception]]) -> Exception:
    if code in expected:
        return expected[code](f"{what}: {code}")
    if code in REFUSED:
        return PermissionDenied(f"{what}: AccessDenied: {message}; see its policy in infra/terraform/policies")
    if code in BUSY or status >= 500:
        return StorageUnavailable(f"{what}: {code} ({status}): {message}; try again later")
    return UnexpectedError(f"{what}: {code} ({status}): {message}; check the names in the function's environment")
