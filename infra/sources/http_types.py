"""Requests and responses as the server passes them to the two APIs and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

JSON = "application/json;charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain;charset=utf-8"
Behaviour = Literal["answer", "hang", "reset"]


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
    """What to send, and how: ``hang`` waits ``seconds`` and closes, ``reset`` cuts the connection."""

    status: int
    body: bytes
    content_type: str = JSON
    source: str = "replay"
    behaviour: Behaviour = "answer"
    seconds: float = 0.0

    def but(self, **changes: Any) -> Response:
        """A copy with other values."""
        return replace(self, **changes)


def as_json(document: Any, status: int = 200, source: str = "replay") -> Response:
    """A JSON response, compact; a NaN is refused rather than sent as invalid JSON."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(status, text.encode(), JSON, source)
