"""The console's app on an account of moto's, its Step Functions a table of executions; asked without any socket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from starlette.testclient import TestClient

from infra import facts
from infra.client import dead_letters
from infra.client.target import Target
from infra.console.server import build_app
from tests.unit.cli.conftest import ACCOUNT, REGION, command, store, target
from tests.unit.client.aws_history import two_batches
from tests.unit.client.fake_states import START, FakeStates

__all__ = ["command", "store", "target"]

PORT, TOKEN = 4580, "a-token"
NOW = datetime.now(UTC)
POST = {"X-Marketlake-Token": TOKEN, "Origin": f"http://127.0.0.1:{PORT}"}


class Deployed(FakeStates):
    """Step Functions with the pipeline's own definition."""

    def describe_state_machine_for_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        values = facts.template_values("marketlake", "123456789012", "eu-west-2", dlq_url="https://queue")
        return {"definition": facts.definition(values), "name": executionArn}


@pytest.fixture
def states() -> Deployed:
    """An execution of two batches, of this hour: CloudWatch Logs takes no lines of long ago."""
    events = two_batches().events
    for event in events:
        event["timestamp"] += NOW - START
    return Deployed(events, end={"output": '{"text": "all done", "datasets": {}}'})


@pytest.fixture
def page(states: Deployed) -> Iterator[TestClient]:
    """A browser's side of the console, at its own address; there is nothing behind it but Step Functions."""
    bare = Target(boto3.Session(region_name=REGION), ACCOUNT, REGION, "marketlake")
    bare.__dict__ |= {"states": states, "sqs": None, "s3": None, "logs": None}
    yield from _opened(bare)


@pytest.fixture
def account(target: Target, states: Deployed, monkeypatch: pytest.MonkeyPatch) -> Target:
    """An account with the lake's buckets and its queue."""
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    target.__dict__["states"] = states
    target.sqs.create_queue(QueueName=target.names["dlq"])
    return target


@pytest.fixture
def account_page(account: Target) -> Iterator[TestClient]:
    """The same page, with the account behind it."""
    yield from _opened(account)


@pytest.fixture
def queue_url(account: Target) -> str:
    return account.sqs.get_queue_url(QueueName=account.names["dlq"])["QueueUrl"]


def _opened(target: Target) -> Iterator[TestClient]:
    with TestClient(build_app(target, PORT, TOKEN), base_url=f"http://127.0.0.1:{PORT}") as client:
        yield client
