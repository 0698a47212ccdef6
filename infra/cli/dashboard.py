"""``marketlake dashboard``: the lake as one HTML file."""

from __future__ import annotations

import os
import sys
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.files import Replace, checked, written
from infra.cli.options import parse_day, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import OpsError

DEFAULT_FILE = Path("marketlake-dashboard.html")


def dashboard(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"The file to write, .html; else {DEFAULT_FILE}, replaced.")
    ] = None,
    replace: Replace = False,
    start: Annotated[str | None, typer.Option("--start", help="First day; else a year before the last.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last day; else the last that is stored.")] = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open it in the browser, where there are a terminal and a browser.")
    ] = False,
) -> None:
    """Write prices, movers, sectors, rates, volume and quality into one HTML file, by the saved queries.

    The file holds everything it shows and asks no one for anything: it can be read offline, mailed, kept.
    """
    from infra.dashboard.document import document
    from infra.dashboard.page import page
    from infra.dashboard.questions import ask_all, choose_window, questions, take_stock

    screen = Screen()
    first, last = parse_day("--start", start), parse_day("--end", end)
    out = checked(output or DEFAULT_FILE, (".html",), replace=replace or output is None)
    target = setup_of(context).target()
    inventories = take_stock(target)
    window = choose_window(target, inventories, first, last)
    with screen.progress("asking", len(questions(window))) as step:
        answers = ask_all(target, window, step)
    made = document(target, inventories, window, answers, datetime.now(UTC))
    with written(out) as part:
        part.write_text(page(made), "utf-8")
    days, size = len(made["days"]), out.stat().st_size / 1e6
    screen.say(f"{len(made['tickers'])} tickers on {days} days, {window.start} to {window.end}, {size:.1f} MB")
    if target.simulated:
        screen.say(f"[yellow]{safe(target.simulated)}[/]")
    typer.echo(out)
    if open_browser and has_browser():
        webbrowser.open(out.resolve().as_uri())
    unanswered = [answer for answer in answers.values() if answer.error]
    if unanswered:
        errors = "; ".join(f"{answer.name}: {answer.error}" for answer in unanswered)
        raise OpsError(f"the page is written, without what Athena could not answer: {errors}", unanswered[0].command)


def has_browser() -> bool:
    """Whether a browser can be opened for a person: there are a terminal, a display, and a browser."""
    displayed = sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if not (sys.stdout.isatty() and displayed):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
