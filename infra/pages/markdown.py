"""Markdown, for the pages that are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int | None = None) -> str:
    """A table without a last line's end; the first ``left`` columns (all, if None) are text, the others numbers."""
    rule = ["---" if left is None or place < left else "---:" for place in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])
