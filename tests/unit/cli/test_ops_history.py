from __future__ import annotations

import json
from typing import Any

import pytest

from infra.client.target import Target
from tests.unit.cli.conftest import Command
from tests.unit.client.aws_history import two_batches
from tests.unit.client.fake_states import START, FakeStates


class Listing(FakeStates):
    """Lists executions that ended in their own ways."""

    ends: dict[str, dict[str, Any]]

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        common = {"executionArn": executionArn, "name": name, "startDate": START, "input": "{}"}
        return common | self.ends[name]


def report(target: Target, name: str, datasets: dict[str, Any]) -> None:
    body = json.dumps({"summary": {"datasets": datasets}}).encode()
    target.s3.put_object(Bucket=target.names["clean_bucket"], Key=f"reports/{name}.json", Body=body)


def test_the_list_has_days_done_from_the_output_or_from_the_report_of_a_failed_one(
    command: Command, target: Target
) -> None:
    listing = Listing()
    counts = {"fx_rates": {"written": 3, "unchanged": 2}, "ftse100_prices": {"written": 1}}
    listing.ends = {
        "good": {"status": "SUCCEEDED", "stopDate": START, "output": json.dumps({"text": "t", "datasets": counts})},
        "bad": {"status": "FAILED", "stopDate": START, "error": "UpstreamThrottled", "cause": "{}"},
        "refused": {"status": "FAILED", "stopDate": START, "error": "InvalidRequest", "cause": "{}"},
        "now": {"status": "RUNNING"},
    }
    listing.names = tuple(listing.ends)
    target.__dict__["states"] = listing
    report(target, "bad", {"fx_rates": {"written": 7, "unchanged": 0}})

    records = command("history", "--json").document
    assert [(r["execution"], r["days_done"], r["error"]) for r in records] == [
        ("good", 6, ""),
        ("bad", 7, "UpstreamThrottled"),
        ("refused", 0, "InvalidRequest"),
        ("now", None, ""),
    ]
    assert records[0]["started"] == "2026-01-05T18:45:00+00:00"
    table = command("history").out
    assert "UpstreamThrottled" in table
    assert "RUNNING" in table


def test_one_execution_shows_its_states_with_attempts_errors_and_times(command: Command, target: Target) -> None:
    target.__dict__["states"] = FakeStates(two_batches().events, end={"output": '{"text": "all done", "datasets": {}}'})
    document = command("history", "run-1", "--json").document

    assert [(s["state"], s["batch"], s["attempt"], s["status"]) for s in document["states"]] == [
        ("Plan", None, 1, "ok"),
        ("Fetch", 0, 1, "failed"),
        ("Fetch", 1, 1, "failed"),
        ("Fetch", 0, 2, "ok"),
        ("SendToDlq", 1, 1, "ok"),
        ("Validate", 0, 1, "ok"),
    ]
    assert document["states"][1]["result"] == "UpstreamThrottled: 429, slow [bold] down"
    assert document["states"][1]["days"] == "fx_rates 2025-12-29 to 2026-01-05"
    assert document["states"][3]["duration"] == 6.0
    text = command("history", "run-1").out
    assert "all done" in text
    assert "UpstreamThrottled: 429, slow [bold] down" in text


def test_an_execution_that_does_not_exist_exits_2(command: Command, target: Target) -> None:
    target.__dict__["states"] = FakeStates()
    shown = command("history", "nowhere")

    assert shown.status == 2
    assert "there is no execution 'nowhere'" in shown.err


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_out_of_range_is_a_usage_error(command: Command, limit: str) -> None:
    assert command("history", "--limit", limit).status == 2
