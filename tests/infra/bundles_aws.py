"""The least of AWS that the functions need: an S3 of one dictionary, and a refusal for every other service."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class FakeAws:
    """``objects`` maps ``bucket/key`` to the body; ``refused`` are the calls to services other than S3."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refused: list[str] = []
        fake = self

        class Handler(_Handler):
            owner = fake

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """As in AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FakeAws

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        name, query = unquote(parts.path).lstrip("/"), parse_qs(parts.query)
        if "list-type" in query:
            self._list(name.rstrip("/"), query.get("prefix", [""])[0], query.get("start-after", [""])[0])
        elif name in self.owner.objects:
            self._send(200, self.owner.objects[name])
        else:
            self._send(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")

    def do_PUT(self) -> None:
        name = unquote(urlsplit(self.path).path).lstrip("/")
        self.owner.objects[name] = self._body()
        self._send(200, b"", etag_of=self.owner.objects[name])

    def do_POST(self) -> None:
        self._body()
        self.owner.refused.append(self.headers["X-Amz-Target"])
        self._send(400, b'{"__type": "AccessDeniedException", "message": "not for tests"}')

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _list(self, bucket: str, prefix: str, start_after: str) -> None:
        keys = sorted(name.removeprefix(f"{bucket}/") for name in self.owner.objects if name.startswith(f"{bucket}/"))
        found = [key for key in keys if key.startswith(prefix) and key > start_after]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>{_etag(self.owner.objects[f'{bucket}/{key}'])}</ETag>"
            "<LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size></Contents>"
            for key in found
        )
        self._send(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode())

    def _send(self, status: int, body: bytes, etag_of: bytes | None = None) -> None:
        self.send_response(status)
        self.send_header("ETag", _etag(body if etag_of is None else etag_of))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
