"""What an execution did, counted from the outcomes of its batches: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marketlake.errors import readable_cause
from marketlake.failures import Failure
from marketlake.messages import BatchResult, Caught, Rejection

COUNTS = (
    "stored",
    "unchanged",
    "rejected",
    "rejected_rows",
    "flagged_rows",
    "written",
    "rows",
    "marked",
    "checked",
    "corrected",
    "kept",
)


def failures_of(results: Sequence[BatchResult], outside: Mapping[str, Caught]) -> list[Failure]:
    """Every failed batch and every batch with rejected days, in order, then failures ``outside`` the batches."""
    found: list[Failure] = []
    for batch in results:
        for state, caught in batch.failure.items():
            cause = readable_cause({"Cause": caught.cause})
            found.append(Failure(batch.dataset, batch.days, batch.count, state, caught.error, cause, batch.input))
        if batch.rejected and batch.rejection:
            found.append(_rejected(batch, batch.rejection))
    return found + [
        Failure("", [], 0, state, caught.error, readable_cause({"Cause": caught.cause}))
        for state, caught in outside.items()
    ]


def _rejected(batch: BatchResult, first: Rejection) -> Failure:
    """The rejected days of ``batch``; where there are more than the ``first``, the batch's input runs them again."""
    again = first.input if batch.rejected == 1 else batch.input
    return Failure(batch.dataset, first.days, batch.rejected, "Validate", first.error, first.cause, again)


def totals(results: Sequence[BatchResult]) -> dict[str, dict[str, int]]:
    """Sums of ``COUNTS`` a dataset, with the number of batches and of failed ones.

    A day that came with nothing new is unchanged, whether its raw bytes were the same or not.
    """
    sums: dict[str, dict[str, int]] = {}
    for batch in results:
        into = sums.setdefault(batch.dataset, dict.fromkeys(("batches", "failed_batches", *COUNTS), 0))
        into["batches"] += 1
        into["failed_batches"] += bool(batch.failure)
        for name in COUNTS:
            into[name] += getattr(batch, name)
        into["unchanged"] += batch.same
    return sums


def summary_text(sums: Mapping[str, Mapping[str, int]], failures: int, runner: str = "") -> str:
    """One line for people: what was done, or that nothing was left to do.

    ``runner`` is the execution that runs the same scheduled start, where this one came second.
    """
    if runner:
        return f"nothing was left to do: execution {runner} runs this scheduled start"
    written = sum(into["written"] for into in sums.values())
    checked = sum(into["unchanged"] for into in sums.values())
    kept = sum(into["kept"] for into in sums.values())
    flagged = sum(into["flagged_rows"] for into in sums.values())
    also = f", {kept} rows kept that the source did not send again" if kept else ""
    also += f", {flagged} rows with a value in doubt" if flagged else ""
    if not failures and not written:
        looked = f": {checked} days looked at again are unchanged" if checked else ""
        return f"nothing was left to do{looked}{also}"
    rows = sum(into["rows"] for into in sums.values())
    text = f"{written} days written with {rows} rows, {checked} days unchanged{also}"
    return f"{text}, {failures} failure{'' if failures == 1 else 's'}" if failures else text
