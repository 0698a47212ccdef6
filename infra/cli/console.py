"""``marketlake console``: a page in the browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from infra.cli.options import setup_of
from infra.cli.screen import Screen, safe


def console(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 4580,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show executions, the queue, the mails and the lake's days on a page in the browser; Ctrl-C ends it.

    The page is served on this machine only. It reads the AWS APIs, and starts something only when asked to redrive.
    """
    from infra.console.server import serve

    screen, target = Screen(), setup_of(context).target()

    def ready(address: str) -> None:
        screen.say(f"console of {safe(target.described)}: [bold]{safe(address)}[/] (Ctrl-C ends it)")
        if target.simulated:
            screen.say(f"[yellow]{safe(target.simulated)}[/]")
        if open_browser:
            webbrowser.open(address)

    serve(target, port, ready)
