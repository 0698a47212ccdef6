"""The main paths: the daily run, a year of rates against the ECB's own file, forced backfills."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from marketlake.contract import load_contract
from tests.arrow_schema import arrow_schema
from tests.e2e.pipeline import Pipeline, new_pipeline


def ecb_rates(year: str) -> dict[tuple[str, str], float]:
    """(day, currency) to rate, read from the ECB's file by the csv module alone: a reader independent of ours."""
    archive = zipfile.ZipFile(io.BytesIO((files("currency_converter") / "eurofxref-hist.zip").read_bytes()))
    rows = csv.DictReader(io.TextIOWrapper(archive.open(archive.namelist()[0])))
    return {
        (row["Date"], code): float(rate)
        for row in rows
        if row["Date"].startswith(year)
        for code, rate in row.items()
        if code and code != "Date" and rate not in ("", "N/A")
    }


def test_daily_run_loads_the_last_week_and_finds_nothing_to_do_the_second_time(pipeline: Pipeline) -> None:
    first = pipeline.run({})
    assert first.status == "SUCCEEDED", first
    written = {name: counts["written"] for name, counts in first.output["datasets"].items()}
    assert written == {"ftse100_index": 6, "ftse100_prices": 6, "fx_rates": 6}
    points = pipeline.query("SELECT ticker, min(low), max(high) FROM ftse100_index WHERE dt >= '2026-10-23' GROUP BY 1")
    assert [(name, 1000 < float(str(low)) < float(str(high))) for name, low, high in points] == [("^FTSE", True)]
    rows = pipeline.query("SELECT dt, count(*) FROM fx_rates WHERE dt >= '2026-10-23' GROUP BY dt ORDER BY dt")
    assert [row[0] for row in rows] == [f"2026-10-{day}" for day in (23, 26, 27, 28, 29, 30)]

    before = pipeline.modified("clean_bucket", "clean/"), pipeline.etags("clean_bucket", "markers/")
    second = pipeline.run({})
    assert second.status == "SUCCEEDED", second
    assert second.output["text"].startswith("nothing was left to do")
    assert (pipeline.modified("clean_bucket", "clean/"), pipeline.etags("clean_bucket", "markers/")) == before


def test_a_scheduled_start_that_comes_twice_runs_once(pipeline: Pipeline) -> None:
    scheduled = {"scheduled_time": "2019-08-08T18:30:00Z", "trigger": "schedule"}
    first, second = (pipeline.wait(arn) for arn in [pipeline.start(scheduled), pipeline.start(scheduled)])
    assert {first.status, second.status} == {"SUCCEEDED"}
    ran, idle = sorted((first, second), key=lambda outcome: -len(outcome.output["datasets"]))
    assert {name: counts["written"] for name, counts in ran.output["datasets"].items()} == {
        "ftse100_index": 6,
        "ftse100_prices": 6,
        "fx_rates": 6,
    }
    assert idle.output["text"] == f"nothing was left to do: execution {ran.name} runs this scheduled start"


def test_rates_of_2023_equal_the_ecb_file(pipeline: Pipeline) -> None:
    outcome = pipeline.run({"datasets": ["fx_rates"], "start": "2023-01-01", "end": "2023-12-31"})
    assert outcome.status == "SUCCEEDED", outcome
    rows = pipeline.query("SELECT dt, target_currency, rate FROM fx_rates WHERE dt LIKE '2023-%'")
    found = {(str(dt), str(code)): float(str(rate)) for dt, code, rate in rows}
    expected = ecb_rates("2023")
    assert len(rows) == len(found)
    assert len({day for day, _ in expected}) == 255
    assert found == expected


def test_forced_backfill_leaves_identical_objects_and_no_duplicates(pipeline: Pipeline) -> None:
    window = {"start": "2022-03-01", "end": "2022-03-31"}
    assert pipeline.run(window).status == "SUCCEEDED"
    etags = pipeline.etags("clean_bucket", "clean/")
    again = pipeline.run({**window, "force": True})
    assert again.status == "SUCCEEDED", again
    assert again.output["datasets"]["ftse100_prices"]["unchanged"] == 23
    assert pipeline.etags("clean_bucket", "clean/") == etags
    duplicates = pipeline.query(
        "SELECT dt, ticker FROM ftse100_prices WHERE dt LIKE '2022-03-%' GROUP BY dt, ticker HAVING count(*) > 1"
    )
    assert duplicates == []


@pytest.mark.parametrize("dataset", ["ftse100_index", "ftse100_prices", "fx_rates"])
def test_the_table_by_year_has_the_rows_of_the_table_by_day(pipeline: Pipeline, dataset: str) -> None:
    pipeline.run({"datasets": [dataset], "start": "2014-12-30", "end": "2015-01-05"})
    names = ", ".join(["dt", *(column.name for column in load_contract(dataset).columns)])
    asked = "SELECT {} FROM {} WHERE {} dt BETWEEN '2014-12-30' AND '2015-01-05' ORDER BY 1, 2, 3"
    by_day = pipeline.query(asked.format(names, dataset, ""))
    assert len({row[0] for row in by_day}) >= 4
    assert pipeline.query(asked.format(names, f"{dataset}_by_year", "year BETWEEN '2014' AND '2015' AND")) == by_day
    # A corrected, patched or forced day is the same in both at once.
    pipeline.inject({"kind": "scale100", "match": "/ecb/", "symbol": "USD", "dates": ["2015-01-05"]})
    pipeline.run({"datasets": [dataset], "start": "2015-01-02", "end": "2015-01-05", "force": True})
    pipeline.inject()
    by_day = pipeline.query(asked.format(names, dataset, ""))
    assert pipeline.query(asked.format(names, f"{dataset}_by_year", "year BETWEEN '2014' AND '2015' AND")) == by_day


def test_what_lies_on_disk_is_plain_parquet_in_the_contract_s_schema(pipeline: Pipeline) -> None:
    pipeline.run({"start": "2017-06-01", "end": "2017-06-02"})
    bucket = pipeline.config.root / "s3" / "000000000000" / pipeline.name("clean_bucket")
    for dataset in ("ftse100_index", "ftse100_prices", "fx_rates"):
        file = bucket / "clean" / dataset / "dt=2017-06-01" / "part-0.parquet"
        assert pq.read_schema(file).remove_metadata() == arrow_schema(load_contract(dataset))


def test_symbols_are_put_into_complete_days_only(pipeline: Pipeline) -> None:
    day = {"start": "2017-02-01", "end": "2017-02-01"}
    assert pipeline.run(day).status == "SUCCEEDED"
    before = pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=2017-02-01")
    rows = pipeline.query("SELECT count(*), count(DISTINCT ticker) FROM ftse100_prices WHERE dt = '2017-02-01'")
    patched = pipeline.run({**day, "symbols": ["VOD.L"]})
    assert patched.status == "SUCCEEDED", patched
    assert pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=2017-02-01") == before
    assert rows == pipeline.query("SELECT count(*), count(DISTINCT ticker) FROM ftse100_prices WHERE dt = '2017-02-01'")

    alone = pipeline.run({"start": "2017-02-02", "end": "2017-02-02", "symbols": ["VOD.L"]})
    assert (alone.status, alone.error) == ("FAILED", "DataQualityError")
    assert pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=2017-02-02") == {}


@pytest.fixture
def own_pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """A pipeline of the test's own, to be stopped."""
    pipeline = new_pipeline(tmp_path / "embedded")
    yield pipeline
    pipeline.down()


def test_state_survives_a_restart(own_pipeline: Pipeline) -> None:
    outcome = own_pipeline.run({"datasets": ["fx_rates"], "start": "2019-05-02", "end": "2019-05-03"})
    own_pipeline.down()
    own_pipeline.up()
    listed = own_pipeline.aws("stepfunctions").list_executions(
        stateMachineArn=own_pipeline.deployment and own_pipeline.deployment.state_machine_arn
    )
    assert [execution["name"] for execution in listed["executions"]] == [outcome.name]
    again = own_pipeline.run({"datasets": ["fx_rates"], "start": "2019-05-02", "end": "2019-05-03"})
    assert (
        json.loads(own_pipeline.body("clean_bucket", f"reports/{again.name}.json"))["summary"]["plan"]["days_done"] == 2
    )


def test_a_list_of_the_user_s_own_and_another_base_currency(tmp_path: Path) -> None:
    listed = tmp_path / "mine.csv"
    listed.write_text(
        "ticker,valid_from,valid_to\nVOD.L,2000-01-01,\nTSCO.L,2000-01-01,\nOLD.L,2000-01-01,2010-12-31\n"
    )
    pipeline = new_pipeline(tmp_path / "embedded", constituents=listed, fx_base="USD")
    try:
        day = {"start": "2023-05-02", "end": "2023-05-02"}
        assert pipeline.run(day).status == "SUCCEEDED"
        assert pipeline.query("SELECT ticker FROM ftse100_prices ORDER BY ticker") == [["TSCO.L"], ["VOD.L"]]
        (row,) = pipeline.query("SELECT base_currency, rate FROM fx_rates WHERE target_currency = 'EUR'")
        assert row[0] == "USD"
        assert float(str(row[1])) == pytest.approx(1 / ecb_rates("2023")["2023-05-02", "USD"], rel=1e-4)
        refused = pipeline.run({**day, "symbols": ["AZN.L"]})
        assert (refused.status, refused.error) == ("FAILED", "InvalidRequest")
    finally:
        pipeline.down()
