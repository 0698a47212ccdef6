"""``marketlake console``: a page in the browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from infra.cli.options import setup_of
from infra.cli.screen import Screen, safe
from infra.client.target import CONSOLE_PORT


def console(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = CONSOLE_PORT,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Without starting, stopping, running again and deleting.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show and start executions, and see the queue, the mails and the lake, on a page in the browser; Ctrl-C ends it.

    The page is served on this machine only. It reads the AWS APIs; each start, stop, retry, redrive and deletion is
    confirmed on it first.
    """
    from infra.console.server import serve

    screen, target = Screen(), setup_of(context).target()

    def ready(address: str) -> None:
        screen.say(f"console of {safe(target.described)}: [bold]{safe(address)}[/] (Ctrl-C ends it)")
        if target.simulated:
            screen.say(f"[yellow]{safe(target.simulated)}[/]")
        if open_browser:
            webbrowser.open(address)

    serve(target, port, ready, read_only=read_only)
