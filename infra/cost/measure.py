"""From an execution's history to quantities of everything that AWS bills for it, over the whole life of its data."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from infra import facts
from infra.client.events import Attempt, Event, Run
from infra.cost.bill import Quantities, together
from infra.cost.requests import Planned, planned, requests_of
from infra.cost.tables import DAYS_A_MONTH, GB, HOURS_A_MONTH, TB, assumed

METRICS_A_DATASET = ("DaysFetched", "RowsRejected", "DaysRejected", "RowsWritten", "DaysChecked", "DaysLoaded")
METRICS = ("Losses",)
"""Metrics that the functions write, each dataset's and others; each costs by the hour in which it has data."""

ON_FAILURE = 2
"""Metrics more where an attempt failed: TaskFailures, and the failed attempts that a metric filter finds."""

OBJECT_BYTES = {"manifest": 60_000.0, "report": 11_000.0}
"""Bytes of the largest of these that a ten-year backfill wrote."""


@dataclass(frozen=True)
class Sizes:
    """Mean bytes by dataset: of a day's object as received, as Parquet, and its marker; of a year's object."""

    raw: dict[str, float] = field(default_factory=dict)
    clean: dict[str, float] = field(default_factory=dict)
    marker: dict[str, float] = field(default_factory=dict)
    year: dict[str, float] = field(default_factory=dict)

    def of(self, kind: str, dataset: str) -> float:
        """Bytes of one object of ``kind``; 0 where none was seen."""
        known: dict[str, float] = getattr(self, kind, {})
        return known.get(dataset, OBJECT_BYTES.get(kind, 0.0))


@dataclass(frozen=True)
class Measured:
    """An execution: what it did and how much of everything it used. ``days`` is how many Plan gave it."""

    name: str
    days: int
    batches: int
    seconds: float
    calls: int
    quantities: dict[str, float]


def measure(
    name: str, events: Sequence[Event], started: datetime, stopped: datetime, sizes: Sizes, *, embedded: bool
) -> Measured:
    """What the execution used, counted from its ``events``; ``embedded`` is whether the embedded AWS timed it."""
    run = Run()
    run.feed(events)
    batches = next((planned(a.answer) for a in run.attempts if a.state == "Plan" and a.answer), {})
    steps = transitions(run, events)
    called = [attempt for attempt in run.attempts if function_of(attempt.state)]
    parts: list[Quantities] = [
        _compute(called, embedded=embedded),
        _messages(run.attempts),
        *(_stored(attempt, _batch_of(attempt, batches), sizes) for attempt in run.attempts),
        *(_checked(attempt, _batch_of(attempt, batches), sizes) for attempt in run.attempts),
        _watched(run.attempts, len({b.dataset for b in batches.values()}), (stopped - started).total_seconds()),
        _logged(len(called), steps),
        {"transition": steps, "trace": 1 + len(called)},
    ]
    days = sum(batch.count for batch in batches.values())
    return Measured(name, days, len(batches), (stopped - started).total_seconds(), len(called), _used(together(*parts)))


def transitions(run: Run, events: Sequence[Event]) -> int:
    """State transitions that Step Functions bills; ``run`` was fed ``events``.

    Retries are billed like entries. A start of the execution and of each iteration is counted on top, to be on the
    safe side. https://aws.amazon.com/step-functions/pricing/
    """
    kinds: list[str] = [event["type"] for event in events]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    return 1 + entered + kinds.count("MapIterationStarted") + sum(attempt.retry > 0 for attempt in run.attempts)


def function_of(state: str) -> str | None:
    """The function that ``state`` calls, as ``functions.json`` names it; None where it calls none."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", state).lower()
    return name if name in _memory() else None


@cache
def _memory() -> dict[str, int]:
    document = json.loads((facts.FUNCTIONS / "functions.json").read_text("utf-8"))
    return {name: found["memory_mb"] for name, found in document["functions"].items()}


def _used(quantities: dict[str, float]) -> dict[str, float]:
    return {name: quantity for name, quantity in quantities.items() if quantity}


def _batch_of(attempt: Attempt, batches: dict[int, Planned]) -> Planned | None:
    return batches.get(attempt.batch) if attempt.batch is not None else None


def _compute(called: Sequence[Attempt], *, embedded: bool) -> dict[str, float]:
    """Requests and GB-seconds. A task's time includes Step Functions' way to the function, so it is an upper bound."""
    return {"lambda_request": len(called), "lambda_gb_second": sum(_gb_seconds(a, embedded=embedded) for a in called)}


def _gb_seconds(attempt: Attempt, *, embedded: bool) -> float:
    memory = _memory()[function_of(attempt.state) or ""]
    seconds = attempt.duration.total_seconds() if attempt.duration else 0.0
    if embedded:
        seconds *= max(1.0, assumed("full_core_mb") / memory)
        seconds += assumed("upstream_seconds") if attempt.state == "Fetch" else 0.0
    return seconds * memory / 1024


def _messages(attempts: Sequence[Attempt]) -> dict[str, float]:
    sent = sum(attempt.state in ("SendToDlq", "SendRejectedDay") for attempt in attempts)
    mailed = sum(attempt.state in ("NotifyFailure", "NotifyRewritten") for attempt in attempts)
    return {"sqs_request": sent, "sns_publish": mailed, "sns_mail": mailed}


def _stored(attempt: Attempt, batch: Planned | None, sizes: Sizes) -> dict[str, float]:
    """Requests, and storage until the lifecycle rules remove what was written, old versions included.

    In a month of daily runs that is what the month's storage costs, once the lake has its age.
    """
    requests = requests_of(attempt, batch)
    dataset = batch.dataset if batch else ""
    kept = {
        "raw": assumed("raw_days"),
        "clean": assumed("clean_standard_days"),
        "manifest": assumed("raw_days"),
        "marker": assumed("clean_days"),
        "year": assumed("clean_days"),  # as if the next run did not replace it: a little too dear
        "report": assumed("clean_days"),
    }
    standard = sum(
        count * sizes.of(kind, dataset) / GB * (kept[kind] + assumed("noncurrent_days")) / DAYS_A_MONTH
        for kind, count in requests.written.items()
    )
    clean = requests.written.get("clean", 0)
    billed = max(sizes.of("clean", dataset), assumed("glacier_min_bytes"))
    months = (assumed("clean_days") - assumed("clean_standard_days") + assumed("noncurrent_days")) / DAYS_A_MONTH
    return {
        "s3_put": requests.puts,
        "s3_get": requests.gets,
        "s3_standard": standard,
        "s3_move": clean,
        "s3_glacier": clean * billed / GB * months,
    }


def _checked(attempt: Attempt, batch: Planned | None, sizes: Sizes) -> dict[str, float]:
    if attempt.state != "AthenaCheck" or batch is None:
        return {}
    both = batch.count * sizes.of("clean", batch.dataset) + batch.years * sizes.of("year", batch.dataset)
    scanned = max(both, assumed("athena_min_bytes"))
    return {"athena_tb": scanned / TB, "glue_request": assumed("glue_requests_a_check")}


def _watched(attempts: Sequence[Attempt], datasets: int, seconds: float) -> dict[str, float]:
    """Metrics: each is billed for the hours in which it has data, and an execution may begin late in one."""
    failed = ON_FAILURE if any(attempt.error for attempt in attempts) else 0
    hours = 1 + math.floor(seconds / 3600)
    return {"metric": (len(METRICS_A_DATASET) * datasets + len(METRICS) + failed) * hours / HOURS_A_MONTH}


def _logged(calls: int, steps: int) -> dict[str, float]:
    written = (calls * assumed("lambda_log_bytes") + steps * assumed("states_log_bytes")) / GB
    return {"log_gb": written, "log_gb_month": written * assumed("log_days") / DAYS_A_MONTH}
