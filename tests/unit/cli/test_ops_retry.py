from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.cli.retry import MAX_NAME, retry_name
from infra.client.target import Target
from tests.unit.cli.conftest import Command
from tests.unit.client.fake_states import FakeStates

A = {"datasets": ["fx_rates"], "start": "2020-07-01", "end": "2020-07-02"}
B = {"datasets": ["ftse100_prices"], "start": "2020-07-01", "end": "2020-07-02"}
LOST = {"error": "UpstreamThrottled", "cause": json.dumps({"losses": [], "done": ""})}
REDRIVABLE = {"redriveStatus": "REDRIVABLE"}


class Machine(FakeStates):
    """Step Functions whose RedriveExecution answers ``refuses`` as an error, or is taken down in ``redriven``."""

    refuses: str = ""
    last: str = "FailStateEntered"

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.redriven: list[str] = []

    def redrive_execution(self, executionArn: str) -> None:  # noqa: N803 - boto3's spelling
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses, "Message": "Unknown action"}}, "RedriveExecution")
        self.redriven.append(executionArn)

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        return {"events": [{"id": 9, "type": "ExecutionFailed"}, {"id": 8, "type": self.last}]}

    def start_execution(self, **request: Any) -> dict[str, Any]:
        if request["name"] in [one["name"] for one in self.started]:
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        return super().start_execution(**request)

    @property
    def inputs(self) -> dict[str, Any]:
        return {request["name"]: json.loads(request["input"]) for request in self.started}


def machine(target: Target, status: str, **end: Any) -> Machine:
    made = Machine(statuses=[status], end=end)
    target.__dict__["states"] = made
    return made


def report(target: Target, *inputs: dict[str, Any]) -> None:
    body = json.dumps({"summary": {}, "losses": [{"input": one} for one in inputs]}).encode()
    target.s3.put_object(Bucket=target.names["clean_bucket"], Key="reports/run-1.json", Body=body)


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_one_cut_off_is_redriven(command: Command, target: Target, status: str) -> None:
    fake = machine(target, status, **REDRIVABLE)
    told = command("retry", "run-1", "--json")
    assert told.status == 0
    assert told.document[0]["result"] == "redriven"
    assert fake.redriven == [target.execution_arn("run-1")]
    assert fake.started == []


def test_one_that_ended_in_fail_is_started_anew_with_what_it_lost(command: Command, target: Target) -> None:
    fake = machine(target, "FAILED", **LOST, **REDRIVABLE)
    report(target, A, B, A)
    told = command("retry", "run-1")
    assert told.status == 0
    assert fake.redriven == []
    assert fake.inputs == {"retry-run-1-1": A, "retry-run-1-2": B}
    assert "it ended in a Fail state, which a redrive would only enter again" in told.out
    assert "marketlake dlq list" in told.out

    again = command("retry", "run-1", "--json")
    assert again.status == 0
    assert [record["result"] for record in again.document] == ["was started before"] * 2
    assert "marketlake retry retry-run-1-1" in again.err
    assert len(fake.started) == 2


@pytest.mark.parametrize(
    ("end", "refuses", "words"),
    [
        ({}, "", "there is no redrive on"),
        ({"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": "older than 14 days [x]"}, "", "14 days [x]"),
        (REDRIVABLE, "InvalidAction", "Unknown action"),
        (REDRIVABLE, "ExecutionNotRedrivable", "cannot redrive it"),
    ],
)
def test_where_there_is_no_redrive_its_input_is_started_anew_for_the_same_days(
    command: Command, target: Target, end: dict[str, Any], refuses: str, words: str
) -> None:
    fake = machine(target, "ABORTED", **end)
    fake.refuses = refuses
    told = command("retry", "run-1")
    assert told.status == 0
    assert words in told.out
    assert fake.inputs == {"retry-run-1-1": {"scheduled_time": "2026-01-05T18:45:00Z"}}


def test_a_start_by_hand_does_not_claim_to_be_the_schedules(command: Command, target: Target) -> None:
    scheduled = {"scheduled_time": "2026-01-05T18:45:00Z", "trigger": "schedule"}
    fake = machine(target, "ABORTED", input=json.dumps(scheduled))
    assert command("retry", "run-1").status == 0
    assert fake.inputs == {"retry-run-1-1": {"scheduled_time": "2026-01-05T18:45:00Z"}}


def test_an_input_with_its_end_needs_no_time(command: Command, target: Target) -> None:
    fake = machine(target, "ABORTED", input=json.dumps(A))
    assert command("retry", "run-1").status == 0
    assert fake.inputs == {"retry-run-1-1": A}


def test_a_loss_of_the_execution_itself_runs_it_all_again(command: Command, target: Target) -> None:
    fake = machine(target, "FAILED", **LOST)
    report(target, A, {})
    assert command("retry", "run-1").status == 0
    assert list(fake.inputs.values()) == [{"scheduled_time": "2026-01-05T18:45:00Z"}]


def test_a_definition_that_broke_is_started_anew_and_a_service_that_failed_redriven(
    command: Command, target: Target
) -> None:
    fake = machine(target, "FAILED", error="States.Runtime", cause="a path is missing", **REDRIVABLE)
    fake.last = "TaskStateEntered"
    assert "uses the same definition again" in command("retry", "run-1").out
    assert len(fake.started) == 1
    fake = machine(target, "FAILED", error="States.TaskFailed", **REDRIVABLE)
    fake.last = "TaskStateEntered"
    assert command("retry", "run-1").status == 0
    assert len(fake.redriven) == 1


@pytest.mark.parametrize(
    ("status", "end", "words"),
    [
        ("SUCCEEDED", {"output": "{}"}, "nothing of it was lost"),
        ("RUNNING", {}, "it has not ended"),
        ("PENDING_REDRIVE", {}, "it has not ended"),
        ("FAILED", {"error": "InvalidRequest", "cause": '{"errorMessage": "start is [x]"}'}, "start is [x]"),
    ],
)
def test_what_cannot_be_helped_by_a_retry_is_refused(
    command: Command, target: Target, status: str, end: dict[str, Any], words: str
) -> None:
    fake = machine(target, status, **end)
    told = command("retry", "run-1")
    assert told.status == 2
    assert words in told.err
    assert fake.started == []


def test_an_execution_that_is_not_there_is_refused(command: Command, target: Target) -> None:
    machine(target, "FAILED")
    assert command("retry", "nowhere").status == 2


def test_an_input_that_is_none_is_not_started(command: Command, target: Target) -> None:
    fake = machine(target, "FAILED", **LOST)
    report(target, {"start": "2020-07-01", "rm": "-rf"})
    told = command("retry", "run-1")
    assert told.status == 1
    assert "cannot be run again" in told.err
    assert fake.started == []


def test_a_missing_permission_is_told(command: Command, target: Target) -> None:
    fake = machine(target, "ABORTED", **REDRIVABLE)
    fake.refuses = "AccessDeniedException"
    told = command("retry", "run-1")
    assert told.status == 1
    assert fake.started == []


def test_names_are_deterministic_distinct_and_not_too_long() -> None:
    long = [f"{'x' * 79}{end}" for end in "ab"]
    names = {retry_name(name, number) for name in ["run-1", *long] for number in (1, 10)}
    assert len(names) == 6
    assert max(map(len, names)) <= MAX_NAME
    assert "retry-run-1-10" in names
