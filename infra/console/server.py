"""The console's server: on loopback only, for as long as the command runs, and shut to other sites.

A page of another site can make a browser send requests to loopback, and a DNS name of its own can lead there. So the
``Host`` header must be one of ours, and a post must come from our origin and carry the token that only our page holds.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.client.errors import Refusal
from infra.client.target import CONSOLE_HOST, Target
from infra.console.app import ERRORS, Console

TOKEN_HEADER = "x-marketlake-token"  # noqa: S105 - a header's name
MAX_BODY = 64 * 1024

HEADERS = {
    # No inline script or style, nothing from elsewhere, and no frame around the page.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """ASGI middleware: refuses what does not belong here, and sets the security headers of every answer."""

    def __init__(self, app: ASGIApp, port: int, token: str, *, read_only: bool) -> None:
        self._app, self._token, self._read_only = app, token, read_only
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403 with the reason."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        why = self._refusal(scope["method"], Headers(scope=scope))
        if why:
            refused = JSONResponse({"error": why, "advice": "open the address that `marketlake console` prints"}, 403)
            await refused(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> str:
        """Why the request is refused; empty where it is not."""
        if headers.get("host", "").lower() not in self._hosts:
            return "refused: the request names another host"
        if method in ("GET", "HEAD"):
            return ""
        if method != "POST":
            return f"refused: {method} is not accepted here"
        if self._read_only:
            return "refused: this console was started with --read-only"
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return "refused: the request comes from another site"
        if headers.get("origin", "").lower() not in {f"http://{host}" for host in self._hosts}:
            return "refused: the request comes from another origin"
        if not headers.get("content-type", "").startswith("application/json"):
            return "refused: only JSON is accepted"
        if not headers.get("content-length", "").isdecimal() or int(headers["content-length"]) > MAX_BODY:
            return "refused: the request is too large, or does not say how large it is"
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token.encode()):
            return "refused: the page is of an earlier start of the console; load it again"
        return ""


def build_app(target: Target, port: int, token: str, *, read_only: bool = False) -> Starlette:
    """The console of ``target``, to be served on ``port``; ``token`` goes into the page and must come with posts.

    A page that may only read has no token, and leaves the actions out.
    """
    console = Console(target, "" if read_only else token)
    guard = Middleware(Guard, port=port, token=token, read_only=read_only)
    return Starlette(routes=console.routes(), middleware=[guard], exception_handlers=ERRORS)


def serve(target: Target, port: int, ready: Callable[[str], None], *, read_only: bool = False) -> None:
    """Serve the console until it is interrupted; ``ready`` is given its address. Port 0 takes a free one.

    Raises:
        Refusal: another program listens on the port.
    """
    with bind(port) as listener:
        server, address = server_on(listener, target, read_only=read_only)
        ready(address)
        server.run(sockets=[listener])


def server_on(listener: socket.socket, target: Target, *, read_only: bool = False) -> tuple[uvicorn.Server, str]:
    """The server of ``target``'s console for a bound socket, and the address of its page."""
    port = listener.getsockname()[1]
    app = build_app(target, port, secrets.token_urlsafe(32), read_only=read_only)
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=2)
    return uvicorn.Server(config), f"http://{CONSOLE_HOST}:{port}/"


def bind(port: int) -> socket.socket:
    """A socket on loopback that nothing else uses.

    Raises:
        Refusal: another program listens on the port.
    """
    try:
        return socket.create_server((CONSOLE_HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Refusal(f"port {port} is taken by another program", "choose another with: --port NUMBER") from None
