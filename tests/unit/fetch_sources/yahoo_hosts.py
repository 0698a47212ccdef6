"""Yahoo's hosts on the loopback, over TLS: an HTTP proxy that answers for all of them itself.

So the session that runs live is tested as it runs live: curl_cffi with a browser's handshake, cookies, redirects
between hosts, and its own proxy setting. The certificate is made for the test.
"""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import parse_headers
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ["*.finance.yahoo.com", "*.yahoo.com"]


@dataclass
class Reply:
    """One answer; ``hang``: it never comes."""

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False


Answer = Callable[[str, str, str], Reply]
"""(host, path with query, cookies) -> reply."""


class YahooHosts(socketserver.ThreadingTCPServer):
    """Answers with ``answer``; ``requests`` has ``METHOD host/path`` of each request, without the query."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.context = context
        self.requests: list[str] = []
        self.stopping = threading.Event()

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error here."""


class _Handler(socketserver.BaseRequestHandler):
    server: YahooHosts

    def handle(self) -> None:
        plain = self.request.makefile("rb")
        host = plain.readline().split()[1].decode().rsplit(":", 1)[0]
        while plain.readline().strip():
            pass
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.server.context.wrap_socket(self.request, server_side=True) as secure:
            stream = secure.makefile("rb")
            while line := stream.readline():
                method, path, _ = line.decode().split()
                headers = parse_headers(stream)
                stream.read(int(headers.get("Content-Length") or 0))
                self.server.requests.append(f"{method} {host}{path.split('?')[0]}")
                reply = self.server.answer(host, path, headers.get("Cookie") or "")
                if reply.hang:
                    self.server.stopping.wait(30)
                    return
                body = reply.body.encode()
                head = [f"HTTP/1.1 {reply.status} Status", f"Content-Length: {len(body)}"]
                head += [f"{name}: {value}" for name, value in reply.headers.items()]
                secure.sendall("\r\n".join([*head, "", ""]).encode() + body)


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext) -> Iterator[YahooHosts]:
    """A running server."""
    with YahooHosts(answer, context) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for Yahoo's hosts, and the file of the certificate that a client has to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "yahoo.com of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .sign(key, hashes.SHA256())
    )
    trusted, chain = folder / "ca.pem", folder / "server.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + trusted.read_bytes()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, trusted
