"""The console's server: loopback only, for as long as the command runs."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable

import uvicorn

from infra.ops.console.app import build_app
from infra.ops.errors import Refusal
from infra.ops.target import Target

HOST = "127.0.0.1"


def serve(target: Target, port: int, ready: Callable[[str], None]) -> None:
    """Serve the console until it is interrupted; ``ready`` is given its address. Port 0 takes a free one.

    Raises:
        Refusal: another program listens on the port.
    """
    with bind(port) as listener:
        taken = listener.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(
                build_app(target, taken, secrets.token_urlsafe(32)),
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        ready(f"http://{HOST}:{taken}/")
        server.run(sockets=[listener])


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
