"""Two executions on the same month at once, many times: both end, and what is there is one correct copy.

`make test` has ten months, `make kills` fifty: ``OVERLAPS``.
Both fetch the same bytes, so neither disturbs the other. What an overlap with other bytes ends in is tested step by
step in ``tests/unit``, where the order can be chosen.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from datetime import date, datetime, timedelta

import polars as pl
import pyarrow.parquet as pq

from infra.local.config import ACCOUNT_ID
from marketlake.contract import load_contract
from marketlake.layout import clean_key, marker_key, raw_key, year_key
from tests.e2e.pipeline import Pipeline

OVERLAPS = int(os.environ.get("OVERLAPS", "10"))
MONTHS = [date(2000 + number // 12, 1 + number % 12, 1) for number in range(OVERLAPS + 1)]
"""The first days of the months, and of the one after."""

BOTH = OVERLAPS // 5
"""So many months are loaded for prices and rates, the others for the rates, which take a fifth of the time."""


def times(pipeline: Pipeline, arn: str) -> tuple[datetime, datetime]:
    found = pipeline.aws("stepfunctions").describe_execution(executionArn=arn)
    return found["startDate"], found["stopDate"]


def check_days(pipeline: Pipeline, dataset: str, first: date, last: date) -> int:
    """Hold each day's only object and only marker against each other and the raw object; the number of days.

    Objects are read where they lie on disk: by S3, these reads would take longer than the executions.
    """
    contract = load_contract(dataset)
    buckets = pipeline.config.root / "s3" / ACCOUNT_ID
    raw_bucket, clean_bucket = (buckets / pipeline.name(name) for name in ("raw_bucket", "clean_bucket"))
    days = contract.days(first, last)
    month = f"{first:%Y-%m}"
    clean = pipeline.etags("clean_bucket", f"clean/{dataset}/dt={month}")
    assert list(clean) == [clean_key(dataset, day) for day in days]
    markers = list(pipeline.etags("clean_bucket", f"markers/{dataset}/dt={month}"))
    assert markers == [marker_key(dataset, day) for day in days]
    held = json.loads(pl.read_parquet_metadata(clean_bucket / year_key(dataset, first.year))["marketlake.days"])
    for day in days:
        marker = json.loads((clean_bucket / marker_key(dataset, day)).read_text("utf-8"))
        file = clean_bucket / clean_key(dataset, day)
        assert marker["clean_etag"] == clean[clean_key(dataset, day)].strip('"'), day
        assert marker["clean_etag"] == held[f"{day}"], day
        assert marker["rows"] == pq.read_metadata(file).num_rows > 0, day
        raw = (raw_bucket / raw_key(contract, day)).read_bytes()
        assert marker["raw_sha256"] == hashlib.sha256(raw).hexdigest(), day
        assert marker["history"] == [], day  # both say the same: neither replaced the other's
    return len(days)


def test_two_executions_on_the_same_month_leave_one_correct_copy(pipeline: Pipeline) -> None:
    days, marked, planned_twice = 0, 0, 0
    for number, (first, after) in enumerate(itertools.pairwise(MONTHS)):
        datasets = ["ftse100_prices", "fx_rates"] if number < BOTH else ["fx_rates"]
        last = after - timedelta(days=1)
        document = {"datasets": datasets, "start": f"{first}", "end": f"{last}"}
        arns = [pipeline.start(document), pipeline.start(document)]
        outcomes = [pipeline.wait(arn) for arn in arns]
        (started, ended), (second, _) = (times(pipeline, arn) for arn in arns)
        assert (second - started).total_seconds() < 1
        assert second < ended
        assert [(outcome.status, outcome.error) for outcome in outcomes] == [("SUCCEEDED", "")] * 2, outcomes
        there = sum(check_days(pipeline, dataset, first, last) for dataset in datasets)
        counts = [counts for outcome in outcomes for counts in outcome.output["datasets"].values()]
        assert sum(count["marked"] for count in counts) == there  # each day marked by one of the two
        planned_twice += all(outcome.output["plan"]["days_planned"] == there for outcome in outcomes)
        days, marked = days + there, marked + sum(1 for count in counts if 0 < count["marked"] < count["written"])
    assert planned_twice > len(MONTHS) // 2, "the executions hardly overlapped"
    assert pipeline.messages("dlq") == []
    print(
        f"\n{len(MONTHS) - 1} months, each loaded by two executions at once: all SUCCEEDED; {planned_twice} months "
        f"were planned whole by both; {days} days with one object and one marker each; in {marked} batches some days "
        "were marked by the one and some by the other"
    )

    # The same days by one execution alone: not a byte changes.
    for dataset, end in (("ftse100_prices", MONTHS[BOTH]), ("fx_rates", MONTHS[-1])):
        window = {"start": f"{MONTHS[0]}", "end": f"{end - timedelta(days=1)}", "datasets": [dataset], "force": True}
        before = [pipeline.etags("clean_bucket", f"{form}/{dataset}/") for form in ("clean", "by_year")]
        assert pipeline.run(window).status == "SUCCEEDED"
        assert [pipeline.etags("clean_bucket", f"{form}/{dataset}/") for form in ("clean", "by_year")] == before
