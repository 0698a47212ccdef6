"""AWS as the functions and the ``marketlake`` command ask it: the catalog, the queue, Step Functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, cast

from infra.client.dead_letters import Held, Letter, read_letter
from infra.client.target import Target
from marketlake.contract import load_contract
from marketlake.schemas import glue_columns
from tests.timelapse.engine import ACCOUNT, PREFIX, REGION, Machine
from tests.timelapse.objects import MemoryS3

Json = dict[str, Any]
Execute = Callable[[str, Json], Json]


class Catalog:
    """Glue, deployed with the contracts."""

    def get_table(self, *, DatabaseName: str, Name: str) -> Json:  # noqa: N803 - boto3's names
        """The table's columns."""
        assert DatabaseName
        return {"Table": {"StorageDescriptor": {"Columns": glue_columns(load_contract(Name))}}}


class Box:
    """The queue's messages, as ``run_again`` deletes them."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def delete(self, message: str) -> None:
        """Delete a message; one that expired meanwhile is gone."""
        self._machine.queue.pop(message, None)


class States:
    """Step Functions: each start runs to its end."""

    class exceptions:  # noqa: N801 - boto3's name
        """The classes that the command catches."""

        class ExecutionDoesNotExist(Exception):
            """There is no such execution."""

        class InvalidArn(Exception):
            """The name is not one."""

    def __init__(self, machine: Machine, execute: Execute) -> None:
        self._machine, self._execute = machine, execute

    def start_execution(self, *, name: str, input: str, **_: str) -> Json:
        """Run an execution; one of its name may be there already (``Machine.run``)."""
        return {"executionArn": self._execute(name, json.loads(input))["executionArn"]}

    def describe_execution(self, *, executionArn: str) -> Json:  # noqa: N803
        """An execution."""
        found = self._machine.executions.get(executionArn)
        if found is None:
            raise self.exceptions.ExecutionDoesNotExist
        return {**found, "startDate": datetime.fromisoformat(found["startDate"])}

    def get_paginator(self, _action: str) -> States:
        """The lister of executions."""
        return self

    def paginate(self, **_: object) -> Iterator[Json]:
        """All executions, newest first."""
        yield {"executions": [self.describe_execution(executionArn=arn) for arn in reversed(self._machine.executions)]}


def target_of(s3: MemoryS3, machine: Machine, execute: Execute) -> Target:
    """The deployment that the command works on."""
    target = Target(cast("Any", None), ACCOUNT, REGION, PREFIX)
    target.__dict__.update(s3=s3, states=States(machine, execute))
    return target


def letters_of(machine: Machine, target: Target) -> list[Letter]:
    """The messages on the queue, oldest first."""
    return [
        read_letter(
            {"MessageId": name, "Body": body, "Attributes": {"SentTimestamp": f"{int(sent.timestamp() * 1000)}"}},
            target.state_machine_arn,
        )
        for name, (sent, body) in machine.queue.items()
    ]


def box_of(machine: Machine) -> Held:
    """The queue, as the command holds it."""
    return cast("Held", Box(machine))
