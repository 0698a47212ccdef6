"""S3 requests that fail: those of the functions; a person's own commands, made with root credentials, are spared."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ministack import app

from infra.faults.injector import Injector
from infra.local.config import ACCESS_KEY

SIGNED_FOR_S3 = re.compile(r"Credential=([^/,]+)/[^/]+/[^/]+/s3/aws4_request")
INTERNAL = (500, "InternalError", "We encountered an internal error. Please try again.")
ERRORS = {
    "internal_error": INTERNAL,
    "lost_answer": INTERNAL,
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

Answer = tuple[int, dict[str, str], Any]


def install(injector: Injector) -> None:
    """Let ``injector`` decide about each S3 request of this process's MiniStack."""
    dispatch = app._dispatch_service_request

    async def faulty(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]], request_id: str
    ) -> Answer:
        fault = injector.pick("s3", target_of(method, path, query)) if is_of_a_function(headers) else None
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind in ("internal_error", "slow_down"):
            return error(fault.kind, path, request_id)
        answer: Answer = await dispatch(method, path, headers, body, query, request_id)
        return error(fault.kind, path, request_id) if fault and fault.kind == "lost_answer" else answer

    app._dispatch_service_request = faulty


def is_of_a_function(headers: Mapping[str, str]) -> bool:
    """Whether a request is one for S3, signed by a role."""
    signed = SIGNED_FOR_S3.search(headers.get("authorization", ""))
    return signed is not None and signed[1] != ACCESS_KEY


def target_of(method: str, path: str, query: Mapping[str, list[str]]) -> str:
    """What is called, the same in each run of the same work."""
    asked = "&".join(f"{name}={','.join(values)}" for name, values in sorted(query.items()))
    return f"{method} {path}{'?' if asked else ''}{asked}"


def error(kind: str, path: str, request_id: str) -> Answer:
    """S3's own document of the error."""
    status, code, message = ERRORS[kind]
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
        f"<Resource>{quote(path)}</Resource><RequestId>{request_id}</RequestId></Error>"
    )
    return status, {"Content-Type": "application/xml", "x-amz-request-id": request_id}, body.encode()
