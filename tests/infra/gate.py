"""An address for AWS's SDKs that records and checks each request and lets the emulator answer it."""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.infra.fake_quicksight import QuickSight
from tests.infra.models import Call, NotUnderstood, read_call

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Gate:
    """In front of the emulator at ``behind``; QuickSight, which that lacks, is answered here.

    ``calls`` are what has come through, ``strange`` the requests that no model knows.
    """

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind).netloc
        self.calls: list[Call] = []
        self.strange: list[str] = []
        self.quicksight = QuickSight()
        gate = self

        class Handler(_Handler):
            owner = gate

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """As in AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def problems(self) -> list[str]:
        """All that the models say against what has come through."""
        return [*self.strange, *(f"{call.service}: {problem}" for call in self.calls for problem in call.problems)]

    def writes(self) -> list[str]:
        """``service:operation`` of what has come through and is not reading."""
        reading = ("Get", "List", "Describe", "Head", "Batch", "Validate")
        return [f"{call.service}:{call.operation}" for call in self.calls if not call.operation.startswith(reading)]

    def clear(self) -> None:
        """Forget what has come through."""
        self.calls, self.strange = [], []

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Gate

    def _any(self) -> None:
        body = self._body()
        try:
            call = read_call(self.command, self.path, dict(self.headers), body)
        except NotUnderstood as error:
            self.owner.strange.append(str(error))
        else:
            self.owner.calls.append(call)
            if call.service == "quicksight":
                status, document = self.owner.quicksight.answer(call.operation, call.parameters)
                self._send(status, {"Content-Type": "application/json"}, json.dumps(document).encode())
                return
        self._forward(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _any  # noqa: N815 - http.server asks for these names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _forward(self, body: bytes) -> None:
        behind = http.client.HTTPConnection(self.owner.behind, timeout=60)
        try:
            behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    behind.putheader(name, value)
            behind.putheader("Content-Length", str(len(body)))
            behind.endheaders(body)
            answer = behind.getresponse()
            self._send(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            behind.close()

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
