from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from starlette.testclient import TestClient

from marketlake.failures import Failure
from tests.unit.console.conftest import Deployed

ONE = "/api/executions/run-1"


def test_each_state_stands_as_the_history_says(page: TestClient) -> None:
    states = page.get(ONE).json()["states"]
    assert states["Plan"] == {"status": "succeeded", "retries": 0}
    assert states["Fetch"] == {"status": "caught", "retries": 1, "counts": {"succeeded": 1, "caught": 1}}
    assert states["SendToDlq"]["counts"] == {"succeeded": 1}
    assert states["AnyAccepted"]["counts"] == {"succeeded": 1}
    assert states["BatchDone"]["counts"] == {"succeeded": 2}
    assert "Transform" not in states
    assert "Report" not in states


def test_a_batch_names_its_days_its_retries_and_why_it_failed(page: TestClient) -> None:
    good, bad = page.get(ONE).json()["batches"]
    assert (good["status"], good["retries"], good["error"], good["text"]) == (
        "succeeded",
        1,
        "",
        "fx_rates 2025-12-29 to 2026-01-05",
    )
    assert (bad["status"], bad["state"], bad["error"], bad["dataset"]) == (
        "failed",
        "Fetch",
        "States.Timeout",
        "ftse100_prices",
    )
    assert set(bad["states"]) == {"Fetch", "SendToDlq", "BatchDone"}
    assert bad["states"]["Fetch"]["status"] == "caught"


def test_a_batch_names_its_days_as_its_failure_does(page: TestClient, states: Deployed) -> None:
    """The page finds the batch of a failure by them."""
    days = ["2026-01-05", "2026-01-07/2026-01-08", "2026-01-12", "2026-01-14"]
    plan = next(event for event in states.events if event["type"] == "TaskSucceeded")["taskSucceededEventDetails"]
    plan["output"] = plan["output"].replace(json.dumps(["2026-01-05"]), json.dumps(days))
    batch = page.get(ONE).json()["batches"][1]
    assert batch["period"] == Failure("ftse100_prices", days, 5, "Fetch", "States.Timeout", "").period
    assert batch["days"] == "2026-01-05 and 3 more ranges"


def test_while_it_runs_what_is_under_way_is_running_and_what_failed_last_waits_for_its_retry(
    page: TestClient, states: Deployed
) -> None:
    states.statuses = ["RUNNING"]
    # Plan, both Fetches begun, and both failed: events 17 to 20 are what comes after that.
    fails = [event["id"] for event in states.events if event["type"] in ("TaskFailed", "TaskTimedOut")]
    states.events = states.events[: fails[0] - 1]
    found = page.get(ONE).json()
    assert found["states"]["ProcessBatches"]["status"] == "running"
    assert found["states"]["Fetch"]["counts"] == {"running": 2}
    assert [batch["status"] for batch in found["batches"]] == ["running", "running"]


def test_a_failed_try_with_nothing_after_it_waits_for_its_retry(page: TestClient, states: Deployed) -> None:
    states.statuses = ["RUNNING"]
    first = next(event["id"] for event in states.events if event["type"] == "TaskFailed")
    states.events = states.events[:first]
    assert page.get(ONE).json()["states"]["Fetch"]["counts"] == {"running": 1, "retrying": 1}


def test_what_ran_when_the_execution_was_stopped_is_stopped(page: TestClient, states: Deployed) -> None:
    states.statuses = ["ABORTED"]
    first = next(event["id"] for event in states.events if event["type"] == "TaskFailed")
    states.events = states.events[: first - 1]
    found = page.get(ONE).json()
    assert found["status"] == "ABORTED"
    assert found["states"]["Fetch"]["counts"] == {"stopped": 2}
    assert [batch["status"] for batch in found["batches"]] == ["stopped", "stopped"]


def test_the_graph_holds_every_state_of_the_definition_the_map_around_its_own(
    page: TestClient, states: Deployed
) -> None:
    graph = page.get(ONE).json()["graph"]
    names = list(_drawn(graph))
    assert len(names) == len(set(names))
    top = {state["name"]: state for state in graph}
    assert {"to": "InvalidInput", "label": "InvalidRequest", "caught": True} in top["Plan"]["arrows"]
    assert {"to": "Succeeded", "label": "otherwise", "caught": False} in top["Outcome"]["arrows"]
    assert {state["name"] for state in top["ProcessBatches"]["inside"]} >= {"Fetch", "SendToDlq"}
    text = states.describe_state_machine_for_execution("e")["definition"]
    assert set(names) == set(_names(json.loads(text)))


def _drawn(graph: list[dict[str, Any]]) -> Iterator[str]:
    for state in graph:
        yield state["name"]
        if state["inside"]:
            yield from _drawn(state["inside"])


def _names(machine: dict[str, Any]) -> list[str]:
    found = []
    for name, state in machine["States"].items():
        found += [name, *(_names(state["ItemProcessor"]) if "ItemProcessor" in state else [])]
    return found


def test_an_attempt_is_shown_in_full_hostile_text_and_all(page: TestClient, states: Deployed) -> None:
    text = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    failed = next(event for event in states.events if event["type"] == "TaskFailed")
    failed["taskFailedEventDetails"]["cause"] = json.dumps({"errorMessage": text})
    attempt = next(one for one in page.get(ONE).json()["attempts"] if one["error"] == "UpstreamThrottled")
    assert attempt["cause"] == text
    answer = page.get(f"{ONE}/attempts/{attempt['id']}")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert json.loads(found["input"])["Payload"]["batch"]["dataset"] == "fx_rates"
    assert json.loads(found["whole_cause"])["errorMessage"] == text
    good = next(one for one in page.get(ONE).json()["attempts"] if one["state"] == "Plan")
    assert len(json.loads(page.get(f"{ONE}/attempts/{good['id']}").json()["output"])["Payload"]["batches"]) == 2


def test_events_are_narrowed_to_a_batch_or_a_state_and_come_in_pages(
    page: TestClient, states: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = page.get(f"{ONE}/events").json()
    assert (whole["total"], len(whole["events"])) == (len(states.events), len(states.events))
    mine = page.get(f"{ONE}/events?batch=1").json()["events"]
    assert {event["batch"] for event in mine} == {1}
    assert {event["state"] for event in page.get(f"{ONE}/events?state=Validate").json()["events"]} == {"Validate"}
    monkeypatch.setattr("infra.console.attempts.EVENTS", 4)
    second = page.get(f"{ONE}/events?start=4").json()
    assert [event["id"] for event in second["events"]] == [5, 6, 7, 8]
    assert page.get(f"{ONE}/events/1").json()["type"] == "ExecutionStarted"


@pytest.mark.parametrize(
    "path", ["nowhere", "run-1/events/999", "run-1/attempts/1", "run-1/events?start=x", "run-1/events?batch=-1"]
)
def test_what_is_not_there_is_answered_with_what_to_do(page: TestClient, path: str) -> None:
    answer = page.get(f"/api/executions/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]
    assert answer.json()["advice"]


def test_an_unchanged_answer_is_not_sent_again(page: TestClient) -> None:
    tag = page.get(ONE).headers["etag"]
    again = page.get(ONE, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_expired_credentials_are_named_with_what_to_do(page: TestClient, states: Deployed) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "<b>expired</b>"}}, "ListExecutions")

    states.list_executions_pages = refuse  # type: ignore[method-assign, assignment]
    answer = page.get("/api/executions")
    assert answer.status_code == 502
    assert "ExpiredTokenException" in answer.json()["error"]
    assert "aws sso login" in answer.json()["advice"]
