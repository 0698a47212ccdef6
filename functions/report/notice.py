"""What was noticed of histories that a source rewrote, in words and as the commands that mend them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from marketlake.rewrites import Rewrite
from report.commands import backfill_command

MAX_TOLD = 10


@dataclass(frozen=True)
class Notice:
    """Rewrites that an execution noticed, sorted by dataset, event and symbol."""

    rewrites: tuple[Rewrite, ...] = ()

    @property
    def mails(self) -> bool:
        """Whether somebody is to hear of it at once."""
        return any(rewrite.mails for rewrite in self.rewrites)

    @property
    def commands(self) -> list[str]:
        """One command a dataset that brings all of its rewritten histories on one basis."""
        return [
            backfill_command(
                min(rewrite.first for rewrite in of_dataset),
                max(rewrite.last for rewrite in of_dataset),
                dataset,
                sorted({rewrite.symbol for rewrite in of_dataset}),
                force=True,
            )
            for dataset, group in groupby(self.rewrites, key=lambda rewrite: rewrite.dataset)
            for of_dataset in [list(group)]
        ]

    @property
    def lines(self) -> list[str]:
        """A line for each rewrite, those that mail first, and how many more there are."""
        ordered = sorted(self.rewrites, key=lambda rewrite: not rewrite.mails)
        more = len(ordered) - MAX_TOLD
        return [*map(_line, ordered[:MAX_TOLD]), *([f"... and {more} more; see the run report"] if more > 0 else [])]

    @property
    def text(self) -> str:
        """A few words after what was done; nothing where nothing was noticed."""
        count = len(self.rewrites)
        return f", {count} histor{'y' if count == 1 else 'ies'} rewritten upstream" if count else ""

    def section(self) -> list[str]:
        """The part of a mail that says what to run; nothing where nothing was noticed."""
        if not self.rewrites:
            return []
        return [
            "HISTORY REWRITTEN UPSTREAM",
            *(f"- {line}" for line in self.lines),
            "Older days in the lake are as they were before. This loads them again, for these symbols:",
            *self.commands,
            "",
        ]

    def document(self) -> dict[str, Any]:
        """For programs: bounded, since it travels through the state machine; empty where nothing was noticed."""
        if not self.rewrites:
            return {}
        return {"rewritten": {"count": len(self.rewrites), "lines": self.lines, "commands": self.commands}}


NOTHING_NOTICED = Notice()


def _line(rewrite: Rewrite) -> str:
    what = f"{rewrite.dataset} {rewrite.symbol}, {rewrite.event}"
    return f"{what}: values up to {rewrite.last} are now {rewrite.factor:g} times what they were"
