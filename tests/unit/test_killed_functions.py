"""Each function killed after each of its writes, and run again: what is left is what an undisturbed run leaves.

The kill is an exception that no function catches, raised when a write is stored, as the process would end there
(``tests/e2e/test_kills.py`` ends real ones). The source and Athena are fakes here; Athena's answer is counted from the
Parquet objects by Polars.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from athena_check import handler as check_handler
from athena_check.query import BY_DAY, BY_YEAR
from fetch import handler as fetch_handler
from fetch.sources.base import FetchedDays, FetchRequest
from marketlake import aws
from marketlake.layout import clean_key, marker_key, year_key
from marketlake.schemas import glue_columns
from marketlake.storage import Bucket
from marketlake.symbols import symbols_in_force
from report import handler as report_handler
from report.summary import COUNTS
from tests.unit.lake import RATES, Context, Lake, batch_of, rates_json, task_of
from transform import handler as transform_handler
from validate import handler as validate_handler

DAYS = [date(2023, 1, 3), date(2023, 1, 4)]
RUN = ["2023-01-03/2023-01-04"]

Results = dict[str, Any]


class Killed(BaseException):
    """The process is no more."""


class Source:
    """The rates of two days; ``usd`` is that of the first."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.usd = lake, 1.05

    def fetch(self, request: FetchRequest) -> FetchedDays:
        listed = request.symbols or symbols_in_force(RATES, self.lake.artifacts, "EUR").expected(DAYS[0], DAYS[1])
        earlier, first, second = (dict.fromkeys(listed, rate) for rate in (1.01, 1.02, 1.03))
        days = {DAYS[0]: rates_json(DAYS[0], first | {"USD": self.usd}), DAYS[1]: rates_json(DAYS[1], second)}
        return FetchedDays(
            days=days, rows=dict.fromkeys(DAYS, len(listed)), before=rates_json(date(2023, 1, 2), earlier)
        )


@pytest.fixture
def source(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Source:
    made = Source(lake)
    glue: Any = aws.glue_client()
    glue.create_database(DatabaseInput={"Name": "marketlake"})
    table = {"Name": "fx_rates", "StorageDescriptor": {"Columns": glue_columns(RATES)}}
    glue.create_table(DatabaseName="marketlake", TableInput=table)
    monkeypatch.setattr(fetch_handler, "source_of", lambda *_: made)
    monkeypatch.setattr(check_handler, "run_query", lambda *_: counted_by_polars(lake))
    return made


def counted_by_polars(lake: Lake) -> list[dict[str, str | None]]:
    by_day = [pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("fx_rates", day)).body)) for day in DAYS]
    year = pl.read_parquet(io.BytesIO(lake.clean.get(year_key("fx_rates", 2023)).body))
    by_year = [year.filter(pl.col("dt") == f"{day}").drop("dt") for day in DAYS]
    return [
        {
            "form": form,
            "dt": f"{day}",
            "row_count": f"{frame.height}",
            "key_count": f"{frame['target_currency'].n_unique()}",
            **{f"{column}_nulls": f"{frame[column].null_count()}" for column in frame.columns},
            "rate_min": f"{frame.select(pl.min('rate')).item()}",
            "rate_max": f"{frame.select(pl.max('rate')).item()}",
        }
        for form, frames in ((BY_DAY, by_day), (BY_YEAR, by_year))
        for day, frame in zip(DAYS, frames, strict=True)
    ]


def stages(batch: dict[str, Any]) -> list[tuple[str, Any, Callable[[Results], dict[str, Any]]]]:
    """State, function and payload, as the state machine makes it of the results so far."""
    done = {**dict.fromkeys(COUNTS, 0), "index": 0, "dataset": "fx_rates", "days": RUN, "count": 2, "recheck": False}
    done |= {"input": batch["input"], "failure": {}, "rejection": {}, "missing_symbols": []}
    report = {"input": {}, "plan": {}, "failure": {}, "execution_arn": "arn:run-1", "results": [done]}
    return [
        ("Fetch", fetch_handler.handler, lambda _: {}),
        ("Validate", validate_handler.handler, lambda so_far: {"fetched": so_far["Fetch"]}),
        (
            "Transform",
            transform_handler.handler,
            lambda so_far: {"fetched": so_far["Fetch"], "validated": so_far["Validate"]},
        ),
        ("AthenaCheck", check_handler.handler, lambda so_far: {"transformed": so_far["Transform"]}),
        ("Report", report_handler.handler, lambda _: report),
    ]


class Process:
    """Where functions write: it ends once ``kill_after`` writes are stored, until it is started again."""

    def __init__(self, kill_after: int | None) -> None:
        self.kill_after, self.stored, self.kills, self.alive = kill_after, 0, 0, True

    def put(self, plain: Callable[..., str], *arguments: Any, **named: Any) -> str:
        if not self.alive:
            raise Killed
        etag = plain(*arguments, **named)
        self.stored += 1
        if self.stored == self.kill_after:
            self.alive, self.kills = False, self.kills + 1
            raise Killed
        return etag


def run(batch: dict[str, Any], execution: str = "run-1", kill_after: int | None = None) -> Process:
    """All stages in a process that is killed, and then started again."""
    results, process, context = Results(), Process(kill_after), Context()
    plain = Bucket.put
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Bucket, "put", lambda *arguments, **named: process.put(plain, *arguments, **named))
        for state, function, payload in stages(batch):
            event = {"batch": batch, "started": "2023-01-06T20:00:00.000Z", **payload(results)}
            try:
                results[state] = function({**event, "task": task_of(state, execution)}, context)
            except Killed:
                process.alive = True
                results[state] = function({**event, "task": task_of(state, execution, retry=1)}, context)
    return process


def restore(lake: Lake, objects: dict[str, bytes]) -> None:
    for bucket in (lake.raw, lake.clean):
        for key, _ in list(bucket.keys(prefix="")):
            lake.client.delete_object(Bucket=bucket.name, Key=key)
    for key, body in objects.items():
        bucket = lake.raw if key.startswith("raw/") else lake.clean
        bucket.put(key, body, "application/octet-stream")


@pytest.mark.parametrize(
    ("batch", "corrected"),
    [
        (batch_of(RATES, RUN), None),
        (batch_of(RATES, RUN, recheck=True), 1.06),
        (batch_of(RATES, RUN, ["USD"]), 1.06),
    ],
    ids=["new days", "a correction", "one symbol"],
)
def test_after_a_kill_at_any_write_the_retry_leaves_what_an_undisturbed_run_leaves(
    lake: Lake, source: Source, batch: dict[str, Any], corrected: float | None
) -> None:
    if corrected is not None:
        run(batch_of(RATES, RUN), "run-0")
        source.usd = corrected
    before = lake.everything()
    points = run(batch).stored
    wanted = lake.everything()
    for point in range(1, points + 1):
        restore(lake, before)
        assert run(batch, kill_after=point).kills == 1
        assert lake.everything() == wanted, f"killed after write {point} of {points}"
    marker = json.loads(wanted[marker_key("fx_rates", DAYS[0])])
    assert [entry["changed_rows"] for entry in marker["history"]] == ([] if corrected is None else [1])
