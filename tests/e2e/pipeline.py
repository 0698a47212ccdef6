"""The pipeline on an emulator of the tests' own, driven as a user's code would: by boto3 and HTTP."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.faults.injector import Switch
from infra.local import server
from infra.local.config import LocalConfig
from infra.local.deploy import Deployment, client, deploy
from infra.local.processes import port_is_free
from tests.inject import profile_of

DEADLINE_SECONDS = 120.0


@dataclass(frozen=True)
class Outcome:
    """A finished execution."""

    name: str
    status: str
    error: str
    cause: dict[str, Any]
    output: dict[str, Any]


class Pipeline:
    """A deployed pipeline; ``config`` says where."""

    def __init__(self, config: LocalConfig) -> None:
        self.config = config
        self.deployment: Deployment | None = None
        self._clients: dict[str, Any] = {}

    def up(self) -> None:
        """Start what is not running, and deploy."""
        status = server.start(self.config)
        replay = status.replay or {}
        self.deployment = deploy(self.config, str(replay.get("last_day", "")))

    def down(self) -> None:
        """Stop it, gracefully."""
        server.stop(self.config.root)

    def aws(self, service: str) -> Any:
        """A client with root credentials, made once."""
        if service not in self._clients:
            self._clients[service] = client(self.config, service)
        return self._clients[service]

    def name(self, key: str) -> str:
        """The deployed name of a resource, such as ``clean_bucket``."""
        assert self.deployment is not None
        return str(self.deployment.values[key])

    def start(self, document: object = None, raw: str | None = None) -> str:
        """Start an execution; returns its ARN."""
        assert self.deployment is not None
        text = raw if raw is not None else json.dumps({} if document is None else document)
        answer = self.aws("stepfunctions").start_execution(
            stateMachineArn=self.deployment.state_machine_arn, input=text
        )
        return str(answer["executionArn"])

    def wait(self, arn: str, deadline: float = DEADLINE_SECONDS) -> Outcome:
        """The outcome of the execution once it has ended; fails the test after ``deadline`` seconds."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < deadline:
            found = self.aws("stepfunctions").describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return _outcome(found)
            time.sleep(min(0.05 + waited / 10, 0.3))  # to ask takes the processor that the execution needs
        raise AssertionError(f"{arn} did not end within {deadline:.0f} s")

    def run(self, document: object = None, raw: str | None = None) -> Outcome:
        """Start an execution and wait for it."""
        return self.wait(self.start(document, raw))

    def history(self, name: str) -> list[dict[str, Any]]:
        """All events of an execution."""
        assert self.deployment is not None
        arn = self.deployment.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"
        pages = self.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def etags(self, bucket: str, prefix: str) -> dict[str, str]:
        """Key to ETag of all objects below ``prefix``."""
        return {item["Key"]: item["ETag"] for item in self._listed(bucket, prefix)}

    def modified(self, bucket: str, prefix: str) -> dict[str, Any]:
        """Key to time of the last write of all objects below ``prefix``."""
        return {item["Key"]: item["LastModified"] for item in self._listed(bucket, prefix)}

    def _listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self.aws("s3").get_paginator("list_objects_v2").paginate(Bucket=self.name(bucket), Prefix=prefix)
        for page in pages:
            yield from page.get("Contents", [])

    def calls(self) -> list[dict[str, Any]]:
        """All API calls of functions so far, as the emulator records them (``ministack_server.record_calls``)."""
        return [json.loads(line) for line in self.config.calls.read_text().splitlines()]

    def body(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""
        read: bytes = self.aws("s3").get_object(Bucket=self.name(bucket), Key=key)["Body"].read()
        return read

    @contextmanager
    def without(self, bucket: str, key: str) -> Iterator[None]:
        """The object at ``key`` is gone meanwhile."""
        body = self.body(bucket, key)
        self.aws("s3").delete_object(Bucket=self.name(bucket), Key=key)
        try:
            yield
        finally:
            self.aws("s3").put_object(Bucket=self.name(bucket), Key=key, Body=body)

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Receive and delete all messages of a queue (``dlq`` or ``mailbox``), as JSON documents."""
        return [json.loads(text) for text in self.texts(queue)]

    def texts(self, queue: str) -> list[str]:
        """Receive and delete all messages of a queue, as they are."""
        sqs = self.aws("sqs")
        url = sqs.get_queue_url(QueueName=self.name(queue))["QueueUrl"]
        found: list[str] = []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in batch:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def query(self, sql: str) -> list[list[str | None]]:
        """Rows that Athena answers, without the header."""
        athena = self.aws("athena")
        started = athena.start_query_execution(
            QueryString=sql,
            WorkGroup=self.name("workgroup"),
            QueryExecutionContext={"Database": self.name("database")},
        )
        query, end = started["QueryExecutionId"], time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < end:
            status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
                rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
                return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]
            assert status["State"] in ("QUEUED", "RUNNING"), status
            time.sleep(0.02)
        raise AssertionError(f"query did not end: {sql}")

    def inject(self, *rules: dict[str, Any]) -> Switch:
        """Faults from now on, at the sources where a rule names no surface; none turns them off. What counts them."""
        switch = Switch(self.config.root)
        if rules:
            switch.on(profile_of(*rules), seed=1)
        else:
            switch.off()
        return switch

    def act(self, *actions: dict[str, Any]) -> None:
        """Splits and dividends that the simulated Yahoo has booked from now on; none takes them back."""
        httpx.delete(f"{self.config.replay_url}/actions").raise_for_status()
        if actions:
            httpx.post(f"{self.config.replay_url}/actions", json=list(actions)).raise_for_status()


def _outcome(found: dict[str, Any]) -> Outcome:
    cause = found.get("cause") or "{}"
    return Outcome(
        name=found["name"],
        status=found["status"],
        error=found.get("error", ""),
        cause=json.loads(cause) if cause.startswith("{") else {"text": cause},
        output=json.loads(found.get("output") or "{}"),
    )


def free_port_pair() -> int:
    """A port that is free, as is the one above it (the replay's).

    Below the range from which the kernel takes ports for outgoing connections, so that none of these is in the way by
    the time that the servers start; in pairs, so that two workers never share one.
    """
    chosen = random.SystemRandom()
    while True:
        port = chosen.randrange(20_000, 32_000, 2)
        if port_is_free(port) and port_is_free(port + 1):
            return port


def new_pipeline(root: Path, **settings: Any) -> Pipeline:
    """A pipeline that is up, with its state in ``root``."""
    pipeline = Pipeline(LocalConfig(root=root, port=free_port_pair(), **settings))
    pipeline.up()
    return pipeline
