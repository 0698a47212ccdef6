"""From a source that refuses to rows in the lake, by the commands that a mail names."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import main
from infra.local.config import ACCOUNT_ID
from marketlake.failures import retry_command
from tests.e2e.pipeline import DEADLINE_SECONDS, Pipeline, new_pipeline

ROWS = "SELECT count(*) FROM fx_rates WHERE dt = '{}'"


class Commands:
    """Runs ``marketlake ARGUMENTS`` in this process on the pipeline's root."""

    def __init__(self, pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
        self._root, self._capsys = str(pipeline.config.root), capsys

    def __call__(self, *arguments: str, status: int = 0) -> str:
        self._capsys.readouterr()
        got = main(["--root", self._root, *arguments])
        printed = self._capsys.readouterr()
        assert got == status, printed
        return printed.out

    def document(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status))


@pytest.fixture
def run(pipeline: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("COLUMNS", "200")
    return Commands(pipeline, capsys)


def fail(pipeline: Pipeline, day: str) -> str:
    """Let the rates of ``day`` fail; the execution's name."""
    pipeline.inject({"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"})
    outcome = pipeline.run({"datasets": ["fx_rates"], "start": day, "end": day, "force": True})
    assert outcome.error == "UpstreamThrottled"
    return outcome.name


def ended(pipeline: Pipeline, name: str) -> str:
    assert pipeline.deployment is not None
    arn = pipeline.deployment.state_machine_arn.replace(":stateMachine:", ":execution:")
    return pipeline.wait(f"{arn}:{name}").status


def looked_into(pipeline: Pipeline, execution: str) -> None:
    """Wait for the end of what the rule starts about the ``execution`` of that ARN."""
    states, machine, end = pipeline.aws("stepfunctions"), interrupted(pipeline), time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        for one in states.list_executions(stateMachineArn=machine)["executions"]:
            if execution in states.describe_execution(executionArn=one["executionArn"])["input"]:
                assert pipeline.wait(one["executionArn"]).status == "SUCCEEDED"
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing looked into {execution} within {DEADLINE_SECONDS:.0f} s")


def interrupted(pipeline: Pipeline) -> str:
    """ARN of the state machine that mails about interrupted executions."""
    return f"arn:aws:states:{pipeline.config.region}:{ACCOUNT_ID}:stateMachine:{pipeline.name('interrupted')}"


def test_what_failed_is_listed_mailed_redriven_once_and_loaded(pipeline: Pipeline, run: Commands) -> None:
    day = "2020-12-01"
    execution = fail(pipeline, day)
    (record,) = run.document("dlq", "list")
    assert (record["dataset"], record["days"], record["state"]) == ("fx_rates", [day], "Fetch")
    assert (record["error"], record["execution"]) == ("UpstreamThrottled", execution)
    table = run("dlq", "list")
    assert record["id"][:8] in table
    assert "UpstreamThrottled" in table
    assert execution in table.replace("\n", "")
    assert f"starts redrive-{record['id']}" in run("dlq", "show", record["id"][:6])
    (mail,) = run.document("mail")
    assert mail["subject"] == f"marketlake FAILED: fx_rates {day}: UpstreamThrottled"
    assert "WHAT TO RUN" in run("mail")
    assert pipeline.query(ROWS.format(day)) == [["0"]]

    pipeline.inject()
    sqs, url = pipeline.aws("sqs"), pipeline.aws("sqs").get_queue_url(QueueName=pipeline.name("dlq"))["QueueUrl"]
    assert [r["result"] for r in run.document("dlq", "redrive", "--all", "--dry-run")] == ["would start"]
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    (started,) = run.document("dlq", "redrive", "--all")
    assert started["result"] == "started"
    assert ended(pipeline, started["execution"]) == "SUCCEEDED"
    assert pipeline.query(ROWS.format(day)) == [["32"]]
    assert run.document("dlq", "list") == []
    assert run.document("dlq", "redrive", "--all") == []
    assert message["MessageId"] == record["id"]


def test_a_message_whose_execution_was_started_before_is_redriven_once(pipeline: Pipeline, run: Commands) -> None:
    fail(pipeline, "2020-12-02")
    pipeline.inject()
    (record,) = run.document("dlq", "list")
    assert pipeline.deployment is not None
    # As if an earlier redrive had been killed between the start and the deletion, or SQS delivered the message twice.
    name = f"redrive-{record['id']}"
    pipeline.aws("stepfunctions").start_execution(
        stateMachineArn=pipeline.deployment.state_machine_arn, name=name, input=json.dumps(record["input"])
    )
    (again,) = run.document("dlq", "redrive", record["id"][:8])
    assert (again["result"], again["execution"]) == ("was started before", name)
    assert ended(pipeline, name) == "SUCCEEDED"
    assert run.document("dlq", "list") == []


def test_retry_runs_the_message_again_waits_for_the_end_and_is_done_once(pipeline: Pipeline, run: Commands) -> None:
    day = "2020-12-03"
    execution = fail(pipeline, day)
    (letter,) = run.document("dlq", "list")
    assert letter["retry"] == f"marketlake retry {execution}"
    (again,) = run.document("retry", execution, status=1)
    assert (again["execution"], again["status"]) == (f"redrive-{letter['id']}", "FAILED")

    pipeline.inject()
    (letter,) = run.document("dlq", "list")
    assert letter["execution"] == again["execution"]
    (planned,) = run.document("retry", execution, "--dry-run")
    assert (planned["execution"], planned["result"]) == (f"redrive-{letter['id']}", "would start")
    (record,) = run.document("retry", execution)
    assert (record["execution"], record["status"]) == (planned["execution"], "SUCCEEDED")
    assert pipeline.query(ROWS.format(day)) == [["32"]]
    assert run.document("dlq", "list") == []
    (done,) = run.document("retry", execution)
    assert (done["execution"], done["result"]) == (record["execution"], "was done before")
    run("retry", record["execution"], status=2)


def test_an_execution_that_was_stopped_is_started_anew_and_its_progress_shown(
    pipeline: Pipeline, run: Commands
) -> None:
    pipeline.inject({"kind": "hang", "seconds": 3, "match": "/(ecb|frankfurter)/"})
    arn = pipeline.start({"datasets": ["fx_rates"], "start": "2020-12-04", "end": "2020-12-04"})
    pipeline.aws("stepfunctions").stop_execution(executionArn=arn)
    pipeline.inject()
    looked_into(pipeline, arn)
    (mail,) = run.document("mail")
    name = arn.rsplit(":", 1)[1]
    assert mail["subject"] == "marketlake: an execution ended as ABORTED"
    assert f"marketlake execution {name} ended as ABORTED, before it could make a report.\n" in mail["body"]
    assert f"\nWHAT TO RUN: {retry_command(name)}\n" in mail["body"]
    shown = run("retry", arn)
    assert f"execution retry-{name}-1" in shown
    assert "1/1 batches" in shown
    assert "SUCCEEDED in" in shown
    assert pipeline.query(ROWS.format("2020-12-04")) == [["32"]]


@pytest.mark.parametrize(("error", "mails"), [("States.Runtime", 1), ("UpstreamThrottled", 0), ("", 1)])
def test_a_failure_that_was_not_mailed_is_whatever_the_event_says_of_it(
    pipeline: Pipeline, run: Commands, error: str, mails: int
) -> None:
    """AWS documents no error in its event, so it is read from the execution; what cannot be read is mailed."""
    states, role = pipeline.aws("stepfunctions"), f"arn:aws:iam::{ACCOUNT_ID}:role/{pipeline.name('interrupted')}"
    failed = pipeline.name("state_machine_arn").replace(":stateMachine:", ":execution:") + ":gone"
    if error:
        failing = {"StartAt": "Failed", "States": {"Failed": {"Type": "Fail", "Error": error}}}
        machine = states.create_state_machine(name=f"fails-{error}", definition=json.dumps(failing), roleArn=role)
        failed = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        assert pipeline.wait(failed).error == error
    detail = json.dumps({"executionArn": failed, "name": "run-1", "status": "FAILED"})
    about = states.start_execution(stateMachineArn=interrupted(pipeline), input=detail)
    assert pipeline.wait(about["executionArn"]).status == "SUCCEEDED"
    assert [mail["subject"] for mail in run.document("mail")] == ["marketlake: an execution ended as FAILED"] * mails


@pytest.fixture
def own_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """An emulator without the failures of other tests, which ``--all`` would run again."""
    monkeypatch.setenv("SFN_WAIT_SCALE", "0.05")
    pipeline = new_pipeline(tmp_path / "emulator")
    yield pipeline
    pipeline.down()


def test_all_runs_again_what_is_on_the_queue_and_takes_off_what_is_loaded(
    own_pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline, run = own_pipeline, Commands(own_pipeline, capsys)
    days = ("2020-12-07", "2020-12-08")
    for day in days:
        pipeline.inject({"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"})
        assert pipeline.run({"datasets": ["fx_rates"], "start": day, "end": day}).status == "FAILED"
    pipeline.inject()
    assert pipeline.run({"datasets": ["fx_rates"], "start": days[0], "end": days[0]}).status == "SUCCEEDED"
    records = {record["input"]["start"]: record for record in run.document("retry", "--all") if record["input"]}
    assert records[days[0]]["result"] == "loaded already"
    assert records[days[1]]["status"] == "SUCCEEDED"
    assert pipeline.query(ROWS.format(days[1])) == [["32"]]
    assert run.document("dlq", "list") == []
