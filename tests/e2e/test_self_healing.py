"""What the daily run heals by itself, and what it notices: days missed, late, corrected, and histories restated.

On a lake of its own with three symbols, whose prices the tests restate; a test brings back what it changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.cli.main import main
from infra.client.athena import run_query
from tests.e2e.pipeline import Outcome, Pipeline, new_pipeline
from tests.e2e.saved_lakes import target_of

MONTH = {"datasets": ["ftse100_prices"], "start": "2026-10-01", "end": "2026-10-28"}
LATER = ("2026-10-29", "2026-10-30")
SYMBOLS = ("AZN.L", "BARC.L", "VOD.L")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A lake of three symbols with a month of prices, but for the last two days that its source has."""
    root = tmp_path_factory.mktemp("healing")
    listed = root / "three.csv"
    listed.write_text("ticker,valid_from,valid_to\n" + "".join(f"{symbol},2000-01-01,\n" for symbol in SYMBOLS))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", "0.05")
        pipeline = new_pipeline(root / "embedded", constituents=listed)
    try:
        assert pipeline.run(MONTH).status == "SUCCEEDED"
        yield pipeline
    finally:
        pipeline.down()


@pytest.fixture
def lake(own: Pipeline) -> Iterator[Pipeline]:
    """The lake with empty queues; afterwards it is put back to the month."""
    for queue in ("dlq", "mailbox"):
        own.messages(queue)
    yield own
    own.inject()
    own.act()
    assert own.run({**MONTH, "force": True}).status == "SUCCEEDED"
    for day in LATER:
        for key in (f"clean/ftse100_prices/dt={day}/part-0.parquet", f"markers/ftse100_prices/dt={day}.json"):
            own.aws("s3").delete_object(Bucket=own.name("clean_bucket"), Key=key)


def daily(pipeline: Pipeline, at: str = "2026-10-30") -> Outcome:
    """The daily run of an evening."""
    outcome = pipeline.run({"datasets": ["ftse100_prices"], "scheduled_time": f"{at}T20:00:00Z"})
    assert outcome.status == "SUCCEEDED", outcome
    return outcome


def retry(pipeline: Pipeline, execution: str) -> Outcome:
    """``marketlake retry`` of an execution that noticed a restated history: the execution that loads it again."""
    assert pipeline.deployment is not None
    assert main(["--root", str(pipeline.config.root), "retry", execution]) == 0
    arn = pipeline.deployment.state_machine_arn.replace(":stateMachine:", ":execution:")
    return pipeline.wait(f"{arn}:retry-{execution}-1")


def prices(pipeline: Pipeline) -> dict[str, str]:
    return pipeline.etags("clean_bucket", "clean/ftse100_prices/")


def fresh(pipeline: Pipeline) -> dict[str, str]:
    """The lake's objects as they are when every day is loaded whole, at once, from what upstream says now."""
    assert pipeline.run({**MONTH, "end": LATER[-1], "force": True}).status == "SUCCEEDED"
    return prices(pipeline)


def test_a_split_is_found_mailed_once_and_loaded_by_its_command(lake: Pipeline) -> None:
    lake.act({"symbol": "VOD.L", "day": "2026-10-29", "split": [1, 5]})
    outcome = daily(lake)
    assert outcome.output["restated"]["lines"] == [
        "ftse100_prices VOD.L, split: values up to 2026-10-28 are now 5 times what they were",
    ]
    (mail,) = lake.messages("mailbox")
    assert mail["Subject"] == "marketlake: ftse100_prices VOD.L: a split restated its history"
    assert f"marketlake retry {outcome.name}" in mail["Message"].splitlines()
    assert "FAILED" not in mail["Subject"] + mail["Message"]
    report = json.loads(lake.body("clean_bucket", f"reports/{outcome.name}.json"))
    assert [(found["symbol"], found["event"], found["factor"]) for found in report["restatements"]] == [
        ("VOD.L", "split", 5.0)
    ]

    before = prices(lake)
    repaired = retry(lake, outcome.name)
    assert repaired.status == "SUCCEEDED", repaired
    assert "restated" not in repaired.output
    assert before != prices(lake) == fresh(lake)
    assert "restated" not in daily(lake).output
    assert lake.messages("mailbox") == []
    assert lake.messages("dlq") == []


def test_a_dividend_that_comes_late_writes_its_own_day_and_earlier_closes_are_adjusted(lake: Pipeline) -> None:
    before = prices(lake)
    lake.act({"symbol": "BARC.L", "day": "2026-10-28", "dividend": 3.25})
    assert "restated" not in daily(lake).output
    changed = {key for key, etag in prices(lake).items() if before.get(key, etag) != etag}
    assert changed == {"clean/ftse100_prices/dt=2026-10-28/part-0.parquet"}
    asked = "FROM ftse100_prices_adjusted WHERE ticker = 'BARC.L' AND dt = '2026-10-27' AND year = '2026'"
    ((close, adjusted),) = answer(lake, f"SELECT close, adj_close {asked}")
    assert adjusted == pytest.approx(close - 0.0325)
    paid = "SELECT kind, amount, currency FROM corporate_actions WHERE ticker = 'BARC.L' AND ex_dt = '2026-10-28'"
    assert answer(lake, paid) == [("dividend", 0.0325, "GBP")]
    assert prices(lake) == fresh(lake)
    assert lake.messages("mailbox") == []


def answer(pipeline: Pipeline, sql: str) -> list[tuple[Any, ...]]:
    """The rows that Athena answers."""
    return [tuple(row.values()) for row in run_query(target_of(pipeline.config), sql).table.to_pylist()]


def marker(pipeline: Pipeline, day: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pipeline.body("clean_bucket", f"markers/ftse100_prices/dt={day}.json"))
    return found


def test_days_missed_are_loaded_by_the_next_daily_run(lake: Pipeline) -> None:
    """Nobody ran on the 29th; the run of the 30th loads both days, and the rest of its week costs no write."""
    before = lake.modified("clean_bucket", "clean/ftse100_prices/")
    counts = daily(lake).output["datasets"]["ftse100_prices"]
    assert (counts["written"], counts["unchanged"]) == (2, 4)
    after = lake.modified("clean_bucket", "clean/ftse100_prices/")
    assert sorted(set(after) - set(before)) == [f"clean/ftse100_prices/dt={day}/part-0.parquet" for day in LATER]
    assert {key: after[key] for key in before} == before


def test_a_day_that_was_not_there_yet_is_loaded_once_it_is(lake: Pipeline) -> None:
    lake.inject({"kind": "stale", "match": "chart", "dates": [LATER[-1]]})
    document = {"datasets": ["ftse100_prices"], "scheduled_time": "2026-10-30T20:00:00Z"}
    outcome = lake.run(document)
    assert (outcome.status, outcome.error) == ("FAILED", "UpstreamUnavailable")
    assert not lake.etags("clean_bucket", f"clean/ftse100_prices/dt={LATER[-1]}")
    assert marker(lake, LATER[0])["rows"] == len(SYMBOLS)
    lake.inject()
    assert daily(lake).output["datasets"]["ftse100_prices"]["written"] == 1
    assert marker(lake, LATER[-1])["rows"] == len(SYMBOLS)


def test_a_day_corrected_upstream_is_written_again_and_its_marker_says_what_changed(lake: Pipeline) -> None:
    day = "2026-10-27"
    whole = marker(lake, day)
    part = {"datasets": ["ftse100_prices"], "start": day, "end": day, "force": True}
    # A dividend that was booked by mistake: the day is loaded with it, and without it later.
    lake.act({"symbol": "AZN.L", "day": day, "dividend": 2.5})
    assert lake.run(part).status == "SUCCEEDED"
    wrong = marker(lake, day)
    assert wrong["raw_sha256"] != whole["raw_sha256"]

    lake.act()
    counts = daily(lake).output["datasets"]["ftse100_prices"]
    assert (counts["written"], counts["corrected"], counts["unchanged"]) == (3, 1, 3)
    healed = marker(lake, day)
    assert (healed["raw_sha256"], healed["clean_etag"]) == (whole["raw_sha256"], whole["clean_etag"])
    *_, entry = healed["history"]
    assert {name: entry[name] for name in ("raw_sha256", "clean_etag", "changed_rows")} == {
        "raw_sha256": wrong["raw_sha256"],
        "clean_etag": wrong["clean_etag"],
        "changed_rows": 1,
    }
