"""A year of long lists of simulated symbols, each in one execution on an emulator of its own: what it takes a row.

``python -m tests.bench universe 100 1000 10000``; ``infra.local.worker`` holds each function to its memory meanwhile.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import facts
from infra.client.events import Run
from infra.client.executions import describe
from infra.client.target import local_target
from infra.cost.month import quantities
from infra.cost.prices import bill
from infra.cost.recorded import function_of, used_by
from infra.local.lists import longest_list
from plan.batches import PASS_SECONDS
from tests.bench.output import say
from tests.e2e.pipeline import Pipeline, new_pipeline

DATASET = "ftse100_prices"
YEAR = ("2022-01-01", "2022-12-31")
DEADLINE = 3600.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """What a function's process took: the most memory (MB), and CPU seconds, 0 where it has ended."""

    function: str
    peak: int
    cpu: float


def symbols_file(path: Path, count: int) -> Path:
    """A list of so many simulated symbols."""
    lines = [f"S{number:05}.L,2021-01-01,\n" for number in range(count)]
    path.write_text("ticker,valid_from,valid_to\n" + "".join(lines), "utf-8")
    return path


def functions_of(pipeline: Pipeline) -> list[Process]:
    """All processes of functions so far."""
    found = []
    for file in sorted(pipeline.config.peaks.iterdir()):
        name, _, pid = file.name.rpartition(".")
        function = name.removeprefix(f"{pipeline.config.prefix}-").replace("-", "_")
        found.append(Process(function, int(file.read_text("utf-8")), _cpu_of(pid)))
    return found


def _cpu_of(pid: str) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def shares(pipeline: Pipeline) -> dict[str, float]:
    """The most memory that each function needed, as a share of what it has."""
    lines, peaks = longest_list(pipeline.config), dict[str, int]()
    for process in functions_of(pipeline):
        peaks[process.function] = max(peaks.get(process.function, 0), process.peak)
    functions = facts.functions_file()["functions"]
    return {name: peak / facts.memory_mb(functions[name], lines) for name, peak in peaks.items()}


def times(events: list[dict[str, Any]]) -> dict[str, float]:
    """The longest call of each function, as a share of its timeout."""
    functions, found, run = facts.functions_file()["functions"], dict[str, float](), Run()
    run.feed(events)
    for attempt in run.attempts:
        if (function := function_of(attempt.state)) and attempt.duration:
            share = attempt.duration.total_seconds() / functions[function]["timeout_seconds"]
            found[function] = max(found.get(function, 0.0), share)
    return found


def universe(count: int, window: tuple[str, str] = YEAR) -> None:
    """Load ``window`` of so many symbols from nothing, and print what that took."""
    with tempfile.TemporaryDirectory() as folder:
        listed = symbols_file(Path(folder) / "list.csv", count)
        pipeline = new_pipeline(Path(folder) / "emulator", constituents=listed)
        try:
            began = time.perf_counter()
            request = {"datasets": [DATASET], "start": window[0], "end": window[1]}
            outcome = pipeline.wait(pipeline.start(request), DEADLINE)
            seconds = time.perf_counter() - began
            say(f"{count:,} symbols, {window[0]} to {window[1]}, simulated", f"{outcome.status} in {seconds:.0f} s")
            assert outcome.status == "SUCCEEDED", outcome
            _print(pipeline, outcome.name, outcome.output["datasets"][DATASET]["rows"])
        finally:
            pipeline.down()


def _print(pipeline: Pipeline, name: str, rows: int) -> None:
    target = local_target(pipeline.config.root)
    used, events = used_by(target, describe(target, name)), pipeline.history(name)
    millions = rows / 1e6
    cpu = dict[str, float]()
    for process in functions_of(pipeline):
        cpu[process.function] = cpu.get(process.function, 0.0) + process.cpu
    requests = used.counts["s3_put"] + used.counts["s3_get"]
    largest = max(len(json.dumps(event, default=str)) for event in events)
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    say("  rows / days / batches / parts", f"{rows:,} / {used.days} / {used.batches} / {entered.count('FetchPart')}")
    each = ", ".join(f"{function} {spent / millions:.0f}" for function, spent in cpu.items())
    say("  CPU seconds a million rows, by function", f"{sum(cpu.values()) / millions:.0f} ({each})")
    say("  S3 requests a day / a million rows", f"{requests / used.days:.2f} / {requests / millions:,.0f}")
    dollars = bill(quantities(used)).total
    say("  dollars, list price / a million rows", f"{dollars:.3f} / {dollars / millions:.3f}")
    memory = ", ".join(f"{function} {share:.0%}" for function, share in sorted(shares(pipeline).items()))
    say("  most memory, of what the function has", memory)
    say("  longest call, of the timeout", ", ".join(f"{n} {share:.0%}" for n, share in sorted(times(events).items())))
    say("  history events / largest event", f"{len(events):,} / {largest / 1024:.1f} KB")


def daily(count: int) -> None:
    """How the daily run of so many symbols fits a source that answers four charts a second, by arithmetic."""
    rate = float(facts.parameters()["requests_per_second"])
    timeout = facts.functions_file()["functions"]["fetch"]["timeout_seconds"]
    parts = math.ceil(count / rate / PASS_SECONDS)
    charts = math.ceil(count / parts)
    once, again = charts / rate, 1.25 * charts / rate
    say(f"the daily run of {count:,} symbols at {rate:.0f} charts a second", f"{parts} parts of {charts} symbols")
    say("  a part, all answering at once / a quarter asked again", f"{once:.0f} / {again:.0f} s of {timeout} s")
    say("  the whole pass", f"{count / rate / 60:.0f} min, {parts * 7 + 60:,} history events")


def main(arguments: list[str]) -> None:
    """Print the figures of each number of symbols in ``arguments``."""
    counts = [int(argument) for argument in arguments] or [100, 1_000, 10_000]
    for count in counts:
        universe(count)
    daily(max(counts))
