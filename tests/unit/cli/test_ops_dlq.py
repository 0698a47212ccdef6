from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.client import dead_letters
from infra.client.target import Target
from tests.unit.cli.conftest import Command
from tests.unit.client.fake_states import FakeStates

INPUT = {"datasets": ["fx_rates"], "start": "2020-07-01", "end": "2020-07-02", "force": True}
CAUSE = json.dumps({"errorMessage": "answered 429 [bold]\u202e " + "x" * 300, "errorType": "UpstreamThrottled"})
MESSAGE: dict[str, Any] = {
    "schema_version": 3,
    "execution_arn": "arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:run-1",
    "execution": "run-1",
    "dataset": "fx_rates",
    "days": ["2020-07-01/2020-07-02"],
    "failure": {"Fetch": {"Error": "UpstreamThrottled", "Cause": CAUSE}},
    "time": "2026-01-05T18:45:00.000Z",
    "input": INPUT,
}
HOSTILE = [
    "not JSON \x1b[31m[red]",
    "[1, 2]",
    '"yesterday"',
    "[" * 50_000,
    '{"a": ' * 900 + "1" + "}" * 900,
    '{"schema_version": 1}',
    '{"schema_version": 1, "input": {"start": "2020-07-01", "rm": "-rf"}}',
    '{"schema_version": 1, "input": {"datasets": ["\\ud800"]}}',
    '{"schema_version": 1, "failure": [1], "days": {"a": 1}, "dataset": 7, "execution": null, "input": []}',
    '{"schema_version": 1, "failure": {"Fetch": "x"}, "days": [1, null], "input": {"symbols": [[]]}}',
    json.dumps(MESSAGE | {"schema_version": 4}),
    json.dumps(MESSAGE | {"input": {"end": "2222-01-01"}}),
    '{"Records": [{"eventSource": "aws:s3"}]}',
    '{"StateMachineArn": "arn:aws:states:eu-west-2:1:stateMachine:other", "Input": "{}"}',
    "1" * 5000,
    "NaN",
]


class Starts(FakeStates):
    """Step Functions that refuses a second start of a name, and starts with ``denied``'s error."""

    denied: str = ""

    def start_execution(self, **request: Any) -> dict[str, Any]:
        known = [one["name"] for one in self.started]
        code = self.denied or ("ExecutionAlreadyExists" if request["name"] in known else "")
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "StartExecution")
        return super().start_execution(**request)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)


@pytest.fixture
def states(target: Target) -> Starts:
    made = Starts()
    target.__dict__["states"] = made
    return made


@pytest.fixture
def url(target: Target, states: Starts) -> str:
    del states
    return target.sqs.create_queue(QueueName=target.names["dlq"])["QueueUrl"]


def send(target: Target, url: str, body: object, **attributes: str) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    made: Any = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    return target.sqs.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=made)["MessageId"]


def left(target: Target, url: str) -> list[str]:
    """Ids that a reader who comes next can receive at once."""
    found = []
    while batch := target.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        found += [message["MessageId"] for message in batch]
    return sorted(found)


def test_the_list_shows_each_message_escaped_and_leaves_it_to_others(
    command: Command, target: Target, url: str
) -> None:
    ids = [send(target, url, MESSAGE | {"days": [f"2020-07-{day:02}"]}) for day in range(1, 24)]
    printed = command("dlq", "list")

    assert printed.status == 0
    (line,) = [line for line in printed.out.splitlines() if "2020-07-03" in line]
    assert ids[2][:8] in line
    assert "fx_rates" in line
    assert "Fetch" in line
    assert "[bold]" in printed.out
    records = command("dlq", "list", "--json").document
    assert sorted(record["id"] for record in records) == sorted(ids)
    assert records[0]["input"] == INPUT
    assert (records[0]["error"], records[0]["attempts"]) == ("UpstreamThrottled", 4)
    assert left(target, url) == sorted(ids)


@pytest.mark.parametrize(
    ("state", "error", "more", "attempts"),
    [
        ("Fetch", "UpstreamThrottled", {}, 4),
        ("Fetch", "States.Timeout", {}, 4),
        ("Fetch", "Lambda.ServiceException", {}, 7),
        ("Fetch", "ContractViolation", {}, 1),
        ("Validate", "DataQualityError", {}, 1),
        ("Validate", "NotYetPublished", {}, 4),
        ("Validate", "UpstreamUnavailable", {}, None),
        ("Fetch", "UpstreamThrottled", {"schema_version": 3, "attempts": 3}, 3),
        ("Fetch", "UpstreamThrottled", {"schema_version": 1}, None),
    ],
)
def test_how_often_it_was_tried_follows_from_the_error_or_an_older_message_says_it(
    command: Command, target: Target, url: str, state: str, error: str, more: dict[str, Any], attempts: int | None
) -> None:
    send(target, url, MESSAGE | {"failure": {state: {"Error": error, "Cause": CAUSE}}} | more)
    (record,) = command("dlq", "list", "--json").document
    assert (record["attempts"], record["redrivable"]) == (attempts, True)


def test_an_empty_queue_says_so_and_one_that_another_reads_says_that(
    command: Command, target: Target, url: str
) -> None:
    assert "none" in command("dlq", "list").out
    send(target, url, MESSAGE)
    target.sqs.receive_message(QueueUrl=url)
    printed = command("dlq", "list")
    assert "about 1 messages are being read by something else" in printed.out
    assert command("dlq", "list", "--json").document == []


@pytest.mark.parametrize("body", HOSTILE)
def test_what_is_not_ours_is_listed_and_never_started_nor_deleted(
    command: Command, target: Target, url: str, states: Starts, body: str
) -> None:
    letter_id = send(target, url, body)
    (record,) = command("dlq", "list", "--json").document
    assert (record["kind"], record["redrivable"]) == ("unknown", False)
    assert record["cause"]
    listed = command("dlq", "list")
    assert listed.status == 0
    assert "\x1b" not in listed.out
    for extra in ([], ["--json"]):
        shown = command("dlq", "show", letter_id, *extra)
        assert shown.status == 0, shown
        assert "\x1b" not in shown.out

    named = command("dlq", "redrive", letter_id)
    assert named.status == 2
    assert "cannot be run again" in named.err
    assert command("dlq", "redrive", "--all").status == 1
    assert states.started == []
    assert left(target, url) == [letter_id]


def test_redrive_starts_an_execution_named_after_the_message_and_then_deletes_it(
    command: Command, target: Target, url: str, states: Starts
) -> None:
    first, second = send(target, url, MESSAGE), send(target, url, MESSAGE)
    dry = command("dlq", "redrive", "--all", "--dry-run", "--json").document
    assert [record["result"] for record in dry] == ["would start"] * 2
    assert states.started == []

    printed = command("dlq", "redrive", first[:12])
    assert printed.status == 0
    (request,) = states.started
    assert request["name"] == f"redrive-{first}"
    assert json.loads(request["input"]) == INPUT
    assert request["stateMachineArn"] == target.state_machine_arn
    assert left(target, url) == [second]


def test_a_message_that_comes_twice_starts_once_and_is_deleted(
    command: Command, target: Target, url: str, states: Starts
) -> None:
    letter_id = send(target, url, MESSAGE)
    states.started.append({"name": f"redrive-{letter_id}"})
    printed = command("dlq", "redrive", "--all", "--json")
    assert printed.status == 0
    assert [record["result"] for record in printed.document] == ["was started before"]
    assert len(states.started) == 1
    assert left(target, url) == []


def test_a_start_that_is_refused_keeps_the_message_and_exits_1(
    command: Command, target: Target, url: str, states: Starts
) -> None:
    letter_id = send(target, url, MESSAGE)
    states.denied = "AccessDeniedException"
    printed = command("dlq", "redrive", "--all")
    assert printed.status == 1
    assert "AccessDeniedException" in printed.out
    assert left(target, url) == [letter_id]


def test_one_that_cannot_be_run_again_does_not_keep_the_others_from_it(
    command: Command, target: Target, url: str, states: Starts
) -> None:
    bad, _ = send(target, url, "junk"), send(target, url, MESSAGE)
    assert command("dlq", "redrive", "--all").status == 1
    assert len(states.started) == 1
    assert left(target, url) == [bad]


@pytest.mark.parametrize(
    "body",
    [
        {"scheduled_time": "2026-01-05T18:30:00Z"},
        {
            "StateMachineArn": "arn:aws:states:eu-west-2:123456789012:stateMachine:marketlake-pipeline",
            "Input": '{"scheduled_time": "2026-01-05T18:30:00Z"}',
        },
    ],
)
def test_a_scheduled_start_that_failed_is_started_with_its_own_time(
    command: Command, target: Target, url: str, states: Starts, body: dict[str, Any]
) -> None:
    send(target, url, body, ERROR_CODE="SFN.Throttled", ERROR_MESSAGE="slow [down]")
    (record,) = command("dlq", "list", "--json").document
    assert (record["kind"], record["error"], record["cause"]) == ("schedule", "SFN.Throttled", "slow [down]")
    assert command("dlq", "redrive", "--all").status == 0
    assert json.loads(states.started[0]["input"]) == {"scheduled_time": "2026-01-05T18:30:00Z"}
    assert left(target, url) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["redrive"], "give the ids of messages, or --all"),
        (["redrive", "--all", "abcdef12"], "give the ids of messages, or --all"),
        (["redrive", "abc"], "too short"),
        (["redrive", "zzzzzz"], "names no message"),
        (["show", "zzzzzz"], "names no message"),
    ],
)
def test_ids_that_name_no_one_message_are_refused(
    command: Command, target: Target, url: str, arguments: list[str], words: str
) -> None:
    send(target, url, MESSAGE)
    printed = command("dlq", *arguments)
    assert printed.status == 2
    assert words in printed.err
    assert len(left(target, url)) == 1


def test_show_prints_the_message_and_what_a_redrive_would_start(command: Command, target: Target, url: str) -> None:
    letter_id = send(target, url, MESSAGE)
    printed = command("dlq", "show", letter_id[:6].upper())
    assert "run again  marketlake retry run-1" in printed.out
    assert f"starts redrive-{letter_id} with" in printed.out
    assert '"schema_version": 3' in printed.out
    assert json.loads(command("dlq", "show", letter_id, "--json").document["body"]) == MESSAGE
