"""``make bench`` and, with ``years``, ``make bench-years``: print the figures.

Every ratio is of two things measured in turn on the same machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from infra import facts
from tests.bench import stages, universe
from tests.bench.compaction import compaction
from tests.bench.library import library
from tests.bench.output import say
from tests.bench.years import ten_years
from tests.e2e.pipeline import Pipeline, new_pipeline

YEAR = {"datasets": ["ftse100_prices", "fx_rates"], "start": "2022-01-01", "end": "2022-12-31"}
REPEATS = 5
HEAVY = ("polars", "pandas", "pyarrow", "yfinance", "numpy")


def main(arguments: list[str]) -> None:
    """Run the benchmarks on a local AWS emulator of their own: those of ten years where ``years`` is given.

    ``universe`` and numbers of symbols: those of long lists, each on an emulator of its own.
    """
    if arguments[:1] == ["universe"]:
        universe.main(arguments[1:])
        return
    parts = (ten_years, library, compaction) if arguments == ["years"] else (backfill, requests_and_ratios)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = new_pipeline(Path(folder) / "emulator")
        try:
            for part in parts:
                part(pipeline)
        finally:
            pipeline.down()
    if not arguments:
        imports()


def backfill(pipeline: Pipeline) -> None:
    """A year of the prices and the rates from nothing, through the state machine, cold functions included."""
    began = time.perf_counter()
    outcome = pipeline.run(YEAR)
    seconds = time.perf_counter() - began
    assert outcome.status == "SUCCEEDED", outcome
    counts = outcome.output["datasets"].values()
    days, rows = sum(c["written"] for c in counts), sum(c["rows"] for c in counts)
    events = pipeline.history(outcome.name)
    largest = max(len(json.dumps(event, default=str)) for event in events)
    say("backfill of 2022, prices and rates, cold functions", f"{seconds:.1f} s")
    say("  days stored", f"{days} ({days / seconds:.0f} a second)")
    say("  rows stored", f"{rows} ({rows / seconds:.0f} a second)")
    say("  history events / largest event", f"{len(events)} / {largest / 1024:.0f} KB")


def requests_and_ratios(pipeline: Pipeline) -> None:
    """S3 requests of each stage, and each stage's time over that of its bare requests."""
    stages.use(pipeline)
    total: dict[str, int] = {}
    days = 0
    for dataset in ("fx_rates", "ftse100_prices"):
        started = "2026-11-01T00:00:00+00:00"
        request = {"datasets": [dataset], "start": "2021-01-01", "end": "2021-12-31"}
        with stages.recorded() as plan:
            planned, _ = stages.invoke("plan", "Plan", {"input": request, "started": started})
        batch = planned["batches"][0]
        days += batch["count"]
        total["plan"] = total.get("plan", 0) + len(plan.calls)
        state: dict[str, Any] = {"batch": batch, "started": started}
        for function, name, result in (
            ("fetch", "Fetch", "fetched"),
            ("validate", "Validate", "validated"),
            ("transform", "Transform", "transformed"),
            ("athena_check", "AthenaCheck", "checked"),
        ):
            with stages.recorded() as made:
                state[result], _ = stages.invoke(function, name, state)
            total[function] = total.get(function, 0) + len(made.calls)
            if function in ("validate", "transform"):
                _ratio(dataset, function, name, state, made.calls)
    say("S3 requests per day stored", f"{sum(total.values()) / days:.2f} ({total} for {days} days)")


def _ratio(dataset: str, function: str, name: str, state: dict[str, Any], calls: list[Any]) -> None:
    ratios, rates = [], []
    for _ in range(REPEATS):
        stages.take_back(calls)
        _, seconds = stages.invoke(function, name, state)
        bare = stages.bare_loop(calls)
        ratios.append(seconds / bare)
        rates.append(len(calls) / bare)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    say(
        f"{function} of {dataset}: run / bare requests",
        f"{statistics.median(ratios):.2f} ({spread}; bare {statistics.median(rates):.0f} requests/s)",
    )


def imports() -> None:
    """Seconds to import each handler in a fresh interpreter, and the heavy packages that come with it."""
    for function in facts.function_names():
        code = (
            f"import sys, time; began = time.perf_counter(); import {function}.handler; "
            f"print(time.perf_counter() - began, *[m for m in {HEAVY!r} if m in sys.modules])"
        )
        runs = [
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)
        ]
        answers = [run.stdout.split() for run in runs]
        seconds = statistics.median(float(answer[0]) for answer in answers)
        say(
            f"cold import of {function}.handler",
            f"{seconds:.2f} s, with {', '.join(answers[0][1:]) or 'none'} of the heavy ones",
        )


if __name__ == "__main__":
    main(sys.argv[1:])
