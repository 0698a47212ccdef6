"""A state machine's definition as a graph: its states in order, what each calls, and the ways between them.

The one reader of the Amazon States Language in the project: the console's graph, the chart in the Markdown, the
pictures and the tests are made from it. It reads what ``statemachine/pipeline.asl.json`` uses of the language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import facts
from infra.local.config import ACCOUNT_ID

Json = Mapping[str, Any]

SIGNS = {"GreaterThanEquals": "≥", "LessThanEquals": "≤", "GreaterThan": ">", "LessThan": "<", "Equals": "="}
"""The comparisons of a Choice by the ends of their names; a longer name comes before one that it ends with."""


@dataclass(frozen=True)
class Way:
    """What may come after a state: the next one's name, on which condition or after which errors (``label``).

    ``caught``: it is followed only after an error.
    """

    to: str
    label: str = ""
    caught: bool = False


@dataclass(frozen=True)
class State:
    """One state: its name, its JSON, and the name of the Map that it is in, empty at the top."""

    name: str
    body: Json
    map: str = ""

    @property
    def type(self) -> str:
        """The type as the language names it."""
        return str(self.body["Type"])

    @property
    def kind(self) -> str:
        """The type, or for a Task what it calls: ``Lambda``, ``sqs:sendMessage``, ``sns:publish``."""
        if self.type != "Task":
            return self.type
        service = str(self.body["Resource"]).rpartition(":::")[2]
        return "Lambda" if service == "lambda:invoke" else service

    @property
    def function(self) -> str:
        """Name of the Lambda function that it invokes, as deployed; empty where it invokes none."""
        if self.kind != "Lambda":
            return ""
        arn = str(self.body["Parameters"]["FunctionName"])
        return arn.partition(":function:")[2].partition(":")[0] or arn

    @property
    def inside(self) -> Machine | None:
        """The machine that a Map runs for each of its items; None for any other state."""
        return _machine(self.body["ItemProcessor"], self.name) if self.type == "Map" else None

    @property
    def catchers(self) -> list[tuple[set[str], str]]:
        """The errors that it catches, and the state that each leads to, in order."""
        return [(set(catcher["ErrorEquals"]), catcher["Next"]) for catcher in self.body.get("Catch", [])]

    @property
    def ways(self) -> list[Way]:
        """Where it leads, one way for each target of its errors."""
        return [*self._planned_ways(), *self._caught_ways()]

    def _planned_ways(self) -> Iterator[Way]:
        if "Next" in self.body:
            yield Way(self.body["Next"])
        for choice in self.body.get("Choices", []):
            yield Way(choice["Next"], _condition(choice))
        if "Default" in self.body:
            yield Way(self.body["Default"], "otherwise")

    def _caught_ways(self) -> Iterator[Way]:
        errors: dict[str, list[str]] = {}
        for names, target in self.catchers:
            errors.setdefault(target, []).extend(sorted(names))
        everything = "any other error" if len(errors) > 1 else "any error"
        for target, listed in errors.items():
            yield Way(target, everything if "States.ALL" in listed else ", ".join(listed), caught=True)


@dataclass(frozen=True)
class Machine:
    """The definition, or what a Map runs for each item: the first state's name, and the states in order."""

    start: str
    states: Sequence[State]

    def everywhere(self) -> Iterator[State]:
        """All states in order, those inside a Map after it."""
        for state in self.states:
            yield state
            if state.inside:
                yield from state.inside.everywhere()

    def state(self, name: str) -> State:
        """The state of this name, however deep.

        Raises:
            KeyError: no state has this name.
        """
        for state in self.everywhere():
            if state.name == name:
                return state
        raise KeyError(name)


def read_machine(definition: str) -> Machine:
    """The machine that ``definition`` (JSON) describes."""
    return _machine(json.loads(definition), "")


def shipped_machine(**overrides: object) -> Machine:
    """The project's own definition, rendered with the shipped parameters and ``overrides``."""
    values = facts.template_values("marketlake", ACCOUNT_ID, "eu-west-2", **{"dlq_url": "https://queue", **overrides})
    return read_machine(facts.definition(values))


def _machine(document: Json, within: str) -> Machine:
    return Machine(document["StartAt"], [State(name, body, within) for name, body in document["States"].items()])


def _condition(choice: Json) -> str:
    """A Choice's rule in words: ``validated.rejected > 0``; a rule that compares nothing is named by its operator."""
    what = str(choice.get("Variable", "")).removeprefix("$.")
    operator, value = next((key, value) for key, value in choice.items() if key not in ("Variable", "Next", "Comment"))
    if operator == "BooleanEquals":
        return what if value else f"not {what}"
    sign = next((sign for name, sign in SIGNS.items() if operator.endswith(name)), "")
    return f"{what} {sign} {value}" if sign else f"{operator} {what}".strip()
