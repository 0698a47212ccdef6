"""S3's answers that depend on what else the caller may do, which MiniStack does not look at."""

from __future__ import annotations

from typing import Any

from ministack import app
from ministack.core.iam_actions import access_denied_response
from ministack.core.iam_evaluator import EvalResult, enforce  # itself: these are no calls to be recorded
from ministack.core.router import extract_access_key_id, extract_region

Answer = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Query = dict[str, list[str]]


def answer_as_s3() -> None:
    """Make S3 refuse what it refuses on AWS, beside what the action of a request needs.

    - A read of an object that does not exist is 403 where the caller may not list the bucket. A right to list some
      prefixes is not enough, since a read has no prefix (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
    - A write with If-Match needs the right to read the object
      (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-write-etags).
    """
    dispatch = app._dispatch_service_request

    async def answered(method: str, path: str, headers: Headers, body: bytes, query: Query, request_id: str) -> Answer:
        if method == "PUT" and "if-match" in headers and "/s3/aws4_request" in headers.get("authorization", ""):
            refusal = _refusal("s3:GetObject", path.strip("/"), headers, query, request_id)
            if refusal is not None:
                return refusal
        answer: Answer = await dispatch(method, path, headers, body, query, request_id)
        bucket, _, key = path.strip("/").partition("/")
        if key and _is_missing(method, answer):
            return _refusal("s3:ListBucket", bucket, headers, query, request_id) or answer
        return answer

    app._dispatch_service_request = answered


def _is_missing(method: str, answer: Answer) -> bool:
    if answer[0] != 404 or method not in ("GET", "HEAD"):
        return False
    # An answer to HEAD has no body that would tell a bucket that is missing from an object.
    return method == "HEAD" or (isinstance(answer[2], bytes) and b"<Code>NoSuchKey</Code>" in answer[2])


def _refusal(action: str, resource: str, headers: Headers, query: Query, request_id: str) -> Answer | None:
    """S3's refusal of ``action`` on ``resource`` (a bucket, or bucket and key), or None where the caller may do it."""
    arn = f"arn:aws:s3:::{resource}"
    key, region = extract_access_key_id(headers, query), extract_region(headers, query)
    denied = enforce(key, action, "s3", region, resource_arn=arn)
    if not isinstance(denied, EvalResult):  # allowed; or not known, which the request itself is refused for
        return None
    refusal: Answer = access_denied_response(
        "s3", action, denied.principal_arn, request_id, headers=headers, resource_arn=arn
    )
    return refusal
