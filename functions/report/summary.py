"""What an execution did, counted from the outcomes of its batches: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketlake.errors import readable_cause

COUNTS = ("stored", "unchanged", "rejected", "rejected_rows", "written", "rows", "marked", "checked", "corrected")


@dataclass(frozen=True)
class Loss:
    """Work that did not get done: which days of which dataset, in which state, why, and how to run it again.

    ``days`` is a list of runs; it is empty where the failure is not about days (Plan, the Map itself).
    """

    dataset: str
    days: list[str]
    count: int
    state: str
    error: str
    cause: str
    input: dict[str, Any]


def losses_of(results: Sequence[dict[str, Any]], failure: dict[str, Any]) -> list[Loss]:
    """Every failed batch and every batch with rejected days, in order, then failures outside the batches."""
    losses: list[Loss] = []
    for batch in results:
        losses += [_batch_loss(batch, state, caught) for state, caught in batch["failure"].items()]
        if batch["rejected"]:
            example = batch["rejection"]
            losses.append(
                Loss(
                    batch["dataset"],
                    example["days"],
                    batch["rejected"],
                    "Validate",
                    example["error"],
                    example["cause"],
                    example["input"],
                )
            )
    return losses + [
        Loss("", [], 0, state, caught.get("Error", ""), readable_cause(caught), {}) for state, caught in failure.items()
    ]


def _batch_loss(batch: dict[str, Any], state: str, caught: dict[str, Any]) -> Loss:
    return Loss(
        batch["dataset"],
        batch["days"],
        batch["count"],
        state,
        caught.get("Error", ""),
        readable_cause(caught),
        batch["input"],
    )


def totals(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Sums of ``COUNTS`` a dataset, with the number of batches and of failed ones."""
    sums: dict[str, dict[str, int]] = {}
    for batch in results:
        into = sums.setdefault(batch["dataset"], dict.fromkeys(("batches", "failed_batches", *COUNTS), 0))
        into["batches"] += 1
        into["failed_batches"] += bool(batch["failure"])
        for name in COUNTS:
            into[name] += batch[name]
    return sums


def summary_text(sums: dict[str, dict[str, int]], losses: Sequence[Loss], runner: str = "") -> str:
    """One line for people: what was done, or that nothing was left to do.

    ``runner`` is the execution that runs the same scheduled start, where this one came second.
    """
    if runner:
        return f"nothing was left to do: execution {runner} runs this scheduled start"
    written = sum(into["written"] for into in sums.values())
    checked = sum(into["unchanged"] for into in sums.values())
    if not losses and not written:
        return (
            f"nothing was left to do: {checked} days looked at again are unchanged"
            if checked
            else "nothing was left to do"
        )
    rows = sum(into["rows"] for into in sums.values())
    text = f"{written} days written with {rows} rows, {checked} days unchanged"
    return f"{text}, {len(losses)} loss{'' if len(losses) == 1 else 'es'}" if losses else text
