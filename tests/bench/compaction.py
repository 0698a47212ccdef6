"""What the tables by year cost the pipeline: Transform with and without ``compact_years``, on a lake of ten years."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from unittest.mock import patch

import polars as pl

from marketlake.aws import s3_client
from marketlake.batch_rows import PARQUET
from marketlake.contract import load_contract
from marketlake.history import DAYS, days_to_text
from marketlake.layout import year_key
from marketlake.storage import Bucket
from marketlake.stored import read_year
from tests.bench import stages
from tests.bench.output import say
from tests.e2e.pipeline import Pipeline
from transform.compact import year_parquet

STARTED = "2026-11-01T00:00:00+00:00"
REPEATS = 5
YEAR, DAY = 2022, date(2022, 12, 30)
"""A year that the lake has whole, and its last day."""


def compaction(pipeline: Pipeline) -> None:
    """Transform of a year from nothing and of a day more in a year, each with and without the year's object."""
    stages.use(pipeline)
    clean = Bucket(pipeline.name("clean_bucket"), s3_client())
    for dataset in ("ftse100_prices", "fx_rates"):
        key = year_key(dataset, YEAR)
        _measure(f"a year of {dataset}", dataset, date(YEAR, 1, 1), date(YEAR, 12, 31), lambda: None)
        body, about = _without_the_day(clean, dataset)
        put_back = partial(clean.put, key, body, PARQUET, metadata=about)
        _measure(f"a day of {dataset}", dataset, DAY, DAY, put_back)


def _measure(what: str, dataset: str, first: date, last: date, prepare: Callable[[], object]) -> None:
    state = _validated(dataset, first, last)
    batch: int = state["batch"]["count"]
    ratios, more, calls = [], [], {}
    made = stages.Recorder()
    for _ in range(REPEATS):
        stages.take_back(made.calls)
        prepare()
        with stages.recorded() as made:
            _, full = stages.invoke("transform", "Transform", state)
        stages.take_back(made.calls)
        prepare()
        with patch("transform.handler.compact_years", lambda *_: 0), stages.recorded() as bare:
            _, without = stages.invoke("transform", "Transform", state)
        ratios.append(full / without)
        more.append(full - without)
        calls = {"with": len(made.calls), "without": len(bare.calls)}
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    seconds = f"{statistics.median(more):.2f} s more"
    say(f"transform of {what}: with / without its year", f"{spread}; {seconds}; {batch} days; S3 requests {calls}")


def _validated(dataset: str, first: date, last: date) -> dict[str, Any]:
    """The state of the first batch of a forced window when Transform's turn comes."""
    request = {"datasets": [dataset], "start": f"{first}", "end": f"{last}", "force": True}
    planned, _ = stages.invoke("plan", "Plan", {"input": request, "started": STARTED})
    state: dict[str, Any] = {"batch": planned["batches"][0], "started": STARTED}
    for function, name, result in (("fetch", "Fetch", "fetched"), ("validate", "Validate", "validated")):
        state[result], _ = stages.invoke(function, name, state)
    return state


def _without_the_day(clean: Bucket, dataset: str) -> tuple[bytes, dict[str, str]]:
    """The year's object as it was before ``DAY`` came, and its metadata."""
    contract = load_contract(dataset)
    held = read_year(contract, clean, YEAR)
    assert held is not None
    days = {day: etag for day, etag in held.days.items() if day != DAY}
    body = year_parquet(contract, days, held.frame.filter(pl.col("dt") != f"{DAY}"))
    return body, {DAYS: days_to_text(YEAR, days)}
