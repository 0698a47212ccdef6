"""What the tables by year cost the pipeline: Transform with and without ``compact_years``, on a lake of ten years."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from functools import partial
from typing import Any
from unittest.mock import patch

import polars as pl

from marketlake.aws import s3_client
from marketlake.batch_rows import PARQUET
from marketlake.contract import load_contract
from marketlake.history import DAYS, days_to_text
from marketlake.layout import clean_key, year_key
from marketlake.storage import Bucket
from marketlake.stored import read_year
from tests.bench import stages
from tests.bench.output import ratios, row, spread, title
from tests.bench.usage import Calls
from tests.e2e.pipeline import Pipeline
from transform.compact import year_parquet

REPEATS = 5
YEAR, DAY = 2022, date(2022, 12, 30)
"""A year that the lake has whole, and its last day."""


def compaction(pipeline: Pipeline) -> None:
    """Transform of a year from nothing and of a day more in a year, each with and without the year's object."""
    stages.use(pipeline)
    clean = Bucket(pipeline.name("clean_bucket"), s3_client())
    title(
        "Transform with the years over without",
        "Transform of",
        "with / without",
        "more s",
        "S3 requests, with / without",
    )
    for dataset in ("ftse100_prices", "fx_rates"):
        key = year_key(dataset, YEAR)
        _measure(pipeline, f"a year of {dataset}", dataset, date(YEAR, 1, 1), date(YEAR, 12, 31), lambda: None)
        body, about = _without_the_day(clean, dataset)
        put_back = partial(clean.put, key, body, PARQUET, metadata=about)
        _measure(pipeline, f"a day of {dataset}", dataset, DAY, DAY, put_back)


def _measure(
    pipeline: Pipeline, what: str, dataset: str, first: date, last: date, prepare: Callable[[], object]
) -> None:
    request: dict[str, Any] = {"datasets": [dataset], "start": f"{first}", "end": f"{last}", "force": True}
    calls = Calls(pipeline)
    transform = next(one for one in stages.invocations(pipeline, request) if one.function == "transform")
    contract, bucket = load_contract(dataset), pipeline.name("clean_bucket")
    days = [clean_key(dataset, day) for day in contract.days(first, last)]
    # The execution left the days as they were, so their keys are not among those that it wrote.
    mine = [call for call in calls.new() if call.role.endswith("-transform")]
    fresh = {*stages.written(mine), *((bucket, key) for key in (*days, year_key(dataset, YEAR)))}
    # The last one leaves the year as it was.
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    requests: dict[str, int] = {}
    for _ in range(REPEATS):
        for years, found in seconds.items():
            stages.remove(pipeline, fresh)
            prepare()
            calls.new()
            with nullcontext() if years == "with" else patch("transform.handler.compact_years", lambda *_: 0):
                found.append(stages.invoke(transform).wall)
            requests[years] = sum(call.action.startswith("s3:") for call in calls.new())
    both = seconds["with"], seconds["without"]
    more = [full - part for full, part in zip(*both, strict=True)]
    row(what, spread(ratios(*both), 1), spread(more), f"{requests['with']} / {requests['without']}")


def _without_the_day(clean: Bucket, dataset: str) -> tuple[bytes, dict[str, str]]:
    """The year's object as it was before ``DAY`` came, and its metadata."""
    contract = load_contract(dataset)
    held = read_year(contract, clean, YEAR)
    assert held is not None
    days = {day: etag for day, etag in held.days.items() if day != DAY}
    body = year_parquet(contract, days, held.frame.filter(pl.col("dt") != f"{DAY}"))
    return body, {DAYS: days_to_text(YEAR, days)}
