"""Both datasets under a storm of faults: afterwards the lake is what it would have been without.

A month and one seed, by which both datasets have a failure, in an ordinary run. ``make storm`` sets ``STORM_SEEDS``
(``1-10``) and ``STORM_WINDOW`` (``2021-01-01/2022-12-31``): docs/chaos.md.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from infra.cli.main import main
from infra.client.lake import take_inventory
from infra.client.target import local_target
from marketlake.contract import load_contract
from marketlake.layout import clean_key, marker_key
from tests.e2e.pipeline import Pipeline, new_pipeline
from tests.e2e.storm import Aftermath, empty, report_of, run_storm

pytestmark = pytest.mark.xdist_group("storm")

DATASETS = ["ftse100_prices", "fx_rates"]
"""One of each source, with many symbols a day."""
START, END = os.environ.get("STORM_WINDOW", "2021-12-01/2021-12-31").split("/")
FIRST, _, LAST = os.environ.get("STORM_SEEDS", "4").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)
TABLE = os.environ.get("STORM_TABLE", "")
"""File to which a line is added for each seed."""


@dataclass(frozen=True)
class Lake:
    """A pipeline and what its lake holds after a run without faults: key to ETag of the objects by day and by year."""

    pipeline: Pipeline
    calm: dict[str, str]
    years: dict[str, str]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", "0.05")
        pipeline = new_pipeline(tmp_path_factory.mktemp("storm"))
    outcome = pipeline.run({"datasets": DATASETS, "start": START, "end": END})
    assert outcome.status == "SUCCEEDED", outcome
    yield Lake(pipeline, *(pipeline.etags("clean_bucket", form) for form in ("clean/", "by_year/")))
    pipeline.down()


@pytest.fixture
def command(lake: Lake, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> Any:
        capsys.readouterr()
        status = main(["--root", str(lake.pipeline.config.root), *arguments, "--json"])
        printed = capsys.readouterr()
        assert status == 0, printed
        return json.loads(printed.out)

    return run


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_storm_and_redrives_the_lake_is_the_calm_one(
    lake: Lake, command: Any, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline, began = lake.pipeline, time.monotonic()
    empty(pipeline)
    aftermath = run_storm(pipeline, command, {"datasets": DATASETS, "start": START, "end": END}, seed)
    with capsys.disabled():
        print(f"\n{described(pipeline, aftermath, seed, time.monotonic() - began)}")

    assert pipeline.etags("clean_bucket", "clean/") == lake.calm
    assert pipeline.etags("clean_bucket", "by_year/") == lake.years
    check_days(pipeline, lake.calm)
    check_outcomes(pipeline, aftermath)
    assert {surface for surface, _ in aftermath.injected} >= {"upstream", "s3", "lambda"}


def check_days(pipeline: Pipeline, calm: dict[str, str]) -> None:
    """Each day of the calendars is there once, with a marker that says so, and no row twice."""
    target, marked = local_target(pipeline.config.root), {}
    for dataset in DATASETS:
        contract = load_contract(dataset)
        inventory = take_inventory(target, dataset, date.fromisoformat(START), date.fromisoformat(END))
        assert (inventory.missing, inventory.unexpected, inventory.lost) == ([], [], []), dataset
        for day in inventory.due:
            marker = json.loads(pipeline.body("clean_bucket", marker_key(dataset, day)))
            marked[clean_key(dataset, day)] = f'"{marker["clean_etag"]}"'
        key = ", ".join(contract.key)
        twice = f"SELECT dt, {key} FROM {dataset} WHERE dt BETWEEN '{START}' AND '{END}' "  # noqa: S608 - our own names
        assert pipeline.query(f"{twice} GROUP BY dt, {key} HAVING count(*) > 1") == []
    assert marked == calm
    assert len(pipeline.etags("clean_bucket", "markers/")) == len(calm)


def check_outcomes(pipeline: Pipeline, aftermath: Aftermath) -> None:
    """An execution ends FAILED if, and only if, its report or the queue has a failure of it, or it has no report."""
    with_message = {letter["execution"] for letter in aftermath.letters}
    for outcome in aftermath.outcomes:
        report = report_of(pipeline, outcome.name)
        failure = report is None or bool(report["failures"]) or outcome.name in with_message
        assert outcome.status == ("FAILED" if failure else "SUCCEEDED"), outcome
    assert pipeline.deployment is not None
    arn = pipeline.deployment.state_machine_arn
    running = pipeline.aws("stepfunctions").list_executions(stateMachineArn=arn, statusFilter="RUNNING")
    assert running["executions"] == []
    assert pipeline.messages("dlq") == []


def described(pipeline: Pipeline, aftermath: Aftermath, seed: int, seconds: float) -> str:
    """What happened, in two lines; the first is a row of the table in docs/chaos.md."""
    first = report_of(pipeline, aftermath.outcomes[0].name) or {"batches": []}
    through = sum(1 for batch in first["batches"] if not batch["failure"] and not batch["rejected"])
    ended = Counter(outcome.status for outcome in aftermath.outcomes)
    faults = Counter[str]()
    for (surface, _), count in aftermath.injected.items():
        faults[surface] += count
    cells = [
        seed,
        f"{aftermath.injected.total():,}",
        ", ".join(f"{surface} {count:,}" for surface, count in sorted(faults.items())),
        f"{through} of {len(first['batches'])}",
        len(aftermath.letters),
        f"{ended['FAILED']} + {ended['SUCCEEDED']}",
        f"{seconds:.0f} s",
    ]
    row = f"| {' | '.join(map(str, cells))} |"
    kinds = ", ".join(f"{surface} {kind} {count}" for (surface, kind), count in sorted(aftermath.injected.items()))
    if TABLE:
        with open(TABLE, "a", encoding="utf-8") as table:
            table.write(f"{row}\n")
    return f"{row}\nseed {seed}: {kinds}"
