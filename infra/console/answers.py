"""Answers as JSON: unchanged ones as 304, errors as a sentence with what to do next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.client.errors import OpsError, Refusal, explain
from infra.client.texts import plain
from infra.local.config import LocalError
from marketlake.errors import MarketlakeError

Reads = Callable[[Request], Any]


def reading(read: Reads) -> Callable[[Request], Response]:
    """An endpoint that answers what ``read`` returns, or 304 where the page has that already."""

    def endpoint(request: Request) -> Response:
        body = json.dumps(
            read(request), default=plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode("utf-8", "replace")
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(body, media_type="application/json", headers={"ETag": tag})

    return endpoint


def told(_request: Request, error: Exception) -> Response:
    """An error of ours or of the AWS SDK as the page shows it."""
    if isinstance(error, ClientError | BotoCoreError):
        error = explain(error)
    advice = error.advice if isinstance(error, OpsError) else ""
    status = 404 if isinstance(error, Refusal) else 502
    return JSONResponse({"error": str(error), "advice": advice}, status)


ERRORS: dict[Any, Any] = dict.fromkeys((OpsError, LocalError, MarketlakeError, ClientError, BotoCoreError), told)
"""Handlers by class of error; anything else is a defect of ours, and its trace goes to the terminal."""
