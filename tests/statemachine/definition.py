"""The shipped definition and its files, as the tests read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra import facts
from infra.client.machine import State
from infra.local.config import ACCOUNT_ID

Json = dict[str, Any]

FOLDER = facts.ROOT / "statemachine"
README = FOLDER / "README.md"
SAMPLES = FOLDER / "samples"
MOCK_CONFIG = Path(__file__).parent / "MockConfigFile.json"

MACHINE = "marketlake-pipeline"
DLQ_URL = f"https://sqs.eu-west-2.amazonaws.com/{ACCOUNT_ID}/marketlake-dlq"


def rendered(**overrides: object) -> Json:
    """The definition as deployed with the shipped parameters and ``overrides``."""
    values = facts.template_values("marketlake", ACCOUNT_ID, "eu-west-2", **overrides)
    document: Json = json.loads(facts.definition(values | {"dlq_url": DLQ_URL}))
    return document


def interrupted() -> Json:
    """The definition of the machine that mails about executions that did not mail themselves."""
    document: Json = facts.interrupted(facts.template_values("marketlake", ACCOUNT_ID, "eu-west-2"))["definition"]
    return document


def function_of(state: State) -> str:
    """The folder of the function that a Lambda state invokes."""
    return state.function.removeprefix("marketlake-").replace("-", "_")


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
