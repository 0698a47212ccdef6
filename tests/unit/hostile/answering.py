"""A server on the loopback that answers every request with the bytes it was given, whatever they are."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self, cast

HOST = "127.0.0.1"


class Answering:
    """One answer for all: status line, headers and body exactly as given, then the connection is closed."""

    def __init__(self) -> None:
        self.answer = b""
        self._server = _Server((HOST, 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    owner: Answering

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle of a strange answer is what is tested here."""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(cast(_Server, self.server).owner.answer)


def http(
    body: bytes,
    status: str = "200 OK",
    headers: tuple[str, ...] = ("Content-Type: application/json",),
    missing: int = 0,
) -> bytes:
    """An answer whose Content-Length names ``missing`` more bytes than come."""
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) + missing}", "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1", "replace") + body
