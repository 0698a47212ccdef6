"""An account where the pipeline is deployed and nothing was ever run: mocks of what its services answer."""

from __future__ import annotations

import boto3

from infra.client.target import Target
from tests.unit.console.conftest import Deployed


def empty_account() -> Target:
    """Its target."""
    target = Target(boto3.Session(region_name="eu-west-2"), "123456789012", "eu-west-2", "marketlake")
    states = Deployed()
    states.names = ()
    target.__dict__ |= {"states": states, "sqs": NoMessages(), "s3": NoObjects(), "logs": None}
    return target


class NoMessages:
    """SQS with an empty queue."""

    def get_queue_url(self, **_: str) -> dict[str, str]:
        return {"QueueUrl": "https://queue"}

    def get_queue_attributes(self, **_: object) -> dict[str, dict[str, str]]:
        return {"Attributes": {}}

    def receive_message(self, **_: object) -> dict[str, object]:
        return {}


class NoObjects:
    """S3 with an empty bucket."""

    def get_paginator(self, _: str) -> NoObjects:
        return self

    def paginate(self, **_: object) -> list[dict[str, object]]:
        return [{}]

    def list_objects_v2(self, **_: object) -> dict[str, object]:
        return {}
