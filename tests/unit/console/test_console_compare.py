from __future__ import annotations

import json

from starlette.testclient import TestClient

from infra.client.target import Target
from marketlake.layout import report_key
from tests.unit.console.conftest import Deployed


def test_two_executions_are_put_side_by_side(account_page: TestClient, account: Target) -> None:
    for name, written in (("run-1", 3), ("run-2", 4)):
        counts = {"ftse100_index": {"written": written, "kept": 0}}
        body = json.dumps({"summary": {"datasets": counts}})
        account.s3.put_object(Bucket=account.names["clean_bucket"], Key=report_key(name), Body=body)
    found = account_page.get("/api/compare?a=run-1&b=run-2").json()
    assert found["names"] == ["run-1", "run-2"]
    facts = {row["name"]: row["values"] for row in found["facts"]}
    assert (facts["status"], facts["text"]) == (["SUCCEEDED"] * 2, ["all done"] * 2)
    assert found["counts"] == [{"name": "ftse100_index: written", "values": [3, 4]}]
    states = {row["name"]: row["values"] for row in found["states"]}
    assert (states["Fetch"][0]["attempts"], states["Fetch"][0]["retries"]) == (3, 1)
    batches = {row["name"]: row["values"][0] for row in found["batches"]}
    assert batches["ftse100_prices 2026-01-05"]["error"] == "States.Timeout"
    assert batches["fx_rates 2025-12-29 to 2026-01-05"]["status"] == "succeeded"


def test_what_only_one_has_has_nothing_beside_it(account_page: TestClient, states: Deployed) -> None:
    events, states.events = states.events, []
    account_page.get("/api/executions/run-2")  # read while it had no history
    states.events = events
    found = account_page.get("/api/compare?a=run-1&b=run-2").json()
    assert [row["values"][1] for row in found["batches"]] == [None, None]
    assert {row["values"][1] is None for row in found["states"]} == {True}


def test_one_execution_alone_or_an_unknown_one_is_answered_with_what_to_do(account_page: TestClient) -> None:
    for query in ("", "a=run-1", "a=run-1&b=nowhere"):
        answer = account_page.get(f"/api/compare?{query}")
        assert (answer.status_code, bool(answer.json()["advice"])) == (404, True)
