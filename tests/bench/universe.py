"""A year of long lists of simulated symbols, each in one execution on an emulator of its own: what it takes a row.

``python -m tests.bench universe 100 1000 10000``; ``infra.local.worker`` holds each function to its memory meanwhile.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra import facts
from infra.client.events import Run
from infra.client.executions import describe
from infra.client.target import local_target
from infra.cost.month import quantities
from infra.cost.prices import bill
from infra.cost.recorded import function_of, used_by
from plan.batches import PASS_SECONDS
from tests.bench.costs import PRICES, listed, year
from tests.bench.output import row, title
from tests.bench.trees import NOW, deployed
from tests.bench.usage import Used, measured, peaks
from tests.e2e.pipeline import Pipeline

YEAR = 2022


def times(events: list[dict[str, Any]]) -> dict[str, float]:
    """The longest call of each function, as a share of its timeout."""
    functions, found, run = facts.functions_file()["functions"], dict[str, float](), Run()
    run.feed(events)
    for attempt in run.attempts:
        if (function := function_of(attempt.state)) and attempt.duration:
            share = attempt.duration.total_seconds() / functions[function]["timeout_seconds"]
            found[function] = max(found.get(function, 0.0), share)
    return found


def universe(folder: Path, number: int) -> None:
    """Load a year of so many symbols from nothing, in one execution, and print what that took."""
    with deployed(NOW, folder / f"{number}", listed(folder, number)) as pipeline:
        used = measured(pipeline, year(YEAR, PRICES))
        title(f"{number:,} symbols, {YEAR}, simulated", "what", "figure")
        row("seconds of the execution", f"{used.seconds:.0f}")
        _print(pipeline, used)


def _print(pipeline: Pipeline, used: Used) -> None:
    target, events, millions = local_target(pipeline.config.root), pipeline.history(used.name), used.rows / 1e6
    recorded, requests = used_by(target, describe(target, used.name)), used.requests.total()
    largest = max(len(json.dumps(event, default=str)) for event in events)
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    row("rows / days", f"{used.rows:,} / {used.days}")
    row("batches / parts", f"{recorded.batches} / {entered.count('FetchPart')}")
    each = ", ".join(f"{function} {spent / millions:.0f}" for function, spent in sorted(used.cpu.items()))
    row("CPU seconds a million rows, by function", f"{sum(used.cpu.values()) / millions:.0f} ({each})")
    row("S3 requests a day / a million rows", f"{requests / used.days:.2f} / {requests / millions:,.0f}")
    dollars = bill(quantities(recorded)).total
    row("dollars, list price / a million rows", f"{dollars:.3f} / {dollars / millions:.3f}")
    most = [f"{name} {process.peak / process.memory:.0%}" for name, process in sorted(peaks(pipeline).items())]
    row("most memory, of what the function has", ", ".join(most))
    # A function that needed more was ended, and called again in a process of its own.
    row("calls that failed", f"{sum(event['type'] == 'TaskFailed' for event in events)}")
    row("longest call, of the timeout", ", ".join(f"{n} {share:.0%}" for n, share in sorted(times(events).items())))
    row("history events / largest event", f"{len(events):,} / {largest / 1024:.1f} KB")


def daily(count: int) -> None:
    """How the daily run of so many symbols fits a source that answers four charts a second, by arithmetic."""
    rate = float(facts.parameters()["requests_per_second"])
    timeout = facts.functions_file()["functions"]["fetch"]["timeout_seconds"]
    parts = math.ceil(count / rate / PASS_SECONDS)
    charts = math.ceil(count / parts)
    once, again = charts / rate, 1.25 * charts / rate
    title(f"The daily run of {count:,} symbols at {rate:.0f} charts a second", "what", "figure")
    row("parts", f"{parts} of {charts} symbols")
    row("a part, all answering at once / a quarter asked again", f"{once:.0f} / {again:.0f} s of {timeout} s")
    row("the whole pass", f"{count / rate / 60:.0f} min, {parts * 7 + 60:,} history events")


def main(folder: Path, numbers: Sequence[int]) -> None:
    """Print the figures of each number of symbols."""
    for number in numbers:
        universe(folder, number)
    daily(max(numbers))
