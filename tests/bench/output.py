"""How figures are printed: Markdown tables, in the order of docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence


def title(text: str, *columns: str) -> None:
    """A heading, and the head of the table below it."""
    print(f"\n## {text}\n", flush=True)
    row(*columns)
    row(*("---" for _ in columns))


def row(*cells: str) -> None:
    """One row of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median and extremes."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def ratios(values: Iterable[float], others: Iterable[float]) -> list[float]:
    """Of what was measured in turn, pair by pair."""
    return [value / other for value, other in zip(values, others, strict=True)]
