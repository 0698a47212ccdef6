"""The console's server: loopback only, for as long as the command runs."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable

import uvicorn

from infra.client.errors import Refusal
from infra.client.target import Target
from infra.console.app import build_app

HOST = "127.0.0.1"


def serve(target: Target, port: int, ready: Callable[[str], None]) -> None:
    """Serve the console until it is interrupted; ``ready`` is given its address. Port 0 takes a free one.

    Raises:
        Refusal: another program listens on the port.
    """
    with bind(port) as listener:
        server, address = server_on(listener, target)
        ready(address)
        server.run(sockets=[listener])


def server_on(listener: socket.socket, target: Target) -> tuple[uvicorn.Server, str]:
    """The server of ``target``'s console for a bound socket, and the address of its page."""
    port = listener.getsockname()[1]
    app = build_app(target, port, secrets.token_urlsafe(32))
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=2)
    return uvicorn.Server(config), f"http://{HOST}:{port}/"


def bind(port: int) -> socket.socket:
    """A socket on loopback that nothing else uses.

    Raises:
        Refusal: another program listens on the port.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise Refusal(f"port {port} is taken by another program", "choose another with: --port NUMBER") from None
    return listener
