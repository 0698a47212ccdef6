"""What is shown while an execution runs: each state as a line, or a bar over batches; plain lines in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from infra.cli.screen import safe, seconds_text
from infra.client.events import Attempt, Run
from infra.client.texts import answer_text, batch_text
from marketlake.errors import readable_cause

LOG_SECONDS = 10.0
"""Where there is no terminal, the time between two lines of progress."""


class Watch:
    """Shows an execution; a context manager. ``every_state`` prints a line for each attempt that ended, otherwise only
    failed ones get a line and a bar counts batches.
    """

    def __init__(self, console: Console, *, every_state: bool) -> None:
        self._console, self._every_state = console, every_state
        self._started = self._told = time.monotonic()
        self._told_batches = 0
        self._progress: Progress | None = None
        if console.is_terminal:
            bar = [] if every_state else [BarColumn(), MofNCompleteColumn(), TextColumn("batches")]
            columns = [SpinnerColumn(), *bar, TimeElapsedColumn(), TextColumn("{task.description}")]
            self._progress = Progress(*columns, console=console, transient=True)
            self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def update(self, run: Run, ended: list[Attempt]) -> None:
        """Show what is new."""
        for attempt in ended:
            if self._every_state or attempt.error:
                self._console.print(self._line(run, attempt), highlight=False, soft_wrap=True)
        if self._progress:
            under_way = ", ".join(_name(run, attempt) for attempt in run.running[:2]) or "between states"
            self._progress.update(
                self._task, total=run.total, completed=len(run.finished), description=f"[dim]{safe(under_way)}[/]"
            )
        elif not self._every_state:
            self._log(run)

    def _line(self, run: Run, attempt: Attempt) -> str:
        took = seconds_text(attempt.duration.total_seconds()) if attempt.duration else ""
        batch = batch_text(run.batches.get(attempt.batch)) if attempt.batch is not None else ""
        tried = f" (attempt {attempt.retry + 1})" if attempt.retry or attempt.error else ""
        told = safe(f"{attempt.state:<13} {took:>8}  {batch}{tried}{': ' if batch or tried else ''}")
        at = f"[dim]{seconds_text(time.monotonic() - self._started):>8}[/]"
        if attempt.error:
            cause = readable_cause({"Cause": attempt.cause})
            return f"{at}  [red]✗[/] {told}[red]{safe(attempt.error)}[/]: {safe(cause)}"
        return f"{at}  [green]✓[/] {told}{safe(answer_text(attempt.answer))}"

    def _log(self, run: Run) -> None:
        now, done = time.monotonic(), len(run.finished)
        whole = run.total is not None and done == run.total
        if done > self._told_batches and (whole or now - self._told >= LOG_SECONDS):
            failed = f", {len(run.failed)} failed" if run.failed else ""
            self._console.print(f"{seconds_text(now - self._started):>8}  {done}/{run.total} batches{failed}")
            self._told, self._told_batches = now, done


def _name(run: Run, attempt: Attempt) -> str:
    batch = run.batches.get(attempt.batch) if attempt.batch is not None else None
    return f"{attempt.state} {batch.dataset if batch else ''}".strip()
