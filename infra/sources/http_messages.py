"""Requests and responses as the server passes them to the two APIs and back, and what a fault does to a response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from infra.faults.rules import Rule

JSON = "application/json;charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain;charset=utf-8"
_PAGE = b"<!doctype html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


@dataclass(frozen=True)
class Request:
    """One request; ``query`` keeps the last value of a repeated parameter."""

    method: str
    target: str
    body: bytes = b""

    @property
    def path(self) -> str:
        """Decoded path without the query."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the query."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True)
class Response:
    """What to send, with ``headers`` beside the usual ones, and how: ``hang`` waits ``seconds`` and closes, ``reset``
    cuts the connection."""

    status: int
    body: bytes
    content_type: str = JSON
    source: str = "sources"
    behaviour: Literal["answer", "hang", "reset"] = "answer"
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(document: Any, status: int = 200, source: str = "sources") -> Response:
    """A JSON response, compact; a NaN is null."""
    return Response(status, msgspec.json.encode(document), JSON, source)


def spoiled(response: Response, fault: Rule) -> Response:
    """``response`` with a transport fault."""
    half = response.body[: max(len(response.body) // 2, 1)]
    changes: dict[str, dict[str, Any]] = {
        "status": {
            "status": fault.status,
            "body": _reason(fault.status),
            "content_type": TEXT,
            "headers": {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after}"},
        },
        "html": {"status": 200, "body": _PAGE, "content_type": HTML},
        "truncated": {"body": half},
        "empty": {"body": b""},
        "hang": {"behaviour": "hang", "seconds": fault.seconds},
        "reset": {"behaviour": "reset"},
    }
    return replace(response, **changes[fault.kind])


def _reason(status: int) -> bytes:
    return b"Too Many Requests\r\n" if status == 429 else f"injected status {status}".encode()
