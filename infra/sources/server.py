"""The HTTP server around the app: loopback only, a thread a connection, connections kept alive."""

from __future__ import annotations

import errno
import socket
import socketserver
import struct
import sys
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self, cast

from infra.sources.app import ECB_PREFIX, FRANKFURTER_PREFIX, YAHOO_PREFIX, SourcesApp
from infra.sources.http_messages import Request, Response

HOST = "127.0.0.1"


class PortTaken(RuntimeError):
    """Another program listens on the port; the message says what to do."""


class SourcesServer(socketserver.ThreadingTCPServer):
    """A server that runs in a thread of this process when used as a context manager, or by ``serve_forever()``.

    Port 0 picks a free one. ``requests`` keeps the last ten thousand request lines, for tests.
    """

    # http.server.HTTPServer would look up the host's name in DNS while binding, which can take seconds offline.
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: SourcesApp, port: int = 0, log: Path | None = None) -> None:
        """Binds the port at once.

        Raises:
            PortTaken: another program listens there.
        """
        self.app = app
        self.requests: deque[str] = deque(maxlen=10_000)
        self.stopping = threading.Event()
        self._log = log.open("a", encoding="utf-8", buffering=1) if log else None
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortTaken(
                f"port {port} on {HOST} is taken by another program: stop it, or choose another with --port"
            ) from error

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Root of the server; ``/health`` is below it."""
        return f"http://{HOST}:{self.port}"

    @property
    def yahoo_url(self) -> str:
        """What YAHOO_BASE_URL should be."""
        return self.url + YAHOO_PREFIX

    @property
    def ecb_url(self) -> str:
        """What ECB_BASE_URL should be."""
        return self.url + ECB_PREFIX

    @property
    def frankfurter_url(self) -> str:
        """What FRANKFURTER_BASE_URL should be."""
        return self.url + FRANKFURTER_PREFIX

    def stop(self) -> None:
        """Ends hung responses, stops listening and closes the log; not to be called by the thread that serves."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        if self._log:
            self._log.close()

    def record(self, line: str, status: int) -> None:
        """Notes one request."""
        self.requests.append(line)
        if self._log and not self._log.closed:
            self._log.write(f"{status} {line}\n")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is not an error here: tests with short timeouts do so all the time."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        """Serves in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.1,), name="sources", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops the server."""
        self.stop()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one write, and at once: otherwise Nagle's algorithm costs 40 ms a response.
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60

    def _answer(self) -> None:
        server = cast(SourcesServer, self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        response = server.app.handle(Request(self.command, self.path, body))
        server.record(f"{self.command} {self.path}", response.status)
        if response.behaviour == "hang":
            server.stopping.wait(response.seconds)
        if response.behaviour == "answer":
            self._send(response)
        else:
            self._reset()

    do_GET = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - the library's names

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("X-Marketlake-Source", response.source)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _reset(self) -> None:
        """Lingering for zero seconds makes the kernel send RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
