"""The lake that is pictured: a daily run, and a backfill of two years in which the rates fail for a part."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.client.executions import start
from infra.client.lake import last_due_day
from infra.client.target import local_target
from infra.dashboard.questions import PRICES
from tests.e2e.console_page import served
from tests.e2e.dashboard_page import dashboard_of, written
from tests.e2e.pipeline import Pipeline, new_pipeline


@dataclass(frozen=True)
class Scene:
    """What a picture can show: the pipeline, the console's address, and the execution with its batch that failed."""

    pipeline: Pipeline
    console: str
    failed: str
    failed_batch: int

    @cached_property
    def dashboard(self) -> Path:
        """A dashboard of the lake's last year, once what failed is loaded: for pictures after those of the failure."""
        target = local_target(self.pipeline.config.root)
        self.pipeline.wait(
            start(target, "backfill", {"start": "2025-06-01", "end": f"{last_due_day(target, PRICES)}"}), 600
        )
        return written(self.pipeline.config.root, dashboard_of(target))


@contextmanager
def lake() -> Iterator[Scene]:
    """A pipeline on an emulator of its own, filled; gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = new_pipeline(Path(folder))
        try:
            failed = _fill(pipeline)
            target = local_target(pipeline.config.root)
            with served(target) as address:
                yield Scene(pipeline, address, failed, _failed_batch(pipeline, failed))
        finally:
            pipeline.down()


def _fill(pipeline: Pipeline) -> str:
    """Load it; returns the name of the execution that failed."""
    target = local_target(pipeline.config.root)
    pipeline.wait(start(target, "backfill", {"start": "2025-01-01", "end": "2025-06-30"}))
    pipeline.inject({"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/.*[/=]2025-(0[6-9]|1)"})
    name = pipeline.wait(start(target, "backfill", {"start": "2025-07-01", "end": "2026-08-31"}), 600).name
    pipeline.inject()
    pipeline.wait(start(target, "run", {}))
    return name


def _failed_batch(pipeline: Pipeline, name: str) -> int:
    """Place of the batch that failed."""
    for event in pipeline.history(name):
        output = json.loads(event.get("stateExitedEventDetails", {}).get("output") or "{}")
        if event["type"] == "MapStateExited":
            return int(next(result["index"] for result in output["batches"] if result["failure"]))
    raise AssertionError(f"{name} has no failed batch; the faults of the scene did not hit")
