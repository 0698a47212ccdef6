from __future__ import annotations

import json
from typing import Any

import pytest

from marketlake.errors import PermissionDenied
from marketlake.storage import Bucket
from report.handler import handler
from report.summary import COUNTS
from tests.unit.lake import Context, Lake, task_of

pytestmark = pytest.mark.usefixtures("lake")

ARN = "arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:run-1"
AGAIN = {"datasets": ["fx_rates"], "start": "2023-01-02", "end": "2023-01-06"}
DONE: dict[str, Any] = {
    "index": 0,
    "dataset": "fx_rates",
    "days": ["2023-01-02/2023-01-06"],
    "count": 5,
    "recheck": False,
    "input": AGAIN,
    "failure": {},
    "rejection": {},
    "missing_symbols": [],
    **dict.fromkeys(COUNTS, 0),
    "written": 5,
    "rows": 155,
    "marked": 5,
    "checked": 5,
}
FAILED = {**DONE, **dict.fromkeys(COUNTS, 0), "failure": {"Fetch": {"Error": "UpstreamThrottled", "Cause": "429"}}}


def report(results: list[dict[str, Any]], failure: dict[str, Any] | None = None) -> dict[str, Any]:
    context: Any = Context()
    event = {
        "task": task_of("Report"),
        "input": {"start": "2023-01-02"},
        "execution_arn": ARN,
        "started": "2023-01-06T20:00:00.000Z",
        "plan": {"days_planned": 5},
        "results": results,
        "failure": failure or {},
    }
    return handler(event, context)


def test_a_good_run_mails_nobody_and_leaves_its_report(lake: Lake) -> None:
    found = report([DONE])
    assert (found["failed"], found["notice"]) == (False, False)
    assert {found[key] for key in ("error", "cause", "subject", "message")} == {""}
    assert found["summary"]["text"] == "5 days written with 155 rows, 0 days unchanged"
    document = json.loads(lake.clean.get("reports/run-1.json").body)
    assert document == {
        "execution_arn": ARN,
        "started": "2023-01-06T20:00:00.000Z",
        "input": {"start": "2023-01-02"},
        "summary": found["summary"],
        "losses": [],
        "rewrites": [],
        "batches": [DONE],
    }


def test_a_failed_batch_fails_the_run_under_its_own_error(lake: Lake) -> None:
    found = report([DONE, FAILED])
    assert (found["failed"], found["error"]) == (True, "UpstreamThrottled")
    assert found["subject"] == "marketlake FAILED: fx_rates 2023-01-02 to 2023-01-06: UpstreamThrottled"
    assert "5 days written with 155 rows" in found["message"]
    assert json.loads(found["cause"])["losses"][0]["cause"] == "429"
    (loss,) = json.loads(lake.clean.get("reports/run-1.json").body)["losses"]
    assert (loss["state"], loss["input"]) == ("Fetch", AGAIN)


def test_failures_of_several_kinds_have_a_name_of_their_own() -> None:
    assert report([FAILED], {"ProcessBatches": {"Error": "States.Timeout"}})["error"] == "SeveralFailures"
    assert report([FAILED, FAILED])["error"] == "UpstreamThrottled"


def test_a_failed_plan_is_reported_with_no_batches() -> None:
    found = report([], {"Plan": {"Error": "UnexpectedError", "Cause": '{"errorMessage": "KeyError: x"}'}})
    assert (found["failed"], found["error"]) == (True, "UnexpectedError")
    assert "KeyError: x" in found["message"]
    assert "marketlake run" in found["message"]


def test_a_run_with_nothing_to_do_says_so() -> None:
    assert report([])["summary"]["text"] == "nothing was left to do"


def test_a_report_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionDenied("s3:PutObject: AccessDenied")

    monkeypatch.setattr(Bucket, "put", refuse)
    with pytest.raises(PermissionDenied):
        report([DONE])
    monkeypatch.undo()


def test_the_answer_of_a_very_bad_run_stays_small() -> None:
    bad = {**FAILED, "failure": {"Fetch": {"Error": "UpstreamThrottled", "Cause": "x" * 5000}}}
    assert len(json.dumps(report([bad] * 200))) < 30_000
