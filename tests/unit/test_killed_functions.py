"""Each function killed after each of its writes, and run again: what is left is what an undisturbed run leaves.

The kill is an exception that no function catches, raised when a write is stored, as the process would end there
(``tests/e2e/test_kills.py`` ends real ones).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from marketlake.layout import marker_key
from marketlake.storage import Bucket
from report import handler as report_handler
from report.summary import COUNTS
from tests.unit.lake import RATES, Context, Lake, batch_of, task_of
from tests.unit.stages import Source, run_stages, use_fakes

DAYS = [date(2023, 1, 3), date(2023, 1, 4)]
RUN = ["2023-01-03/2023-01-04"]


class Killed(BaseException):
    """The process has ended."""


@pytest.fixture
def source(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Source:
    return use_fakes(lake, monkeypatch, DAYS)


def report_event(batch: dict[str, Any]) -> dict[str, Any]:
    done = {**dict.fromkeys(COUNTS, 0), "index": 0, "dataset": "fx_rates", "days": RUN, "count": 2, "recheck": False}
    done |= {"input": batch["input"], "failure": {}, "rejection": None, "missing_symbols": []}
    return {
        "input": {},
        "started": "2023-01-06T20:00:00.000Z",
        "plan": {},
        "failure": {},
        "execution_arn": "arn:run-1",
        "results": [done],
    }


class Process:
    """Where functions write: it ends once ``kill_after`` writes are stored, until it is started again."""

    def __init__(self, kill_after: int | None) -> None:
        self.kill_after, self.stored, self.kills, self.alive = kill_after, 0, 0, True
        self._counting = threading.Lock()

    def put(self, plain: Callable[..., str], *arguments: Any, **named: Any) -> str:
        if not self.alive:
            raise Killed
        etag = plain(*arguments, **named)
        with self._counting:  # functions write side by side
            self.stored += 1
            if self.stored == self.kill_after:
                self.alive, self.kills = False, self.kills + 1
                raise Killed
        return etag


def run(batch: dict[str, Any], execution: str = "run-1", kill_after: int | None = None) -> Process:
    """All states in a process that is killed, and then started again."""
    process, context = Process(kill_after), Context()
    plain = Bucket.put

    def call(state: str, function: Any, event: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = function({**event, "task": task_of(state, execution)}, context)
        except Killed:
            process.alive = True
            answer = function({**event, "task": task_of(state, execution, retry=1)}, context)
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Bucket, "put", lambda *arguments, **named: process.put(plain, *arguments, **named))
        run_stages(batch, call)
        call("Report", report_handler.handler, report_event(batch))
    return process


def restore(lake: Lake, objects: dict[str, bytes]) -> None:
    for bucket in (lake.raw, lake.clean):
        for key, _ in list(bucket.keys(prefix="")):
            lake.client.delete_object(Bucket=bucket.name, Key=key)
    for key, body in objects.items():
        bucket = lake.raw if key.startswith("raw/") else lake.clean
        bucket.put(key, body, "application/octet-stream")


@pytest.mark.parametrize(
    ("batch", "corrected"),
    [
        (batch_of(RATES, RUN), None),
        (batch_of(RATES, RUN, recheck=True), 1.06),
        (batch_of(RATES, RUN, ["USD"]), 1.06),
    ],
    ids=["new days", "a correction", "one symbol"],
)
def test_after_a_kill_at_any_write_the_retry_leaves_what_an_undisturbed_run_leaves(
    lake: Lake, source: Source, batch: dict[str, Any], corrected: float | None
) -> None:
    if corrected is not None:
        run(batch_of(RATES, RUN), "run-0")
        source.usd = corrected
    before = lake.everything()
    points = run(batch).stored
    wanted = lake.everything()
    for point in range(1, points + 1):
        restore(lake, before)
        assert run(batch, kill_after=point).kills == 1
        assert lake.everything() == wanted, f"killed after write {point} of {points}"
    marker = json.loads(wanted[marker_key("fx_rates", DAYS[0])])
    assert [entry["changed_rows"] for entry in marker["history"]] == ([] if corrected is None else [1])
