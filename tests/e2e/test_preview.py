"""What a preview says before an execution, against what the execution then does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from infra.client.errors import Refusal
from infra.client.executions import describe
from infra.client.target import local_target
from infra.cost.previews import preview
from infra.cost.recorded import used_by
from tests.e2e.pipeline import Pipeline

WINDOWS: dict[str, dict[str, Any]] = {
    "some days of each dataset": {"start": "2007-03-05", "end": "2007-03-07"},
    "two years that share a pass": {"datasets": ["ftse100_index"], "start": "2007-11-01", "end": "2008-01-31"},
    "loaded again": {"datasets": ["ftse100_index"], "start": "2007-03-05", "end": "2007-03-09", "force": True},
    "days that are done, and two that are not": {"datasets": ["fx_rates"], "start": "2007-03-05", "end": "2007-03-09"},
    "a symbol": {"start": "2007-03-05", "end": "2007-03-07", "symbols": ["BARC.L"]},
    "all is done": {"start": "2007-03-05", "end": "2007-03-07"},
    "a daily run": {},
}


@pytest.mark.parametrize("window", WINDOWS)
def test_days_batches_and_requests_are_those_of_the_run(pipeline: Pipeline, window: str) -> None:
    target, document = local_target(pipeline.config.root), WINDOWS[window]
    before = {bucket: pipeline.etags(bucket, "") for bucket in ("raw_bucket", "clean_bucket")}
    shown = preview(target, document)
    assert {bucket: pipeline.etags(bucket, "") for bucket in before} == before, "a preview writes nothing"

    asked = requests(pipeline)
    outcome = pipeline.run(document)
    assert outcome.status == "SUCCEEDED", outcome
    used = used_by(target, describe(target, outcome.name))
    assert (shown.days, shown.batches) == (used.days, used.batches)
    assert shown.source_requests == requests(pipeline) - asked
    plan = outcome.output["plan"]
    assert [part.dataset for part in shown.datasets] == plan["datasets"]
    assert sum(part.done for part in shown.datasets) == plan["days_done"]
    # An estimate: what depends on the lake's years, listings and corporate actions is an average.
    found = used.counts["s3_put"] + used.counts["s3_get"]
    share = 0.02 if document else 0.25
    assert abs(shown.s3_requests - found) <= share * found + 6 * (used.batches + 1), (shown.s3_requests, found)


def test_what_plan_refuses_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(Refusal, match=r"^datasets names 'shares'; accepted are ftse100_index"):
        preview(local_target(pipeline.config.root), {"datasets": ["shares"]})


def requests(pipeline: Pipeline) -> int:
    """How many requests the simulated sources have been sent."""
    counted = httpx.get(f"{pipeline.config.replay_url}/health").raise_for_status().json()["requests"]
    return sum(counted.values())
