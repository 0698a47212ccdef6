"""What the machine hands to the functions, the queue and the topic, read from the history's TaskScheduled events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.facts import attempts_of
from marketlake.errors import SERVICE_FAULTS
from marketlake.storage import ObjectMissing
from report import handler as report
from tests.error_names import TRANSIENT
from tests.statemachine.answers import DAYS, NOTICED, PRICES, RATES, STAGES, failed, throw
from tests.statemachine.cases import CASES, ONE_BATCH, TWO_DAYS, Case
from tests.statemachine.definition import DLQ_URL
from tests.statemachine.engines import Engine, Run

BY_NAME = {case.name: case for case in CASES}
REPORTED = [
    case
    for case in CASES
    # The restatements that Report reads lie in S3, which these tests have none of.
    if "Return" in case.answers.get("Report", [{}])[-1] and "NotifyNotice" not in case.answers
]


def body_of(parameters: dict[str, Any]) -> Any:
    """The body of a message to the queue, which Step Functions sends as JSON."""
    assert parameters["QueueUrl"] == DLQ_URL
    return parameters["MessageBody"]


def reported(run: Run) -> Any:
    """What Report was called with."""
    return run.of("Report")[-1]["Payload"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("how", "error"), [("Exhausted", "UpstreamThrottled"), ("Terminal", "ContractViolation")])
def test_a_failed_batch_is_kept_with_what_runs_it_again(engine: Engine, stage: str, how: str, error: str) -> None:
    run = engine.run(BY_NAME[f"{stage}{how}"])
    (body,) = map(body_of, run.of("SendToDlq"))
    assert body.pop("time")
    assert body == {
        "schema_version": 3,
        "execution_arn": run.arn,
        "execution": run.arn.rsplit(":", 1)[1],
        "dataset": "ftse100_prices",
        "days": DAYS,
        "failure": {stage: throw(error)["Throw"]},
        "input": PRICES["input"],
    }


@pytest.mark.parametrize("name", ["FetchExhausted", "FetchTimesOut", "FetchServiceExhausted", "FetchTerminal"])
def test_how_often_it_was_tried_follows_from_the_message(engine: Engine, name: str) -> None:
    run = engine.run(BY_NAME[name])
    (body,) = map(body_of, run.of("SendToDlq"))
    assert 1 + attempts_of(body["failure"]["Fetch"]["Error"]) == len(run.of("Fetch"))  # one is the other batch's


def test_every_failed_batch_is_kept(engine: Engine) -> None:
    bodies = [body_of(sent) for sent in engine.run(BY_NAME["AllBatchesFail"]).of("SendToDlq")]
    assert [body["input"] for body in bodies] == [PRICES["input"], RATES["input"]]


@pytest.mark.parametrize("name", ["RejectedDays", "AllDaysRejected", "RejectedDaysThenFailed"])
def test_each_rejected_day_is_kept_with_what_runs_it_again(engine: Engine, name: str) -> None:
    run = engine.run(BY_NAME[name])
    bodies = [body_of(sent) for sent in run.of("SendRejectedDay")]
    assert [body["days"] for body in bodies] == [[day] for day in TWO_DAYS]
    for body, day in zip(bodies, TWO_DAYS, strict=True):
        assert body.pop("time")
        assert body == {
            "schema_version": 3,
            "execution_arn": run.arn,
            "execution": run.arn.rsplit(":", 1)[1],
            "dataset": "ftse100_prices",
            "days": [day],
            "failure": {"Validate": {"Error": "DataQualityError", "Cause": f"37 of 100 rows of {day} are bad"}},
            "input": {**PRICES["input"], "start": day, "end": day},
        }


@pytest.mark.parametrize("stage", STAGES)
def test_each_attempt_says_which_it_is(engine: Engine, stage: str) -> None:
    run = engine.run(BY_NAME[f"{stage}ServiceFaultsThenOk"])
    tasks = [parameters["Payload"]["task"] for parameters in run.of(stage)]
    assert {task["execution"] for task in tasks} == {run.arn.rsplit(":", 1)[1]}
    assert {task["state"] for task in tasks} == {stage}
    first = [(retry, 0) for retry in range(len(SERVICE_FAULTS) + 1)]
    assert [(task["retry"], task["batch"]) for task in tasks] == [*first, (0, 1)]


def test_the_cases_cover_every_transient_error() -> None:
    thrown = {
        a["Throw"]["Error"] for case in CASES for answers in case.answers.values() for a in answers if "Throw" in a
    }
    assert thrown >= {*TRANSIENT, *SERVICE_FAULTS}


@pytest.mark.parametrize("stage", STAGES)
def test_a_failed_batch_counts_nothing_and_the_other_everything(engine: Engine, stage: str) -> None:
    first, second = reported(engine.run(BY_NAME[f"{stage}Exhausted"]))["results"]
    never = dict.fromkeys(("corrected", "same", "kept"), 0)
    done = {"marked": 5, "written": 5, "rows": 325, "checked": 5, "stored": 5, "failure": {}, **never}
    assert second == {**second, **done, "index": 1, "dataset": "fx_rates", "days": DAYS, "count": 5}
    stored = 0 if stage == "Fetch" else 5
    nothing = {"marked": 0, "written": 0, "rows": 0, "checked": 0, "stored": stored, **never}
    assert first == {**first, **nothing, "index": 0, "dataset": "ftse100_prices", "days": DAYS, "count": 5}
    assert set(first) == set(second)
    assert first["input"] == PRICES["input"]


@pytest.mark.parametrize("given", [{}, {"datasets": ["fx_rates"]}, [], "today", 7])
def test_any_input_reaches_plan_as_it_came(engine: Engine, given: object) -> None:
    run = engine.run(BY_NAME["InvalidInput"], given)
    (parameters,) = run.of("Plan")
    assert parameters["Payload"]["input"] == given
    thrown = throw("InvalidRequest")["Throw"]
    assert (run.status, run.error, run.cause) == ("FAILED", thrown["Error"], thrown["Cause"])


def test_the_mail_is_the_report_s(engine: Engine) -> None:
    (mail,) = engine.run(BY_NAME["FetchExhausted"]).of("NotifyFailure")
    text = failed("UpstreamThrottled")["Return"]["Payload"]
    assert mail.pop("TopicArn").endswith(":marketlake-failures")
    assert mail == {"Subject": text["subject"], "Message": text["message"]}


@pytest.mark.parametrize("name", ["HistoryRestated", "HistoryRestatedSnsRefuses"])
def test_the_mail_about_a_restated_history_is_the_report_s(engine: Engine, name: str) -> None:
    run = engine.run(BY_NAME[name])
    mail, *_ = run.of("NotifyNotice")
    text = NOTICED["Return"]["Payload"]
    assert mail == {**mail, "Subject": text["subject"], "Message": text["message"]}
    assert mail["TopicArn"].endswith(":marketlake-failures")
    assert run.output == (text["summary"] if name == "HistoryRestated" else None)
    assert run.cause == ("" if name == "HistoryRestated" else text["cause"])


@pytest.mark.parametrize("name", ["ReportFails", "ReportExhausted", "ReportTimesOut", "ReportFailsAndSnsRefuses"])
def test_without_a_report_the_mail_says_so(engine: Engine, name: str) -> None:
    case = BY_NAME[name]
    run = engine.run(case)
    thrown = case.answers["Report"][-1]["Throw"]
    mail = run.of("NotifyFailure")[0]
    assert mail["Subject"] == "marketlake FAILED: no report"
    assert run.arn in mail["Message"]
    assert json.loads(run.cause) == thrown
    assert run.cause in mail["Message"]


def test_a_batch_that_the_queue_refused_is_reported(engine: Engine) -> None:
    run = engine.run(BY_NAME["SqsRefuses"])
    first, _ = reported(run)["results"]
    assert [(state, caught["Error"]) for state, caught in first["failure"].items()] == [
        ("AthenaCheck", "UnexpectedError"),
        ("SendToDlq", "SQS.AmazonSQSException"),
    ]
    assert (first["written"], first["marked"]) == (0, 0)
    assert first["input"] == PRICES["input"]


def test_a_day_that_the_queue_refused_makes_its_batch_fail(engine: Engine) -> None:
    first, second = reported(engine.run(BY_NAME["SqsRefusesADay"]))["results"]
    assert set(first["failure"]) == {"SendRejectedDays"}
    assert first["failure"]["SendRejectedDays"]["Error"] == "SQS.AmazonSQSException"
    assert (first["rejected"], first["written"], second["failure"]) == (1, 5, {})


def test_a_map_that_fails_is_reported(engine: Engine) -> None:
    payload = reported(engine.run(BY_NAME["MapFails"]))
    assert payload["failure"]["ProcessBatches"]["Error"] == "BatchBroken"
    assert payload["results"] == ONE_BATCH["Plan"][0]["Return"]["Payload"]["batches"], "planned, and nothing done"


@pytest.mark.parametrize("name", ["PlanExhausted", "PlanTerminal", "PlanTooLarge"])
def test_a_plan_that_fails_is_reported(engine: Engine, name: str) -> None:
    case = BY_NAME[name]
    payload = reported(engine.run(case))
    assert payload["failure"] == {"Plan": case.answers["Plan"][-1]["Throw"]}
    assert (payload["results"], payload["plan"]) == ([], {})


class Nowhere:
    """A bucket that keeps nothing."""

    def __init__(self, *_: object) -> None: ...

    def put(self, *_: object, **__: object) -> None: ...

    def get(self, key: str) -> object:
        raise ObjectMissing(key)

    def keys(self, *_: object, **__: object) -> list[tuple[str, str]]:
        return []

    def get_many(self, *_: object) -> list[object]:
        return []


@pytest.mark.parametrize("case", REPORTED, ids=lambda case: case.name)
def test_the_real_report_says_what_the_mocked_one_does(
    engine: Engine, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payload that the machine made goes through the real function: the mocks say nothing that it would not."""
    for name, value in {
        "CLEAN_BUCKET": "clean",
        "OPERATOR_COMMAND": "marketlake",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(report, "Bucket", Nowhere)
    monkeypatch.setattr(report, "s3_client", lambda: None)
    outcome = report.handler(reported(engine.run(case)), None)  # type: ignore[arg-type]
    # See answers.failed about the prefix.
    assert (outcome["failed"], outcome["error"].removeprefix("States.")) == (bool(case.error), case.error)
    assert bool(outcome["subject"]) == bool(case.error)
    assert len(outcome["subject"]) <= 100
