"""What the command prints: tables and lines for people, JSON for programs.

Everything that comes from data, errors or upstream is escaped, so that it is shown as it is and cannot style the
terminal. Where JSON is asked for, standard output holds nothing else.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from infra.client.errors import ReaderGone
from infra.client.texts import plain

PLAIN_WIDTH = 160
"""Columns where the output is not a terminal: a log has room, and a wrapped table cannot be searched."""

CONTROL = {code: "�" for code in [*range(32), *range(127, 160)] if chr(code) not in "\n\t"}

Record = Mapping[str, Any]
Item = TypeVar("Item")


def safe(value: object) -> str:
    """``value`` as text that neither Rich nor a terminal takes for instructions."""
    return escape(str(value).translate(CONTROL))


def shown(value: object) -> str:
    """A table cell: safe text, numbers with thousands, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.10g}"  # without the noise of binary fractions; files and JSON hold every digit
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        return seconds_text(value.total_seconds())
    return safe(value)


def text_cells(records: Sequence[Record]) -> list[dict[str, Any]]:
    """``records`` with their ``input`` as text for a table."""
    return [{**record, "input": json.dumps(record["input"])} for record in records]


def seconds_text(seconds: float) -> str:
    """A duration for people: ``0.4 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@dataclass
class Screen:
    """Standard output and error of one command; ``json`` is whether a program reads it."""

    json: bool = False

    @cached_property
    def out(self) -> Console:
        """Standard output."""
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """Standard error: progress and remarks."""
        return _console(stderr=True)

    @property
    def remarks(self) -> Console:
        """Where lines for people go: beside the JSON, not into it."""
        return self.err if self.json else self.out

    def say(self, text: str) -> None:
        """One line for people; ``text`` is markup, so escape what is not yours."""
        self.remarks.print(text, highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """A remark about data on standard error, such as what is simulated; nothing where ``text`` is empty."""
        if text:
            self.err.print(f"[yellow]{safe(text)}[/]", highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self, doing: str, total: int | None) -> Iterator[Callable[[str], None]]:
        """A bar on standard error while something of ``total`` steps is done, with the time that is left; without a
        ``total`` only the time that it takes. What it gives is called with each step's name, before the step.
        """
        with progress_bar(self.err, of="steps" if total else "") as bar:
            task, done = bar.add_task(doing, total=total), itertools.count()

            def step(name: str) -> None:
                bar.update(task, completed=next(done), description=f"{doing} {safe(name)}")

            yield step

    def each(self, doing: str, items: Sequence[Item], name: Callable[[Item], str] = str) -> Iterator[Item]:
        """``items``, with a bar that says which of them the caller is at, by its ``name``."""
        with self.progress(doing, len(items)) as step:
            for item in items:
                step(name(item))
                yield item

    def document(self, document: object) -> None:
        """``document`` as JSON on standard output."""
        _write(json.dumps(document, indent=1, default=plain, ensure_ascii=False) + "\n")

    def lines(self, records: Iterable[Record]) -> None:
        """``records`` as JSON, one a line: many are read as they come (https://jsonlines.org)."""
        for record in records:
            _write(json.dumps(record, default=plain, ensure_ascii=False) + "\n")

    def table(self, records: Sequence[Record], columns: Sequence[str], title: str = "", empty: str = "nothing") -> None:
        """``records`` as a table of ``columns``, or as JSON with all that they hold."""
        if self.json:
            self.document(list(records))
        elif records:
            self.out.print(as_table(records, columns, title))
        else:
            self.say(f"{title}: {empty}" if title else empty)


def progress_bar(console: Console, of: str) -> Progress:
    """A bar of so many ``of``, with the time that is left; without these, the time that has passed. Nothing where
    ``console`` is no terminal."""
    known = [BarColumn(), MofNCompleteColumn(), TextColumn(of)] if of else []
    left = [TextColumn("about"), TimeRemainingColumn(), TextColumn("left")] if of else []
    columns = [SpinnerColumn(), *known, TimeElapsedColumn(), *left, TextColumn("{task.description}")]
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def as_table(records: Sequence[Record], columns: Sequence[str], title: str = "") -> Table:
    """A table with a row a record; columns of numbers are set right."""
    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", pad_edge=False)
    for name in columns:
        values = [record.get(name) for record in records if record.get(name) is not None]
        right = bool(values) and all(isinstance(v, int | float | timedelta) and not isinstance(v, bool) for v in values)
        table.add_column(safe(name.replace("_", " ")), justify="right" if right else "left", overflow="fold")
    for record in records:
        table.add_row(*(_styled(name, record.get(name)) for name in columns))
    return table


STATUS_STYLES = {"SUCCEEDED": "green", "ok": "green", "RUNNING": "cyan", "running": "cyan", "warning": "yellow"}


def _styled(column: str, value: object) -> str:
    text = shown(value)
    return f"[{STATUS_STYLES.get(text, 'red')}]{text}[/]" if column == "status" and text else text


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise ReaderGone from None


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise ReaderGone


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return _Console(stderr=stderr, width=width, soft_wrap=False, emoji=False)
