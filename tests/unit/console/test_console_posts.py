from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from infra.client.errors import Refusal
from infra.client.target import Target
from infra.console.app import Console
from infra.console.server import build_app
from infra.cost.previews import DatasetPreview, Preview
from tests.unit.cli.conftest import ACCOUNT, REGION, Command
from tests.unit.console.conftest import PORT, POST, TOKEN, Deployed

WINDOW = {"datasets": ["fx_rates"], "start": "2024-01-02", "end": "2024-01-05", "symbols": [], "force": False}
PART = DatasetPreview("fx_rates", 4, 0, 1, "2024-01-02", "2024-01-05", 1)


def post(page: TestClient, path: str, document: object = ()) -> Any:
    return page.post(f"/api/{path}", content=json.dumps(document), headers=POST | {"Content-Type": "application/json"})


def test_a_preview_asks_plan_for_what_was_filled_in_and_starts_nothing(
    page: TestClient, states: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def preview(_: Target, request: dict[str, Any]) -> Preview:
        asked.append(request)
        return Preview((PART,), 4, 1, 1, 30, 0.001, 0.5)

    monkeypatch.setattr("infra.console.actions.preview", preview)
    found = post(page, "preview", {"request": WINDOW}).json()
    assert asked == [{"datasets": ["fx_rates"], "start": "2024-01-02", "end": "2024-01-05"}]
    assert (found["kind"], found["request"], found["s3_requests"]) == ("backfill", asked[0], 30)
    assert found["datasets"][0]["last"] == "2024-01-05"
    assert post(page, "preview", {"request": {"start": "", "end": ""}}).json()["kind"] == "run"
    assert states.started == []


def test_what_plan_refuses_is_shown_with_its_words(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(_: Target, __: dict[str, Any]) -> Preview:
        raise Refusal("symbols names '<b>X</b>'; accepted are the symbols in force", "correct it")

    monkeypatch.setattr("infra.console.actions.preview", preview)
    answer = post(page, "preview", {"request": {"symbols": ["<b>X</b>"]}})
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("symbols names '<b>X</b>'")


def test_a_start_is_named_and_made_as_the_terminals_is(page: TestClient, states: Deployed) -> None:
    name = post(page, "start", {"request": WINDOW | {"force": True}}).json()["execution"]
    assert name.startswith("backfill-")
    (made,) = states.started
    assert json.loads(made["input"]) == {
        "datasets": ["fx_rates"],
        "start": "2024-01-02",
        "end": "2024-01-05",
        "force": True,
    }
    assert post(page, "start", {"request": {}}).json()["execution"].startswith("run-")
    assert json.loads(states.started[1]["input"]) == {}


REFUSED: list[Any] = [
    None,
    [],
    {},
    {"request": "all"},
    {"request": {"trigger": "schedule", "scheduled_time": "2024-01-05T18:00:00Z"}},
    {"request": {"drop_missing": True}},
    {"request": {"start": "2024-01-05", "end": "2024-01-02"}},
    {"request": {"datasets": ["<script>"]}},
    {"request": {"symbols": "AZN.L"}},
    {"request": {"force": "yes"}},
]


def test_an_input_that_is_not_accepted_starts_nothing(page: TestClient, states: Deployed) -> None:
    for document in REFUSED:
        answer = post(page, "start", document)
        assert (answer.status_code, bool(answer.json()["advice"])) == (404, True), document
    assert states.started == []


def test_a_running_execution_is_stopped_and_its_cause_says_by_whom(page: TestClient, states: Deployed) -> None:
    states.statuses = ["RUNNING"]
    assert post(page, "executions/run-1/stop").json() == {"execution": "run-1"}
    (stopped,) = states.stopped
    assert stopped["executionArn"].endswith(":execution:marketlake-pipeline:run-1")
    assert "by a person" in stopped["cause"]


@pytest.mark.parametrize("name", ["run-1", "nowhere", "arn:aws:states:eu-west-2:123456789012:execution:theirs:run-1"])
def test_what_has_ended_or_is_not_the_pipelines_is_not_stopped(page: TestClient, states: Deployed, name: str) -> None:
    states.statuses = ["RUNNING" if name.startswith("arn:") else "SUCCEEDED"]
    answer = post(page, f"executions/{name}/stop")
    assert (answer.status_code, bool(answer.json()["advice"])) == (404, True)
    assert states.stopped == []


def test_a_retry_is_tried_first_and_then_started_once(
    account_page: TestClient, queue_url: str, states: Deployed
) -> None:
    assert queue_url
    states.statuses, states.end = ["ABORTED"], {"cause": "stopped"}

    def describe(executionArn: str) -> dict[str, Any]:  # noqa: N803 - boto3's spelling
        if ":retry-" in executionArn:
            raise states.exceptions.ExecutionDoesNotExist
        return Deployed.describe_execution(states, executionArn)

    states.describe_execution = describe  # type: ignore[method-assign]
    (planned,) = post(account_page, "executions/run-1/retry", {"dry_run": True}).json()["results"]
    assert (planned["execution"], planned["result"], planned["done"]) == ("retry-run-1-1", "would start", False)
    assert states.started == []
    (done,) = post(account_page, "executions/run-1/retry").json()["results"]
    assert (done["execution"], done["result"], done["done"]) == ("retry-run-1-1", "started", True)
    assert [one["name"] for one in states.started] == ["retry-run-1-1"]


def test_what_succeeded_is_not_retried(account_page: TestClient, queue_url: str) -> None:
    assert queue_url
    answer = post(account_page, "executions/run-1/retry")
    assert answer.status_code == 404
    assert "nothing of it failed" in answer.json()["error"]


def posts() -> list[str]:
    bare = Target(boto3.Session(region_name=REGION), ACCOUNT, REGION, "marketlake")
    bare.__dict__ |= {"states": None, "sqs": None, "s3": None, "logs": None, "athena": None}
    routes = [route for route in Console(bare, TOKEN).routes() if isinstance(route, Route)]
    return [route.path.replace("{name}", "run-1") for route in routes if "POST" in (route.methods or ())]


def test_each_action_is_refused_without_the_token_and_on_a_page_that_may_only_read(
    account: Target, queue_url: str, states: Deployed
) -> None:
    states.statuses = ["RUNNING"]
    for read_only, headers in ((False, {}), (False, POST | {"Origin": "https://evil.example"}), (True, POST)):
        app = build_app(account, PORT, TOKEN, read_only=read_only)
        with TestClient(app, base_url=f"http://127.0.0.1:{PORT}") as page:
            for path in posts():
                answer = page.post(path, json={"ids": ["one"], "request": WINDOW}, headers=headers)
                assert (answer.status_code, "--read-only" in answer.text) == (403, read_only), path
            assert (TOKEN in page.get("/").text) == (not read_only)
            assert page.get("/api/queue").status_code == 200
    assert (states.started, states.stopped, bool(queue_url)) == ([], [], True)


def test_the_command_serves_where_mails_lead_and_read_only_when_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[int, bool]] = []

    def serve(_: Target, port: int, ready: Callable[[str], None], *, read_only: bool) -> None:
        ready(f"http://127.0.0.1:{port}/")
        served.append((port, read_only))

    monkeypatch.setattr("infra.console.server.serve", serve)
    assert [command("console").status, command("console", "--read-only", "--port", "4999").status] == [0, 0]
    assert served == [(4580, False), (4999, True)]


def test_there_are_as_many_actions_as_are_tested() -> None:
    assert len(posts()) == 6
