"""The shipped definition as states and the ways between them, for drawing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from infra import facts
from infra.local.config import ACCOUNT_ID

Json = dict[str, Any]

ANY_ERROR = "any error"


@dataclass(frozen=True)
class State:
    """One state; ``kind`` is its type, or for a Task what it calls, such as ``lambda:invoke``."""

    name: str
    kind: str
    body: Json

    @property
    def tries(self) -> list[int]:
        """How often its service is called at most, by one Retry rule or another; empty where it calls none."""
        return sorted({1 + int(rule["MaxAttempts"]) for rule in self.body.get("Retry", [])})

    @property
    def ends(self) -> bool:
        """Whether nothing of its own machine comes after it."""
        return bool(self.body.get("End")) or self.kind in ("Fail", "Succeed")


@dataclass(frozen=True)
class Way:
    """What may come next: the states' names, the condition or the errors, and whether it is an error's."""

    tail: str
    head: str
    label: str = ""
    caught: bool = False


def shipped() -> Json:
    """The definition, rendered with the shipped parameters."""
    values = facts.template_values("marketlake", ACCOUNT_ID, "eu-west-2")
    document: Json = json.loads(facts.definition(values | {"dlq_url": "the queue"}))
    return document


def states(machine: Json) -> list[State]:
    """The states of ``machine`` itself, in order; those of a Map are in its ``processor``."""
    return [State(name, _kind(body), body) for name, body in machine["States"].items()]


def processor(state: State) -> Json:
    """The machine inside a Map."""
    inside: Json = state.body["ItemProcessor"]
    return inside


def everywhere(machine: Json) -> Iterator[State]:
    """All states, those of Maps after their Map."""
    for state in states(machine):
        yield state
        if state.kind == "Map":
            yield from everywhere(processor(state))


def ways(state: State) -> Iterator[Way]:
    """Where ``state`` leads, one way a target of its errors."""
    if "Next" in state.body:
        yield Way(state.name, state.body["Next"])
    for choice in state.body.get("Choices", []):
        yield Way(state.name, choice["Next"], _condition(choice))
    if "Default" in state.body:
        yield Way(state.name, state.body["Default"], "otherwise")
    errors: dict[str, list[str]] = {}
    for catcher in state.body.get("Catch", []):
        errors.setdefault(catcher["Next"], []).extend(catcher["ErrorEquals"])
    for head, names in errors.items():
        yield Way(state.name, head, _errors(state, names, only=len(errors) == 1), caught=True)


def caught_alike(found: Iterable[State]) -> list[list[State]]:
    """Groups of those states whose errors lead to the same several states, for the same reasons."""
    groups: dict[tuple[tuple[str, str], ...], list[State]] = {}
    for state in found:
        places = tuple((way.head, way.label) for way in ways(state) if way.caught)
        if len(places) > 1:
            groups.setdefault(places, []).append(state)
    return [group for group in groups.values() if len(group) > 1]


def _kind(body: Json) -> str:
    if body["Type"] != "Task":
        return str(body["Type"])
    return str(body["Resource"]).split(":::", 1)[1]


def _errors(state: State, names: list[str], *, only: bool) -> str:
    """Caught errors in words: by the tries that they get, where they are those of one of the state's Retry rules."""
    if "States.ALL" in names:
        return ANY_ERROR if only else "any other error"
    for rule in state.body.get("Retry", []):
        if set(rule["ErrorEquals"]) == set(names):
            return f"after {1 + rule['MaxAttempts']} tries"
    return ", ".join(names)


def _condition(choice: Json) -> str:
    """A Choice's rule in words; ``$.validated.rejected > 0`` reads "validated.rejected > 0"."""
    for key, words in (("And", " and "), ("Or", " or ")):
        if key in choice:
            return words.join(_condition(rule) for rule in choice[key])
    if "Not" in choice:
        return f"not {_condition(choice['Not'])}"
    what = str(choice["Variable"]).removeprefix("$.")
    (operator, value) = next((k, v) for k, v in choice.items() if k not in ("Variable", "Next", "Comment"))
    if operator == "BooleanEquals":
        return what if value else f"not {what}"
    if operator == "IsPresent":
        return f"{what} is there" if value else f"no {what}"
    symbols = {"GreaterThanEquals": "≥", "LessThanEquals": "≤", "GreaterThan": ">", "LessThan": "<", "Equals": "="}
    symbol = next((sign for word, sign in symbols.items() if operator.endswith(word)), operator)
    return f"{what} {symbol} {value}"
