from __future__ import annotations

import io
import json
from typing import Any

import pytest

from infra.client import executions
from infra.client.target import Target
from tests.unit.cli.conftest import Command
from tests.unit.client.aws_history import two_batches
from tests.unit.client.fake_states import FakeStates

SUMMARY = {
    "text": "nothing was left to do",
    "plan": {},
    "failures": 0,
    "datasets": {"fx_rates": {"written": 0, "unchanged": 5}},
}

FAILURES: dict[str, Any] = {
    "failures": [
        {
            "dataset": "fx_rates",
            "period": "2021-01-04 to 2021-02-01",
            "state": "Fetch",
            "error": "UpstreamThrottled",
            "text": "fx_rates 2021-01-04 to 2021-02-01 (21 days), in Fetch: UpstreamThrottled: answered 429 [bold]",
        }
    ],
    "more": 0,
    "done": "21 days written with 609 rows, 0 days unchanged, 1 failure",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "AWS_POLL_SECONDS", 0.0)


def states(target: Target, **given: Any) -> FakeStates:
    """Puts a fake Step Functions in place of the target's."""
    made = FakeStates(two_batches().events, **given)
    target.__dict__["states"] = made
    return made


def test_a_run_shows_each_state_as_it_ends_and_what_was_left_to_do(command: Command, target: Target) -> None:
    fake = states(target, statuses=["RUNNING", "SUCCEEDED"], end={"output": json.dumps(SUMMARY)})
    shown = command("run")

    assert shown.status == 0
    assert "SUCCEEDED" in shown.out
    assert "nothing was left to do" in shown.out
    lines = [line for line in shown.out.splitlines() if "Fetch" in line]
    assert len(lines) == 3
    assert "fx_rates 2025-12-29 to 2026-01-05 (attempt 1)" in lines[0]
    assert "UpstreamThrottled: 429, slow [bold] down" in lines[0]
    assert "(attempt 2)" in lines[2]
    assert fake.started[0]["input"] == "{}"
    assert fake.started[0]["name"].startswith("run-")


def test_options_become_the_input_unchecked_so_that_plan_alone_says_what_is_accepted(
    command: Command, target: Target
) -> None:
    fake = states(target, end={"output": json.dumps(SUMMARY)})
    command("run", "--date", "soon", "--dataset", "fx_rates")
    window = ["--start", "2022-01-01", "--end", "2022-12-31"]
    command("backfill", *window, "--dataset", "a", "--dataset", "b", "--symbol", "BT-A.L", "--force")
    command("backfill", *window)

    assert [json.loads(request["input"]) for request in fake.started] == [
        {"datasets": ["fx_rates"], "start": "soon", "end": "soon"},
        {"datasets": ["a", "b"], "start": "2022-01-01", "end": "2022-12-31", "symbols": ["BT-A.L"], "force": True},
        {"start": "2022-01-01", "end": "2022-12-31"},
    ]
    assert len({request["name"] for request in fake.started}) == 3


def test_refused_input_exits_2_with_the_message_that_names_the_field(command: Command, target: Target) -> None:
    message = "start is 'soon'; accepted is a date as YYYY-MM-DD"
    cause = json.dumps({"errorMessage": message, "errorType": "InvalidRequest", "stackTrace": []})
    states(target, statuses=["FAILED"], end={"error": "InvalidRequest", "cause": cause})
    shown = command("run", "--date", "soon")

    assert shown.status == 2
    assert message in shown.err


def test_failures_exit_1_with_what_failed_what_was_done_and_what_to_run(command: Command, target: Target) -> None:
    fake = states(target, statuses=["FAILED"], end={"error": "UpstreamThrottled", "cause": json.dumps(FAILURES)})
    printed = command("backfill", "--start", "2021-01-01", "--end", "2021-02-01")

    assert printed.status == 1
    assert "21 days written" in printed.out
    assert FAILURES["failures"][0]["text"] in printed.out
    assert f"next: marketlake retry {fake.started[0]['name']};" in printed.out
    assert "2/2 batches, 1 failed" in printed.out


RESTATED = {"restated": {"count": 1, "lines": ["VOD.L [bold], split: 5 times"]}}


@pytest.mark.parametrize(
    ("status", "end", "exit_status"),
    [
        ("SUCCEEDED", {"output": json.dumps(SUMMARY | RESTATED)}, 0),
        ("FAILED", {"error": "UpstreamThrottled", "cause": json.dumps(FAILURES | RESTATED)}, 1),
    ],
)
@pytest.mark.parametrize("shown_by", ["run", "history"])
def test_a_restated_history_is_shown_with_the_command_that_loads_it_again(
    command: Command, target: Target, status: str, end: dict[str, Any], exit_status: int, shown_by: str
) -> None:
    fake = states(target, statuses=[status], end=end)
    printed = command("run") if shown_by == "run" else command("history", "any")

    assert printed.status == (exit_status if shown_by == "run" else 0)
    assert "! VOD.L [bold], split: 5 times" in printed.out
    name = fake.started[0]["name"] if shown_by == "run" else "any"
    assert f"next: marketlake retry {name}" in printed.out


@pytest.mark.parametrize(
    ("status", "end", "words"),
    [
        ("ABORTED", {}, "stopped"),
        ("TIMED_OUT", {"error": "States.Timeout"}, "longer than it may"),
        ("FAILED", {"error": "States.Runtime", "cause": "a path is missing"}, "States.Runtime: a path is missing"),
        ("FAILED", {"error": "X", "cause": '["a list"]'}, "a list"),
        ("FAILED", {}, "failed"),
    ],
)
def test_every_other_end_exits_1_and_says_which(
    command: Command, target: Target, status: str, end: dict[str, Any], words: str
) -> None:
    states(target, statuses=[status], end=end)
    shown = command("run")

    assert shown.status == 1
    assert words in shown.out


def test_ctrl_c_says_that_the_execution_goes_on_and_how_to_look_at_it(
    command: Command, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    fake = states(target, statuses=["RUNNING"])
    monkeypatch.setattr("infra.client.executions.HistoryReader.new", interrupt)
    shown = command("run")

    name = fake.started[0]["name"]
    assert shown.status == 130
    assert f"execution {name} goes on" in shown.err
    assert f"marketlake history {name}" in shown.err


def test_what_is_simulated_says_so(command: Command, target: Target) -> None:
    target.replay = {"prices": {"simulated": True, "seed": 7}, "last_day": "2026-01-05"}
    states(target, end={"output": json.dumps(SUMMARY)})
    assert "prices are simulated (seed 7)" in command("run").out

    target.replay = {"prices": {"simulated": False}, "last_day": "2026-01-05"}
    assert "simulated" not in command("run").out


PLANNED: dict[str, Any] = {
    "batches": [
        {
            "dataset": "fx_rates",
            "days": ["2022-01-04/2022-01-31"],
            "count": 20,
            "input": {"datasets": ["fx_rates"], "start": "2022-01-04", "end": "2022-01-31"},
        }
    ],
    "summary": {"datasets": ["fx_rates"], "days_due": 21, "days_done": 1, "days_planned": 20, "batches": 1},
    "datasets": [{"dataset": "fx_rates", "days_due": 21, "days_done": 1, "source_requests": 1}],
    "refusal": "",
}


class FakeLambda:
    """Plan's answer, and what it was given."""

    def __init__(self, answer: dict[str, Any], **more: str) -> None:
        self.given: dict[str, Any] = {}
        self._answer = {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.given = {"function": FunctionName, **json.loads(Payload)}
        return self._answer


JANUARY = ("--start", "2022-01-03", "--end", "2022-01-31")


def test_a_dry_run_shows_the_plan_and_starts_nothing(command: Command, target: Target) -> None:
    fake, plan = states(target), FakeLambda(PLANNED)
    target.__dict__["lambdas"] = plan
    shown = command("backfill", *JANUARY, "--dataset", "fx_rates", "--dry-run")

    assert shown.status == 0, shown.err
    assert plan.given["function"] == "marketlake-plan"
    assert plan.given["preview"] is True
    assert plan.given["input"] == {"datasets": ["fx_rates"], "start": "2022-01-03", "end": "2022-01-31"}
    assert fake.started == []
    assert "nothing was started" in shown.out
    assert "20 days in 1 batches, 1 requests to the sources; about 104 S3 requests, $0.0" in shown.out


def test_a_dry_run_as_json_has_every_figure(command: Command, target: Target) -> None:
    target.__dict__["lambdas"] = FakeLambda(PLANNED)
    document = command("run", "--dry-run", "--json").document

    (part,) = document.pop("datasets")
    assert part == {
        "dataset": "fx_rates",
        "days": 20,
        "done": 1,
        "batches": 1,
        "first": "2022-01-04",
        "last": "2022-01-31",
        "source_requests": 1,
    }
    assert {name: document[name] for name in ("days", "batches", "source_requests")} == {
        "days": 20,
        "batches": 1,
        "source_requests": 1,
    }
    assert document["dollars"] > 0
    assert document["minutes"] > 1, "the source of an account is waited for"


@pytest.mark.parametrize(
    ("answer", "more", "status", "said"),
    [
        (PLANNED | {"refusal": "start is 'soon'; accepted is a date"}, {}, 2, "start is 'soon'"),
        ({"batches": [], "summary": {}}, {}, 1, "deploy again with: make deploy"),
        ({"errorType": "PermissionDenied", "errorMessage": "s3"}, {"FunctionError": "Unhandled"}, 1, "Denied: s3"),
    ],
)
def test_a_dry_run_that_plan_does_not_answer_says_why(
    command: Command, target: Target, answer: dict[str, Any], more: dict[str, str], status: int, said: str
) -> None:
    target.__dict__["lambdas"] = FakeLambda(answer, **more)
    shown = command("backfill", *JANUARY, "--dry-run")

    assert shown.status == status
    assert said in shown.err
