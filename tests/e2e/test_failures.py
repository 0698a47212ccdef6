"""What fails: bad input, sources that misbehave, bad rows. The simulated sources make the faults."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import polars as pl
import pytest

from marketlake.batch_rows import to_parquet
from tests.e2e.pipeline import Pipeline

BAD_INPUTS: list[tuple[str, str]] = [
    ('{"dates": "2022-01-04"}', "dates"),
    ('{"datasets": ["gold"]}', "gold"),
    ('{"symbols": ["NOPE.L"]}', "NOPE.L"),
    ('{"start": "2022-02-01", "end": "2022-01-01"}', "2022-02-01"),
    ('{"start": "01/02/2022"}', "01/02/2022"),
    ('{"end": "2222-01-01"}', "2222-01-01"),
    ('{"start": "1998-12-31", "datasets": ["fx_rates"]}', "1998-12-31"),
    ("[1, 2]", "[1, 2]"),
    ('"yesterday"', "yesterday"),
]


@pytest.mark.parametrize(("text", "named"), BAD_INPUTS)
def test_bad_input_is_refused_in_plan(pipeline: Pipeline, text: str, named: str) -> None:
    before = pipeline.etags("raw_bucket", ""), pipeline.etags("clean_bucket", "")
    outcome = pipeline.run(raw=text)
    assert (outcome.status, outcome.error) == ("FAILED", "InvalidRequest")
    assert named in outcome.cause["errorMessage"]
    assert "accepted" in outcome.cause["errorMessage"]
    scheduled = [event for event in pipeline.history(outcome.name) if event["type"] == "TaskScheduled"]
    assert len(scheduled) == 1  # not retried
    assert (pipeline.etags("raw_bucket", ""), pipeline.etags("clean_bucket", "")) == before
    assert pipeline.messages("mailbox") == []
    assert pipeline.messages("dlq") == []


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "status", "status": 429}, "UpstreamThrottled"),
    ({"kind": "status", "status": 503}, "UpstreamUnavailable"),
    ({"kind": "reset"}, "UpstreamUnavailable"),
    ({"kind": "html"}, "UpstreamMalformed"),
    ({"kind": "truncated"}, "UpstreamMalformed"),
    ({"kind": "empty"}, "UpstreamMalformed"),
]


def fetch_attempts(pipeline: Pipeline, execution: str, dataset: str) -> list[int]:
    """Retry counts that the Fetch state passed to its function for ``dataset``, in order."""
    scheduled = [event.get("taskScheduledEventDetails", {}) for event in pipeline.history(execution)]
    payloads = [json.loads(details.get("parameters", "{}")).get("Payload", {}) for details in scheduled]
    return [
        payload["task"]["retry"]
        for payload in payloads
        if payload.get("task", {}).get("state") == "Fetch" and payload["batch"]["dataset"] == dataset
    ]


@pytest.mark.parametrize(("fault", "error"), FAULTS, ids=lambda value: str(value))
def test_a_source_that_fails_is_retried_kept_and_mailed(pipeline: Pipeline, fault: dict[str, Any], error: str) -> None:
    pipeline.inject({**fault, "match": "/(ecb|frankfurter)/"})
    window = {"start": "2020-07-01", "end": "2020-07-01"}
    outcome = pipeline.run({**window, "force": True})
    assert (outcome.status, outcome.error) == ("FAILED", error)
    assert fetch_attempts(pipeline, outcome.name, "fx_rates") == [0, 1, 2, 3]

    # The other dataset is loaded nevertheless.
    assert pipeline.query("SELECT count(*) FROM ftse100_prices WHERE dt = '2020-07-01'") == [["97"]]
    (message,) = pipeline.messages("dlq")
    assert message["failure"]["Fetch"]["Error"] == error
    (mail,) = pipeline.messages("mailbox")
    assert mail["Subject"] == f"marketlake FAILED: fx_rates 2020-07-01: {error}"
    assert f"marketlake retry {outcome.name}" in mail["Message"].splitlines()

    # Nothing partial is stored as complete, and the message's own input brings the days in.
    pipeline.inject()
    assert pipeline.run(message["input"]).status == "SUCCEEDED"
    assert pipeline.query("SELECT count(*) FROM fx_rates WHERE dt = '2020-07-01'") == [["32"]]


def test_a_bad_row_is_quarantined_and_the_good_rows_go_on(pipeline: Pipeline) -> None:
    pipeline.inject({"kind": "scale100", "match": "chart/AZN.L", "dates": ["2020-09-02"]})
    outcome = pipeline.run({"datasets": ["ftse100_prices"], "start": "2020-09-01", "end": "2020-09-03"})
    assert outcome.status == "SUCCEEDED", outcome
    assert outcome.output["datasets"]["ftse100_prices"]["rejected_rows"] == 1
    counts = pipeline.query(
        "SELECT dt, count(*), sum(CASE WHEN ticker = 'AZN.L' THEN 1 ELSE 0 END) FROM ftse100_prices "
        "WHERE dt BETWEEN '2020-09-01' AND '2020-09-03' GROUP BY dt ORDER BY dt"
    )
    assert [(row[0], row[2]) for row in counts] == [("2020-09-01", "1"), ("2020-09-02", "0"), ("2020-09-03", "1")]
    (key,) = [key for key in pipeline.etags("raw_bucket", "quarantine/") if outcome.name in key]
    (row,) = csv.DictReader(io.StringIO(pipeline.body("raw_bucket", key).decode()))
    assert (row["dt"], row["ticker"]) == ("2020-09-02", "AZN.L")
    assert "unit error" in row["reason"]


def test_a_day_with_too_many_bad_rows_is_rejected_whole_and_the_others_go_on(pipeline: Pipeline) -> None:
    pipeline.inject({"kind": "scale100", "match": "chart", "dates": ["2020-10-02"]})
    outcome = pipeline.run({"datasets": ["ftse100_prices"], "start": "2020-10-01", "end": "2020-10-05"})
    assert (outcome.status, outcome.error) == ("FAILED", "DataQualityError")
    assert sorted(pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=2020-10")) == [
        f"clean/ftse100_prices/dt=2020-10-{day}/part-0.parquet" for day in ("01", "05")
    ]
    (message,) = pipeline.messages("dlq")
    assert message["days"] == ["2020-10-02"]
    assert message["input"] == {"datasets": ["ftse100_prices"], "start": "2020-10-02", "end": "2020-10-02"}
    pipeline.inject()
    assert pipeline.run(message["input"]).status == "SUCCEEDED"


def test_symbols_without_currency_count_against_coverage(pipeline: Pipeline) -> None:
    pipeline.inject({"kind": "no_currency", "match": "chart/[A-M]"})
    outcome = pipeline.run({"datasets": ["ftse100_prices"], "start": "2020-11-02", "end": "2020-11-02"})
    assert (outcome.status, outcome.error) == ("FAILED", "DataQualityError")
    assert "expected symbols have a good row" in json.dumps(outcome.cause)
    assert pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=2020-11-02") == {}


def test_a_correction_upstream_is_found_by_the_daily_run_and_recorded(pipeline: Pipeline) -> None:
    pipeline.run({})
    raw_key = "raw/fx_rates/dt=2026-10-28/rates.json"
    marker_key = "markers/fx_rates/dt=2026-10-28.json"
    marker = json.loads(pipeline.body("clean_bucket", marker_key))
    # As if the source had said something else of one currency when the day was loaded first.
    clean_key = "clean/fx_rates/dt=2026-10-28/part-0.parquet"
    rows = pl.read_parquet(io.BytesIO(pipeline.body("clean_bucket", clean_key)))
    usd = pl.col("target_currency") == "USD"
    wrong = to_parquet(rows.with_columns(pl.when(usd).then(9.0).otherwise("rate").alias("rate")))
    s3, bucket = pipeline.aws("s3"), pipeline.name("clean_bucket")
    etag = s3.put_object(Bucket=bucket, Key=clean_key, Body=wrong)["ETag"].strip('"')
    stale = {**marker, "raw_sha256": "0" * 64, "clean_etag": etag}
    s3.put_object(Bucket=bucket, Key=marker_key, Body=json.dumps(stale).encode())
    outcome = pipeline.run({})
    assert outcome.status == "SUCCEEDED", outcome
    assert outcome.output["datasets"]["fx_rates"]["written"] == 1
    healed = json.loads(pipeline.body("clean_bucket", marker_key))
    assert healed["raw_sha256"] == marker["raw_sha256"]
    assert healed["clean_etag"] == marker["clean_etag"]
    assert [(entry["raw_sha256"], entry["changed_rows"]) for entry in healed["history"]] == [("0" * 64, 1)]
    assert pipeline.etags("raw_bucket", raw_key)
