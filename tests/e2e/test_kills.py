"""SIGKILL at each point between two writes to S3: of the function that wrote, and of the emulator.

The writes of an undisturbed run are counted; then each point is reached by counting, never by waiting. One dataset runs
at a time, so one batch writes at a time; which of a function's parallel writes is the nth differs, as it may.

`make test` kills at every third point, `make kills` at each: ``KILLS_STEP``. ``tests/unit/test_killed_functions.py``
has each point of each function in every test run, in one process.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from infra.faults.injector import Switch
from infra.local import processes
from infra.local.config import LocalConfig
from marketlake.contract import load_contract
from marketlake.layout import clean_key, marker_key, raw_key, year_key
from tests.e2e.pipeline import DEADLINE_SECONDS, Outcome, Pipeline, free_port_pair

pytestmark = pytest.mark.xdist_group("kills")

FUNCTION_KILLS, SERVER_KILLS = date(2021, 1, 5), date(2022, 1, 4)
"""The first Tuesday of each kind: every point has the Tuesday and Wednesday of a week of its own."""

WEEKS = 20

STEP = int(os.environ.get("KILLS_STEP", "3"))
"""From one point at which something is killed to the next."""


class Killed(Pipeline):
    """A pipeline in which a test arms kills."""

    def arm(self, kind: str = "", after: int = 0, *rules: dict[str, Any]) -> Switch:
        """Count writes from now on; the ``kind`` of kill comes after so many of them, 0 is before the first is stored.

        Further ``rules`` make faults at the sources.
        """
        buckets = f"^({self.name('raw_bucket')}|{self.name('clean_bucket')})/"
        write = {"surface": "write", "match": buckets}
        kill = [{**write, "kind": kind, "at": max(after, 1), "stored": after > 0}] if kind else []
        return self.inject(*kill, {**write, "kind": "noted"}, *rules)

    def wait_for_its_end(self) -> None:
        """Until the armed server is dead."""
        end = time.monotonic() + DEADLINE_SECONDS
        while processes.pid_of(self.config.root / "ministack.pid") is not None:
            assert time.monotonic() < end, f"not killed; written: {writes(Switch(self.config.root))}"
            time.sleep(0.01)


def writes(switch: Switch) -> list[str]:
    """What functions wrote since a kill was armed, in order; the last is followed by the kill if there was one."""
    return [line["target"] for line in switch.lines() if line["surface"] == "write"]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    root = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", "0.05")
        pipeline = Killed(LocalConfig(root=root, port=free_port_pair()))
        pipeline.up()
        yield pipeline
    pipeline.down()


def days_of(first: date, week: int) -> list[date]:
    tuesday = first + timedelta(weeks=week)
    return [tuesday, tuesday + timedelta(days=1)]


def window(dataset: str, days: list[date]) -> dict[str, object]:
    return {"datasets": [dataset], "start": f"{days[0]}", "end": f"{days[-1]}"}


def count_writes(pipeline: Killed, dataset: str, days: list[date], *rules: dict[str, Any]) -> int:
    """Writes of an undisturbed run; nothing is killed."""
    switch = pipeline.arm("", 0, *rules)
    assert pipeline.run(window(dataset, days)).status == "SUCCEEDED"
    return len(writes(switch))


def failed_attempts(pipeline: Pipeline, outcome: Outcome) -> list[str]:
    events = [event.get("taskFailedEventDetails") for event in pipeline.history(outcome.name)]
    return [event["error"] for event in events if event]


def assert_whole(pipeline: Pipeline, dataset: str, days: list[date]) -> None:
    """One object a day, a marker that says what lies there, a year that holds it; nothing on the queue, no mail."""
    contract = load_contract(dataset)
    year = pipeline.body("clean_bucket", year_key(dataset, days[0].year))
    held = json.loads(pl.read_parquet_metadata(io.BytesIO(year))["marketlake.days"])
    for day in days:
        clean = clean_key(dataset, day)
        assert list(pipeline.etags("clean_bucket", f"clean/{dataset}/dt={day}/")) == [clean]
        body = pipeline.body("clean_bucket", clean)
        marker = json.loads(pipeline.body("clean_bucket", marker_key(dataset, day)))
        raw = pipeline.body("raw_bucket", raw_key(contract, day))
        assert marker["raw_sha256"] == hashlib.sha256(raw).hexdigest(), day
        assert marker["clean_etag"] == hashlib.md5(body, usedforsecurity=False).hexdigest(), day
        assert held[f"{day}"] == marker["clean_etag"], day
        assert marker["rows"] == pq.read_metadata(io.BytesIO(body)).num_rows > 0
        assert marker["history"] == [], day
    assert pipeline.messages("dlq") == []
    assert pipeline.messages("mailbox") == []


def assert_same_as_undisturbed(pipeline: Pipeline, dataset: str, first: date) -> None:
    """A run over the same days with no kill writes the same bytes to the same keys."""
    days = days_of(first, 0)[:1] + days_of(first, WEEKS - 1)[1:]

    def stored() -> dict[str, str]:
        return pipeline.etags("raw_bucket", f"raw/{dataset}/dt=") | pipeline.etags("clean_bucket", f"clean/{dataset}/")

    found = stored()
    assert pipeline.run({**window(dataset, days), "force": True}).status == "SUCCEEDED"
    assert {key: etag for key, etag in stored().items() if key in found} == found


@pytest.mark.parametrize("dataset", ["ftse100_prices", "fx_rates"])
def test_a_killed_function_is_run_again_by_its_retry(killed: Killed, dataset: str) -> None:
    # A bad row a week, so that Validate writes to quarantine as well.
    tuesdays = [f"{days_of(FUNCTION_KILLS, week)[0]}" for week in range(WEEKS)]
    bad_row = {"kind": "scale100", "match": "chart/AZN.L", "dates": tuesdays}
    # The first prices make the table of corporate actions, too.
    count_writes(killed, dataset, days_of(FUNCTION_KILLS, 0), bad_row)
    points = count_writes(killed, dataset, days_of(FUNCTION_KILLS, 1), bad_row)
    assert points == (13 if dataset == "ftse100_prices" else 12)
    killed_at = range(0, points + 1, STEP)
    for after in killed_at:
        days = days_of(FUNCTION_KILLS, after + 2)
        switch = killed.arm("kill_function", after, bad_row)
        outcome = killed.run(window(dataset, days))
        assert switch.injected()["write", "kill_function"] == 1, f"no function was killed after write {after}"
        assert (outcome.status, outcome.error) == ("SUCCEEDED", ""), (after, writes(switch), outcome)
        assert failed_attempts(killed, outcome) == ["Runtime.ExitError"], after
        assert_whole(killed, dataset, days)
    assert_same_as_undisturbed(killed, dataset, FUNCTION_KILLS)
    print(f"\n{dataset}: a function killed at {len(killed_at)} of {points + 1} points, each repaired by one retry")


def test_a_killed_server_loses_nothing_that_the_same_input_does_not_bring_back(killed: Killed) -> None:
    """Rates, whose function starts faster: after each kill everything is deployed and started anew.

    MiniStack keeps objects at once and all else at a graceful stop only: queue, history and execution are gone.
    """
    points = count_writes(killed, "fx_rates", days_of(SERVER_KILLS, 0))
    killed_at = range(0, points + 1, STEP)
    for after in killed_at:
        switch = killed.arm("kill_server", after)
        killed.start(window("fx_rates", days_of(SERVER_KILLS, after + 1)))
        killed.wait_for_its_end()
        assert len(writes(switch)) == max(after, 1)
        killed.up()
    for after in killed_at:
        days = days_of(SERVER_KILLS, after + 1)
        outcome = killed.run(window("fx_rates", days))
        assert outcome.status == "SUCCEEDED", (after, outcome)
        assert_whole(killed, "fx_rates", days)
    assert_same_as_undisturbed(killed, "fx_rates", SERVER_KILLS)
    print(
        f"\nfx_rates: the emulator killed at {len(killed_at)} of {points + 1} points, each repaired by the same input"
    )
