"""The cost of an execution, from what the local AWS emulator recorded of it."""

from __future__ import annotations

from infra.client.executions import describe
from infra.client.target import local_target
from infra.cost.recorded import used_by
from tests.e2e.pipeline import Pipeline


def test_requests_are_those_that_the_emulator_recorded(pipeline: Pipeline) -> None:
    """Two days of rates, each with a raw object, a clean object and a marker of its own."""
    window = {"datasets": ["fx_rates"], "start": "2019-03-05", "end": "2019-03-06"}
    outcome = pipeline.run(window)
    target = local_target(pipeline.config.root)
    used = used_by(target, describe(target, outcome.name))

    assert outcome.status == "SUCCEEDED"
    assert used.requests_of == ""
    assert used.days == 2
    assert used.written["clean/fx_rates"][0] == used.written["markers/fx_rates"][0] == 2
    assert used.written["clean/fx_rates"][1] > 0
    assert used.written["reports"][0] == 1
    assert used.counts["s3_put"] >= sum(objects for objects, _ in used.written.values())
    assert used.counts["s3_get"] >= 2

    nothing = used_by(target, describe(target, pipeline.run(window).name))
    assert nothing.days == 0
    assert "clean/fx_rates" not in nothing.written
