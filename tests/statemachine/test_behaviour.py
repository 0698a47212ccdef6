"""Each case on each engine: which states are called how often, and how the execution ends."""

from __future__ import annotations

import pytest

from tests.statemachine.answers import CAUSE, SUMMARY
from tests.statemachine.cases import CASES, Case
from tests.statemachine.definition import MOCK_CONFIG
from tests.statemachine.engines import Engine


def ended(engine: Engine, case: Case) -> dict[str, object]:
    run = engine.run(case)
    return {"calls": run.counts, "status": run.status, "error": run.error, "output": run.output}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(engine: Engine, case: Case) -> None:
    status, output = ("FAILED", None) if case.error else ("SUCCEEDED", SUMMARY)
    assert ended(engine, case) == {"calls": case.calls, "status": status, "error": case.error, "output": output}


@pytest.mark.parametrize(
    "case", [case for case in CASES if "Return" in case.answers.get("Report", [{}])[-1]], ids=lambda case: case.name
)
def test_the_cause_is_the_report_s(engine: Engine, case: Case) -> None:
    assert engine.run(case).cause == (CAUSE if case.error else "")


def test_the_mock_config_file_is_up_to_date() -> None:
    from tests.statemachine.cases import mock_config_text

    assert MOCK_CONFIG.read_text("utf-8") == mock_config_text(), "run: python -m tests.statemachine.cases"
