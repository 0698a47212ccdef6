from __future__ import annotations

import json
from typing import Any

import pytest

from marketlake.errors import PermissionDenied
from marketlake.manifest import manifest_keys
from marketlake.restatements import Restatement, read_restatements, write_restatements
from marketlake.storage import Bucket
from report.handler import handler
from report.summary import COUNTS
from tests.unit.lake import Context, Lake, task_of
from tests.unit.report.test_mail import DIVIDEND, SPLIT

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
    "rejection": None,
    **dict.fromkeys(COUNTS, 0),
    "written": 5,
    "rows": 155,
    "marked": 5,
    "checked": 5,
    "same": 0,
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
        "failures": [],
        "restatements": [],
        "history_gaps": [],
        "news": [],
        "batches": [DONE],
    }


def test_a_failed_batch_fails_the_run_under_its_own_error(lake: Lake) -> None:
    found = report([DONE, FAILED])
    assert (found["failed"], found["error"]) == (True, "UpstreamThrottled")
    assert found["subject"] == "marketlake FAILED: fx_rates 2023-01-02 to 2023-01-06: UpstreamThrottled"
    assert "5 days written with 155 rows" in found["message"]
    assert json.loads(found["cause"])["failures"][0]["text"].endswith("Fetch: UpstreamThrottled: 429")
    (failure,) = json.loads(lake.clean.get("reports/run-1.json").body)["failures"]
    assert (failure["state"], failure["input"]) == ("Fetch", AGAIN)


def test_failures_of_several_kinds_have_a_name_of_their_own() -> None:
    assert report([FAILED], {"ProcessBatches": {"Error": "States.Timeout"}})["error"] == "SeveralFailures"
    assert report([FAILED, FAILED])["error"] == "UpstreamThrottled"


def test_a_failed_plan_is_reported_with_no_batches() -> None:
    found = report([], {"Plan": {"Error": "UnexpectedError", "Cause": '{"errorMessage": "KeyError: x"}'}})
    assert (found["failed"], found["error"]) == (True, "UnexpectedError")
    assert "KeyError: x" in found["message"]
    assert "marketlake --region eu-west-2 retry run-1" in found["message"].splitlines()


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


def put(lake: Lake, *batches: list[Restatement], execution: str = "run-1") -> None:
    for index, found in enumerate(batches):
        write_restatements(lake.clean, execution, index, found)


def test_what_two_batches_saw_is_one_and_the_further_one(lake: Lake) -> None:
    nearer = Restatement(**{**SPLIT.__dict__, "last": "2026-10-22"})
    put(lake, [SPLIT, DIVIDEND], [nearer])
    put(lake, [nearer], execution="run-10")
    assert read_restatements(lake.clean, manifest_keys(lake.clean, "run-1")) == [DIVIDEND, SPLIT]


def test_a_second_attempt_does_not_overwrite_what_the_first_one_saw(lake: Lake) -> None:
    put(lake, [SPLIT])
    put(lake, [DIVIDEND])
    assert read_restatements(lake.clean, manifest_keys(lake.clean, "run-1")) == [SPLIT]


@pytest.mark.parametrize(("found", "mails"), [([SPLIT, DIVIDEND], True), ([DIVIDEND], False)])
def test_a_good_run_that_noticed_a_restatement_says_so_and_mails_only_for_a_split(
    lake: Lake, found: list[Restatement], mails: bool
) -> None:
    put(lake, found)
    outcome = report([DONE])
    assert (outcome["failed"], outcome["notice"]) == (False, mails)
    assert {bool(outcome[name]) for name in ("error", "cause", "subject", "message")} == {mails}
    assert outcome["summary"]["restated"]["count"] == len(found)
    text: Any = outcome["summary"]["text"]
    assert text.endswith(", 2 histories restated by the source" if mails else ", 1 history restated by the source")
    restatements = json.loads(lake.clean.get("reports/run-1.json").body)["restatements"]
    assert {one["symbol"] for one in restatements} == {one.symbol for one in found}


def test_a_failed_run_describes_the_restatement_in_its_one_mail(lake: Lake) -> None:
    put(lake, [SPLIT])
    outcome = report([DONE, FAILED])
    assert (outcome["failed"], outcome["error"]) == (True, "UpstreamThrottled")
    assert outcome["subject"].startswith("marketlake FAILED: fx_rates")
    line = "ftse100_prices VOD.L, split: values up to 2026-10-28 are now 5 times what they were"
    assert f"- {line}" in outcome["message"].splitlines()
    assert json.loads(outcome["cause"])["restated"]["lines"] == [line]
