"""The commands that a mail tells its reader to run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def backfill_command(start: str, end: str, dataset: str, symbols: Sequence[str] = (), *, force: bool = False) -> str:
    """``marketlake backfill`` of a window (ISO dates, both ends included) of one dataset, for a shell."""
    named = "".join(f" --symbol {shlex.quote(symbol)}" for symbol in symbols)
    return f"marketlake backfill --start {start} --end {end} --dataset {dataset}{named}{' --force' if force else ''}"
