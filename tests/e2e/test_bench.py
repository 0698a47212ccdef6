"""What ``make bench`` measures of an execution is there, and is of that execution."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from infra.facts import function_names
from tests.bench.stages import invocations
from tests.bench.usage import Calls, measured, peaks
from tests.e2e.pipeline import Pipeline

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="CPU and memory of a process are read from /proc")

WEEK = {"datasets": ["fx_rates"], "start": "2005-05-09", "end": "2005-05-13"}


def test_an_execution_is_measured_by_function(pipeline: Pipeline) -> None:
    calls = Calls(pipeline)
    used = measured(pipeline, WEEK)
    made = [call for call in calls.new() if call.action.startswith("s3:")]
    assert used.days == 5
    assert used.rows > 100
    assert used.requests == Counter(call.role.removeprefix("marketlake-").replace("-", "_") for call in made)
    assert used.requests["fetch"] >= used.days
    assert {function for function, seconds in used.cpu.items() if seconds > 0} == {*function_names()}
    assert used.cpu_a_day() == pytest.approx(200 * sum(used.cpu.values()))
    assert all(20 < most.peak < most.memory for most in peaks(pipeline).values())


def test_idle_functions_are_measured_at_nothing(pipeline: Pipeline) -> None:
    called = invocations(pipeline, WEEK | {"force": True})
    assert [one.function for one in called] == function_names()
    again = measured(pipeline, WEEK)  # every day is there: Plan and Report alone have work
    assert again.days == 0
    idle = {*function_names()} - {"plan", "report"}
    assert all(again.cpu[function] < 0.1 for function in idle), again.cpu  # its start alone takes more
