"""What is shown while an execution runs, and after it.

While it runs: each state as a line, or a bar over batches; plain lines in a log. After it: the rows that Athena finds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Self

from rich.console import Console

from infra.cli.screen import Screen, as_table, progress_bar, safe, seconds_text
from infra.client.athena import run_query
from infra.client.events import Attempt, Run
from infra.client.lake import last_due_day
from infra.client.target import Target
from infra.client.texts import batch_text
from marketlake.contract import Contract, load_contract
from marketlake.errors import PassUnderWay

LOG_SECONDS = 10.0
"""Where there is no terminal, the time between two lines of progress."""

SHOWN_DAYS, SHOWN_ROWS, SHOWN_NUMBERS = 5, 5, 5
LOOK_BACK = timedelta(days=10)

WAITING = PassUnderWay.__name__
"""An attempt that ended with it did not fail: its batch waits at no cost, and is tried again."""


class Watch:
    """Shows an execution; a context manager. A bar counts batches. ``every_state`` prints a line for each attempt that
    ended, otherwise only failed ones get a line.
    """

    def __init__(self, console: Console, *, every_state: bool) -> None:
        self._console, self._every_state = console, every_state
        self._started = self._said = time.monotonic()
        self._said_batches = 0
        self._progress = progress_bar(console, of="batches")
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def update(self, run: Run, ended: list[Attempt]) -> None:
        """Show what is new."""
        for attempt in ended:
            if self._every_state or attempt.error not in ("", WAITING):
                self._console.print(self._line(run, attempt), highlight=False, soft_wrap=True)
        under_way = ", ".join(_name(run, attempt) for attempt in run.running[:2]) or "between states"
        self._progress.update(
            self._task, total=run.total, completed=len(run.finished), description=f"[dim]{safe(under_way)}[/]"
        )
        if not (self._console.is_terminal or self._every_state):
            self._log(run)

    def _line(self, run: Run, attempt: Attempt) -> str:
        took = seconds_text(attempt.duration.total_seconds()) if attempt.duration else ""
        batch = batch_text(run.batch_of(attempt))
        tried = f" (attempt {attempt.retry + 1})" if attempt.retry or attempt.error else ""
        attempted = safe(f"{attempt.state:<13} {took:>8}  {batch}{tried}{': ' if batch or tried else ''}")
        at = f"[dim]{seconds_text(time.monotonic() - self._started):>8}[/]"
        if attempt.error == WAITING:
            return f"{at}  [dim]…[/] {attempted}waits for what another batch asks the source"
        if attempt.error:
            return f"{at}  [red]✗[/] {attempted}[red]{safe(attempt.error)}[/]: {safe(attempt.reason)}"
        return f"{at}  [green]✓[/] {attempted}{safe(attempt.result)}"

    def _log(self, run: Run) -> None:
        now, done = time.monotonic(), len(run.finished)
        whole = run.total is not None and done == run.total
        if done > self._said_batches and (whole or now - self._said >= LOG_SECONDS):
            failed = f", {len(run.failed)} failed" if run.failed else ""
            self._console.print(f"{seconds_text(now - self._started):>8}  {done}/{run.total} batches{failed}")
            self._said, self._said_batches = now, done


def _name(run: Run, attempt: Attempt) -> str:
    batch = run.batch_of(attempt)
    return f"{attempt.state} {batch.dataset if batch else ''}".strip()


def show_rows(target: Target, screen: Screen, datasets: Sequence[str], end: date | None) -> None:
    """Print, for each dataset, the rows of the last days up to ``end`` (else the last day due) and a sample."""
    for dataset in datasets:
        contract = load_contract(dataset)
        last = end or last_due_day(target, dataset)
        counts = run_query(target, counts_sql(contract, last)).table.to_pylist()
        if not counts:
            screen.say(f"Athena finds no rows in {dataset} from {last - LOOK_BACK} to {last}")
            continue
        days = ", ".join(f"{row['dt']}: {row['row_count']:,}" for row in counts)
        screen.say(f"\n[bold]{dataset}[/], rows a day as Athena finds them: {safe(days)}")
        sample = run_query(target, sample_sql(contract, date.fromisoformat(counts[0]["dt"]))).table
        screen.remarks.print(as_table(sample.to_pylist(), sample.column_names))


def counts_sql(contract: Contract, last: date) -> str:
    """Rows a day of the last days up to ``last``."""
    return (
        f"SELECT dt, count(*) AS row_count FROM {contract.name} "  # noqa: S608 - our own names and dates
        f"WHERE dt BETWEEN '{last - LOOK_BACK}' AND '{last}' GROUP BY dt ORDER BY dt DESC LIMIT {SHOWN_DAYS}"
    )


def sample_sql(contract: Contract, day: date) -> str:
    """Some rows of ``day``: the key and the first numbers."""
    numbers = [column.name for column in contract.columns if column.type == "double"][:SHOWN_NUMBERS]
    columns = ", ".join(["dt", *contract.key, *numbers])
    order = ", ".join(contract.key)
    where = f"WHERE dt = '{day}' ORDER BY {order} LIMIT {SHOWN_ROWS}"
    return f"SELECT {columns} FROM {contract.name} {where}"  # noqa: S608 - our own names and a date
