"""S3 requests of one attempt of a task, by what its function does (``functions/*/handler.py``).

Where the attempt failed, nothing says how far it came: it is counted as if it had gone through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.client.events import Attempt
from infra.cost.tables import assumed
from marketlake.contract import load_contract

PAGE = 1000
"""Objects a LIST answers with."""


@dataclass(frozen=True)
class Planned:
    """A batch as far as it matters for requests. ``again``: days in it may have markers and clean objects already.

    ``years`` is how many its days lie in: each has an object in the table by year.
    """

    dataset: str
    count: int
    years: int = 1
    recheck: bool = False
    patch: bool = False
    again: bool = False


@dataclass(frozen=True)
class Requests:
    """PUT and LIST requests (one price) and GET requests (another), and objects written, by kind."""

    puts: float = 0
    gets: float = 0
    written: dict[str, float] = field(default_factory=dict)


def planned(plan: dict[str, Any]) -> dict[int, Planned]:
    """Plan's answer as batches by index."""
    return {
        index: Planned(
            batch["dataset"],
            batch["count"],
            _years(batch["days"]),
            bool(batch.get("recheck")),
            bool(batch.get("symbols")),
            bool(batch.get("input", {}).get("force") or batch.get("symbols")),
        )
        for index, batch in enumerate(plan.get("batches", []))
    }


def _years(intervals: Sequence[str]) -> int:
    """In how many years the days of ``intervals`` (days, or first/last) lie."""
    ends = [[int(day[:4]) for day in interval.split("/")] for interval in intervals]
    return len({year for years in ends for year in range(years[0], years[-1] + 1)})


def requests_of(attempt: Attempt, batch: Planned | None) -> Requests:
    """What ``attempt`` asked of S3, Athena's requests on its behalf included; nothing for a state that asks nothing."""
    count = COUNTS.get(attempt.state)
    return count(attempt.answer, batch or Planned("", 0)) if count else Requests()


def _plan(answer: dict[str, Any], _: Planned) -> Requests:
    summary = answer.get("summary", {})
    # Two lists of symbols; markers from the window's first day on.
    return Requests(puts=len(summary.get("datasets", ())) + summary.get("days_due", 0) // PAGE, gets=2)


def _fetch(answer: dict[str, Any], batch: Planned) -> Requests:
    stored = answer.get("stored", batch.count)
    return Requests(puts=stored + answer.get("before", True), gets=_lists(batch), written={"raw": stored})


def _lists(batch: Planned) -> int:
    """Lists of symbols that are read for a batch: none where the contract has its own."""
    return int(not batch.dataset or load_contract(batch.dataset).symbols.file is not None)


def _validate(answer: dict[str, Any], batch: Planned) -> Requests:
    markers = batch.count if batch.recheck else 0
    manifest = answer.get("accepted", batch.count) > 0
    return Requests(
        puts=manifest + (answer.get("rejected_rows", 0) > 0),
        gets=_lists(batch) + 1 + batch.count + markers,  # the bars before the batch
        written={"manifest": float(manifest)},
    )


def _transform(answer: dict[str, Any], batch: Planned) -> Requests:
    written = answer.get("written", batch.count)
    before = written if batch.patch or batch.recheck else 0
    # The day before the batch, in the lake and as it came: was its history rewritten?
    compared = bool(batch.dataset and load_contract(batch.dataset).adjustments)
    # Of each year: a LIST of its object and one of its days; a GET and a PUT.
    return Requests(
        puts=written + 1 + (before > 0) * (1 + written // PAGE) + compared + 3 * batch.years,
        gets=1 + written + before + 2 * compared + batch.years,
        written={"clean": written, "manifest": 1, "year": batch.years},
    )


def _athena_check(answer: dict[str, Any], batch: Planned) -> Requests:
    days = answer.get("days", batch.count)
    refused = days if batch.again else 0  # If-None-Match lost: the marker is read and put again
    lists = assumed("athena_lists_a_day") * days + assumed("athena_lists_a_year") * batch.years
    gets = assumed("athena_gets_a_day") * days + assumed("athena_gets_a_year") * batch.years
    return Requests(
        puts=1 + days // PAGE + days + refused + lists + 2,  # 2: the query's result and its metadata
        gets=2 + refused + gets,  # the manifest and the result
        written={"marker": days},
    )


def _report(_: dict[str, Any], __: Planned) -> Requests:
    return Requests(puts=2, written={"report": 1})  # a LIST of what was noticed


COUNTS: dict[str, Callable[[dict[str, Any], Planned], Requests]] = {
    "Plan": _plan,
    "Fetch": _fetch,
    "Validate": _validate,
    "Transform": _transform,
    "AthenaCheck": _athena_check,
    "Report": _report,
}
