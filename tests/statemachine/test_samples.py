"""The sample inputs beside the definition are ones that Plan accepts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from marketlake.contract import dataset_names, load_contract
from marketlake.request import Request, parse_request
from marketlake.symbols import symbols_of
from tests.statemachine.definition import SAMPLES

STARTED = datetime(2026, 1, 9, 18, 30, 2, tzinfo=UTC)
KNOWN = {name: symbols_of(load_contract(name)).names for name in dataset_names()}


def accepted(name: str) -> Request:
    return parse_request(json.loads((SAMPLES / name).read_text("utf-8")), KNOWN, STARTED)


def test_there_is_a_sample_of_each_kind() -> None:
    names = {path.name for path in SAMPLES.iterdir()}
    assert names == {
        "daily.json",
        "scheduled.json",
        "backfill.json",
        "one-symbol.json",
        "force.json",
        "drop-missing.json",
        "drill.json",
    }


@pytest.mark.parametrize("name", ["daily.json", "scheduled.json"])
def test_a_daily_run(name: str) -> None:
    request = accepted(name)
    assert request.daily
    assert request.datasets == tuple(dataset_names())


def test_the_schedule_passes_its_own_time() -> None:
    assert accepted("scheduled.json").at == datetime(2026, 1, 9, 18, 30, tzinfo=UTC)


def test_a_backfill() -> None:
    request = accepted("backfill.json")
    assert (request.start, request.end, request.force) == (date(2025, 1, 1), date(2025, 12, 31), False)


def test_one_symbol() -> None:
    assert accepted("one-symbol.json").symbols == ("BARC.L",)


def test_force() -> None:
    assert accepted("force.json").force
    assert accepted("drop-missing.json").drop_missing


def test_a_drill() -> None:
    assert accepted("drill.json").drill
    assert not accepted("force.json").drill


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: Path(path).name)
def test_the_readme_names_each(path: Path) -> None:
    assert f"samples/{path.name}" in (SAMPLES.parent / "README.md").read_text("utf-8")
