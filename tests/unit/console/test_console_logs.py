from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from infra.client.target import Target
from tests.unit.console.conftest import NOW

GROUP = "/aws/lambda/marketlake-fetch"
ONE = "/api/executions/run-1"


def attempt(page: TestClient, state: str, retry: int = 0, batch: int | None = 0) -> int:
    wanted = (state, retry, batch)
    found = page.get(ONE).json()["attempts"]
    return next(int(a["id"]) for a in found if (a["state"], a["retry"], a["batch"]) == wanted)


def write(target: Target, *documents: object) -> None:
    target.logs.create_log_group(logGroupName=GROUP)
    target.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    at = int((NOW + timedelta(seconds=12)).timestamp() * 1000)
    lines: Any = [{"timestamp": at, "message": d if isinstance(d, str) else json.dumps(d)} for d in documents]
    target.logs.put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=lines)


def test_an_attempt_shows_its_own_lines_and_no_others(account_page: TestClient, account: Target) -> None:
    line = {"correlation_id": "run-1", "state": "Fetch", "batch": 0, "retry": 0, "level": "ERROR"}
    write(
        account, {**line, "message": "<b>mine</b>"}, {**line, "batch": 1}, {**line, "retry": 1}, "run-1 says: no JSON"
    )
    found = account_page.get(f"{ONE}/attempts/{attempt(account_page, 'Fetch')}/logs").json()
    assert found["group"] == GROUP
    assert [one["document"] and one["document"]["message"] for one in found["lines"]] == ["<b>mine</b>", None]


def test_where_there_are_no_lines_it_says_why(account_page: TestClient, account: Target) -> None:
    path = f"{ONE}/attempts/{attempt(account_page, 'Fetch')}/logs"
    assert f"no log group {GROUP}" in account_page.get(path).json()["why"]
    write(account, {"correlation_id": "run-2", "state": "Fetch", "batch": 0, "retry": 0})
    assert "no line names this attempt" in account_page.get(path).json()["why"]
    sent = attempt(account_page, "SendToDlq", batch=1)
    assert "service of AWS" in account_page.get(f"{ONE}/attempts/{sent}/logs").json()["why"]
