from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.client import dead_letters, executions, retries
from infra.client.retries import MAX_NAME, covers, retry_name
from infra.client.target import Target
from tests.unit.cli.conftest import Command
from tests.unit.cli.test_ops_dlq import MESSAGE, left, send
from tests.unit.client.fake_states import START, Exceptions, ExecutionDoesNotExist, Paginator

A = {"datasets": ["fx_rates"], "start": "2020-07-01", "end": "2020-07-02"}
B = {"datasets": ["ftse100_prices"], "start": "2020-07-01", "end": "2020-07-02"}
SYMBOLS = {**B, "symbols": ["BT-A.L", "VOD.L"], "force": True}
RESTATED = [
    {"dataset": "ftse100_prices", "symbol": symbol, "event": "split", "factor": 5.0, "first": first, "last": last}
    for symbol, first, last in (("VOD.L", "2020-07-01", "2020-07-02"), ("BT-A.L", "2020-07-01", "2020-07-01"))
]
FAILED = {"status": "FAILED", "error": "UpstreamThrottled", "cause": json.dumps({"failures": [], "done": ""})}


@dataclass
class Machine:
    """Step Functions whose executions are in ``ended``, by name; ``ends`` is how one that is started ends."""

    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    ends: dict[str, Any] = field(default_factory=lambda: {"status": "SUCCEEDED", "output": '{"text": "good"}'})
    denied: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    described: Counter[str] = field(default_factory=Counter)
    exceptions: Any = Exceptions

    def start_execution(self, **request: Any) -> dict[str, Any]:
        name = request["name"]
        code = self.denied or ("ExecutionAlreadyExists" if name in self.ended else "")
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no [x]"}}, "StartExecution")
        self.ended[name] = {**self.ends, "input": request["input"]}
        self.inputs[name] = json.loads(request["input"])
        return {"executionArn": name}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's spelling
        name = executionArn.rpartition(":")[2]
        if name not in self.ended:
            raise ExecutionDoesNotExist
        self.described[name] += 1
        return self._execution(executionArn)

    def _execution(self, arn: str) -> dict[str, Any]:
        name = arn.rpartition(":")[2]
        return {"executionArn": arn, "name": name, "startDate": START, "input": "{}"} | self.ended[name]

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(getattr(self, f"{operation}_pages"))

    def list_executions_pages(self, **_: Any) -> Iterable[dict[str, Any]]:
        found = [self._execution(f":{name}") for name in self.ended]
        return [{"executions": sorted(found, key=lambda one: one["startDate"], reverse=True)}]

    def get_execution_history_pages(self, **_: Any) -> Iterable[dict[str, Any]]:
        return [{"events": []}]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    monkeypatch.setattr(executions, "AWS_POLL_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return START.astimezone(tz) + timedelta(days=1)

    monkeypatch.setattr(retries, "datetime", Clock)


@pytest.fixture
def machine(target: Target) -> Machine:
    made = Machine()
    target.__dict__["states"] = made
    return made


@pytest.fixture
def url(target: Target, machine: Machine) -> str:
    machine.ended["run-1"] = FAILED
    return target.sqs.create_queue(QueueName=target.names["dlq"])["QueueUrl"]


def report(
    target: Target, *inputs: Any, name: str = "run-1", state: str = "Fetch", restated: Any = (), error: str = "E"
) -> None:
    known = {"dataset": "d", "days": [], "count": 1, "state": state, "error": error, "cause": "c"}
    document = {
        "summary": {},
        "failures": [{**known, "input": one} for one in inputs],
        "restatements": [{**one, "mails": True} for one in restated],
    }
    body = json.dumps(document).encode()
    target.s3.put_object(Bucket=target.names["clean_bucket"], Key=f"reports/{name}.json", Body=body)


def test_its_messages_are_redriven_and_taken_off_and_waited_for(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    report(target, A, B)
    mine = [send(target, url, MESSAGE | {"input": one}) for one in (A, B)]
    other = send(target, url, MESSAGE | {"execution": "run-2", "input": {**A, "start": "2020-06-01"}})
    printed = command("retry", "run-1")
    assert printed.status == 0
    assert machine.inputs == {f"redrive-{mine[0]}": A, f"redrive-{mine[1]}": B}
    assert printed.out.count("SUCCEEDED in") == 2
    assert left(target, url) == [other]


def test_a_failure_without_a_message_is_started_anew_and_twice_is_once(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    del url
    report(target, A, B, A)
    printed = command("retry", "run-1", "--json")
    assert printed.status == 0
    assert machine.inputs == {"retry-run-1-1": A, "retry-run-1-2": B}
    assert [record["status"] for record in printed.document] == ["SUCCEEDED"] * 2

    again = command("retry", "run-1", "--json")
    assert again.status == 0
    assert [record["result"] for record in again.document] == ["was done before"] * 2
    assert len(machine.inputs) == 2


def test_a_batch_whose_message_the_queue_refused_is_started_whole_in_place_of_its_days(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    report(target, A, state="SendRejectedDays")
    send(target, url, MESSAGE | {"input": {**A, "end": "2020-07-01"}})
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {"retry-run-1-1": A}
    assert left(target, url) == []


def test_batches_of_a_pass_whose_part_failed_are_one_start_that_asks_the_source_once(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    machine.ended["run-1"] = {**FAILED, "input": json.dumps({**B, "end": "2020-12-31"})}
    report(target, B, {**B, "start": "2020-07-03", "end": "2020-07-04"}, error="PartFailed")
    for one in (B, {**B, "start": "2020-07-03", "end": "2020-07-04"}):
        send(target, url, MESSAGE | {"input": one})
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {"retry-run-1-1": {**B, "end": "2020-12-31"}}
    assert left(target, url) == []


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED", "FAILED"])
def test_one_without_a_report_runs_its_own_input_again_for_the_same_days(
    command: Command, target: Target, url: str, machine: Machine, status: str
) -> None:
    machine.ended["run-1"] = {"status": status}
    send(target, url, MESSAGE)
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {"retry-run-1-1": {"scheduled_time": "2026-01-05T18:45:00Z"}}
    assert left(target, url) == [], "its own input runs the days of its messages, too"


def test_a_start_by_hand_does_not_claim_to_be_the_schedules(command: Command, url: str, machine: Machine) -> None:
    del url
    scheduled = {"scheduled_time": "2026-01-05T18:45:00Z", "trigger": "schedule"}
    machine.ended["run-1"] = {"status": "ABORTED", "input": json.dumps(scheduled)}
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {"retry-run-1-1": {"scheduled_time": "2026-01-05T18:45:00Z"}}


def test_an_input_with_its_end_needs_no_time(command: Command, url: str, machine: Machine) -> None:
    del url
    machine.ended["run-1"] = {"status": "ABORTED", "input": json.dumps(A)}
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {"retry-run-1-1": A}


def test_a_failure_of_the_execution_itself_runs_it_all_again(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    del url
    report(target, A, None)
    assert command("retry", "run-1").status == 0
    assert list(machine.inputs.values()) == [{"scheduled_time": "2026-01-05T18:45:00Z"}]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_restated_histories_are_loaded_again_for_their_symbols(
    command: Command, target: Target, url: str, machine: Machine, status: str
) -> None:
    del url
    machine.ended["run-1"] = {"status": status, "error": "NoticeNotSent" if status == "FAILED" else ""}
    report(target, restated=RESTATED)
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {"retry-run-1-1": SYMBOLS}
    (record,) = command("retry", "run-1", "--json").document
    assert record["result"] == "was done before"


def test_what_has_its_markers_is_taken_off_and_not_run_again(
    command: Command, target: Target, url: str, machine: Machine, store: Any
) -> None:
    forced = {**A, "force": True}
    loaded, kept = (send(target, url, MESSAGE | {"input": one}) for one in (A, forced))
    report(target, A, B, forced)
    for day in (1, 2):
        store("fx_rates", date(2020, 7, day))
    planned = command("retry", "run-1", "--dry-run", "--json")
    assert planned.status == 0
    assert sorted(record["result"] for record in planned.document) == ["loaded already", "would start", "would start"]
    assert machine.inputs == {}
    assert {record["id"] for record in command("dlq", "list", "--json").document} == {loaded, kept}

    assert command("retry", "run-1").status == 0
    assert machine.inputs == {f"redrive-{kept}": forced, "retry-run-1-2": B}
    assert left(target, url) == []


def test_what_failed_again_is_found_by_the_name_of_the_first_failure(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    report(target, A, B)
    machine.ends = FAILED
    send(target, url, MESSAGE | {"input": A})
    printed = command("retry", "run-1")
    assert printed.status == 1
    assert "next: marketlake retry run-1" in printed.out
    (first, second) = machine.inputs
    assert second == "retry-run-1-2"

    # The redrive has sent its work again, but for a day that it has loaded; the new start could not even do that.
    rest = {**A, "start": "2020-07-02"}
    again = send(target, url, MESSAGE | {"execution": first, "input": rest})
    report(target, rest, name=first)
    report(target, {**B, "start": "2020-07-02"}, name=second, state="SendToDlq")
    machine.ends = {"status": "SUCCEEDED", "output": "{}"}
    machine.inputs.clear()
    assert command("retry", "run-1").status == 0
    assert machine.inputs == {f"redrive-{again}": rest, f"retry-{second}-1": {**B, "start": "2020-07-02"}}


def test_what_is_under_way_is_waited_for(command: Command, target: Target, url: str, machine: Machine) -> None:
    del url
    report(target, A)
    machine.ended["redrive-of-it"] = {"status": "RUNNING", "input": json.dumps(A)}
    (record,) = command("retry", "run-1", "--no-wait", "--json").document
    assert (record["execution"], record["result"]) == ("redrive-of-it", "runs already")
    assert machine.inputs == {}


def test_nothing_is_started_while_somebody_else_may_hold_its_message(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    report(target, A)
    letter = send(target, url, MESSAGE | {"input": A})
    assert left(target, url) == [letter]
    printed = command("retry", "run-1")
    assert printed.status == 2
    assert "about 1 messages on the queue are being read by something else" in printed.err
    assert machine.inputs == {}


def test_no_wait_returns_at_once(command: Command, target: Target, url: str, machine: Machine) -> None:
    del url
    report(target, A)
    machine.ends = {"status": "RUNNING"}
    printed = command("retry", "run-1", "--no-wait")
    assert printed.status == 0
    assert "marketlake history" in printed.out


def test_all_asks_once_about_each_execution_and_each_input(
    command: Command, target: Target, url: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def marked(_bucket: Any, dataset: str, start: date, end: date) -> set[date]:
        asked[f"{dataset} {start} {end}"] += 1
        return set()

    monkeypatch.setattr(retries, "loaded_days", marked)
    for request in (A, B):
        send(target, url, MESSAGE | {"input": request})
    report(target, A, B)
    hour = timedelta(hours=1)
    for number in range(4):
        of = {"input": f'{{"datasets": ["fx_rates"], "symbols": ["S{number}"]}}'}
        machine.ended[f"bad-{number}"] = {"status": "ABORTED", "startDate": START - 9 * hour, **of}
        machine.ended[f"good-{number}"] = {"status": "SUCCEEDED", "startDate": START - number * hour}
    assert command("retry", "--all", "--dry-run").status == 0
    listed = {name: times for name, times in machine.described.items() if not name.startswith("retry-")}
    assert set(listed) >= {"run-1", "bad-0", "bad-3", "good-0", "good-3"}
    assert set(listed.values()) == {1}
    assert set(asked.values()) == {1}


def test_all_runs_the_queue_and_every_failure_with_no_later_success(
    command: Command, target: Target, url: str, machine: Machine, store: Any
) -> None:
    own = send(target, url, MESSAGE | {"input": A})
    scheduled = send(target, url, {"scheduled_time": "2026-01-05T18:30:00Z"})
    report(target, A)
    days = timedelta(days=1)
    machine.ended |= {
        "more": {"status": "FAILED"},
        "refused": {"status": "FAILED", "error": "InvalidRequest"},
        "daily-1": {"status": "ABORTED", "startDate": START - 2 * days},
        "daily-2": {"status": "ABORTED", "startDate": START - days, "input": '{"datasets": ["fx_rates"]}'},
        "daily-3": {"status": "SUCCEEDED", "startDate": START - days / 2, "input": '{"datasets": ["fx_rates"]}'},
        "long-ago": {"status": "ABORTED", "startDate": START - 20 * days},
        "good": {"status": "SUCCEEDED", "input": json.dumps(B)},
    }
    report(target, B, name="more")
    assert command("retry", "--all").status == 0
    time = {"scheduled_time": "2026-01-03T18:45:00Z"}
    assert machine.inputs == {
        f"redrive-{own}": A,
        f"redrive-{scheduled}": {"scheduled_time": "2026-01-05T18:30:00Z"},
        "retry-more-1": B,
        "retry-daily-1-1": time,
    }
    assert left(target, url) == []
    machine.inputs.clear()
    for day in (1, 2):
        store("fx_rates", date(2020, 7, day))
    printed = command("retry", "--all", "--json")
    assert printed.status == 0
    assert {record["result"] for record in printed.document} == {"loaded already", "was done before"}
    assert machine.inputs == {}


def test_the_newest_of_several_daily_runs_runs_the_days_of_the_older_ones(
    command: Command, url: str, machine: Machine
) -> None:
    del url
    machine.ended = {f"day-{n}": {"status": "ABORTED", "startDate": START - timedelta(days=n)} for n in range(10)}
    assert command("retry", "--all").status == 0
    assert list(machine.inputs) == ["retry-day-0-1", "retry-day-8-1"]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ({"status": "SUCCEEDED", "output": "{}"}, "nothing of it failed"),
        ({"status": "RUNNING"}, "it has not ended"),
        ({"status": "PENDING_REDRIVE"}, "it has not ended"),
        ({"status": "FAILED", "error": "InvalidRequest", "cause": '{"errorMessage": "start is [x]"}'}, "start is [x]"),
    ],
)
def test_what_cannot_be_helped_by_a_retry_is_refused(
    command: Command, url: str, machine: Machine, end: dict[str, Any], words: str
) -> None:
    del url
    machine.ended["run-1"] = end
    printed = command("retry", "run-1")
    assert printed.status == 2
    assert words in printed.err
    assert machine.inputs == {}


@pytest.mark.parametrize("arguments", [[], ["run-1", "--all"], ["nowhere"]])
def test_a_name_or_all_is_needed(command: Command, url: str, arguments: list[str]) -> None:
    del url
    assert command("retry", *arguments).status == 2


def test_an_input_that_plan_would_refuse_is_not_started(command: Command, url: str, machine: Machine) -> None:
    del url
    machine.ended["run-1"] = {"status": "ABORTED", "input": '{"start": "2020-07-01", "rm": "-rf"}'}
    printed = command("retry", "run-1")
    assert printed.status == 1
    assert "stays: what it would start is not accepted" in printed.out
    assert machine.inputs == {}


def test_a_start_that_is_refused_keeps_its_message_and_exits_1(
    command: Command, target: Target, url: str, machine: Machine
) -> None:
    report(target, A)
    letter = send(target, url, MESSAGE | {"input": A})
    machine.denied = "AccessDeniedException"
    printed = command("retry", "run-1")
    assert printed.status == 1
    assert "AccessDeniedException" in printed.out
    assert "no [x]" in printed.out
    assert left(target, url) == [letter]


@pytest.mark.parametrize(
    ("other", "covered"),
    [
        (B, True),
        ({**B, "end": "2020-07-01"}, True),
        ({**B, "end": "2020-07-03"}, False),
        ({**B, "datasets": ["ftse100_prices", "fx_rates"]}, False),
        ({**B, "force": True}, False),
        ({**B, "symbols": ["VOD.L"]}, False),
        ({}, False),
        ([], False),
    ],
)
def test_one_input_covers_another_if_it_runs_all_of_it(other: Any, covered: bool) -> None:
    assert covers(B, other) == covered
    assert covers(other, other)


def test_names_are_deterministic_distinct_and_not_too_long() -> None:
    long = [f"{'x' * 79}{end}" for end in "ab"]
    names = {retry_name(name, number) for name in ["run-1", *long] for number in (1, 10)}
    assert len(names) == 6
    assert max(map(len, names)) <= MAX_NAME
    assert "retry-run-1-10" in names
