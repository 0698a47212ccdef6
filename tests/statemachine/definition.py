"""The shipped definition as the tests read it: rendered, and walked state by state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import facts
from infra.local.config import ACCOUNT_ID
from marketlake.errors import transient_names

Json = dict[str, Any]

FOLDER = facts.ROOT / "statemachine"
README = FOLDER / "README.md"
SAMPLES = FOLDER / "samples"
MOCK_CONFIG = Path(__file__).parent / "MockConfigFile.json"

MACHINE = "marketlake-pipeline"
DLQ_URL = f"https://sqs.eu-west-2.amazonaws.com/{ACCOUNT_ID}/marketlake-dlq"

# Errors of Lambda's sandbox and of Step Functions itself that are worth another try, as our own transient ones are.
SYSTEM_ERRORS = ["States.Timeout", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory", "Lambda.Unknown"]
RETRIED = [*transient_names(), *SYSTEM_ERRORS]

# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception; and the
# throttling of invocations, and what older runtimes report instead of Sandbox.Timedout.
SERVICE_FAULTS = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]


@dataclass(frozen=True)
class State:
    """One state: its name, its JSON, and the Map it is in ("" at the top)."""

    name: str
    body: Json
    map: str

    @property
    def kind(self) -> str:
        """Type, or for a Task what it calls: ``Lambda``, ``sqs:sendMessage``, ``sns:publish``."""
        if self.body["Type"] != "Task":
            return str(self.body["Type"])
        service = str(self.body["Resource"]).split(":::", 1)[1]
        return "Lambda" if service == "lambda:invoke" else service

    @property
    def targets(self) -> list[str]:
        """Names of all states that may come next."""
        rules = [*self.body.get("Choices", []), *self.body.get("Catch", [])]
        found = [self.body.get("Next"), self.body.get("Default"), *(rule["Next"] for rule in rules)]
        return [name for name in found if name]


def rendered(**overrides: object) -> Json:
    """The definition as deployed with the shipped parameters and ``overrides``."""
    values = facts.template_values("marketlake", ACCOUNT_ID, "eu-west-2", **overrides)
    document: Json = json.loads(facts.definition(values | {"dlq_url": DLQ_URL}))
    return document


def walk(machine: Json, within: str = "") -> Iterator[State]:
    """All states of ``machine`` in order, those of a Map after it."""
    for name, body in machine["States"].items():
        yield State(name, body, within)
        if body["Type"] == "Map":
            yield from walk(body["ItemProcessor"], name)


def machines(machine: Json, within: str = "") -> Iterator[tuple[str, Json]]:
    """The machine itself and the item processor of every Map, by the Map's name."""
    yield within, machine
    for name, body in machine["States"].items():
        if body["Type"] == "Map":
            yield from machines(body["ItemProcessor"], name)


def function_of(state: State) -> str:
    """The folder of the function that a Lambda state invokes."""
    name = str(state.body["Parameters"]["FunctionName"]).rsplit(":", 1)[1]
    return name.removeprefix("marketlake-").replace("-", "_")


def strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every (key, text) below ``value``."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for inner, below in value.items():
            yield from strings(below, inner)
    elif isinstance(value, list):
        for below in value:
            yield from strings(below, key)
