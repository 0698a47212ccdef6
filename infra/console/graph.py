"""A state machine's definition as nodes and arrows, a Map holding a graph of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def graph_of(definition: str) -> dict[str, Any]:
    """``{"start": name, "states": [...]}``; a state has name, type, comment, arrows, and ``inside`` if it is a Map.

    An arrow has ``to``, ``label``, and ``caught`` where it is followed after an error only.
    """
    return _machine(json.loads(definition))


def names_in(graph: Json) -> Iterator[str]:
    """All states, those inside a Map after it."""
    for state in graph["states"]:
        yield state["name"]
        if state["inside"]:
            yield from names_in(state["inside"])


def function_of(definition: str, wanted: str) -> str:
    """Name of the Lambda function that the state ``wanted`` invokes; empty where it invokes none."""
    state = _find(json.loads(definition), wanted)
    if "lambda:invoke" not in str(state.get("Resource", "")):
        return ""
    arn = str(state.get("Parameters", {}).get("FunctionName", ""))
    return arn.partition(":function:")[2].partition(":")[0] or arn


def catchers(definition: str, wanted: str) -> list[tuple[set[str], str]]:
    """The errors that the state ``wanted`` catches, and the state that each leads to, in order."""
    state = _find(json.loads(definition), wanted)
    return [(set(catcher["ErrorEquals"]), catcher["Next"]) for catcher in state.get("Catch", [])]


def _find(machine: Json, wanted: str) -> Json:
    """The state of this name, however deep; empty where there is none."""
    for name, state in machine.get("States", {}).items():
        found: Json = state if name == wanted else _find(_inner(state), wanted)
        if found:
            return found
    return {}


def _machine(machine: Json) -> dict[str, Any]:
    states = [
        {
            "name": name,
            "type": state.get("Type", ""),
            "comment": state.get("Comment", ""),
            "arrows": list(_arrows(state)),
            "inside": _machine(_inner(state)) if _inner(state) else None,
        }
        for name, state in machine["States"].items()
    ]
    return {"start": machine["StartAt"], "states": states}


def _inner(state: Json) -> Json:
    inner: Json = state.get("ItemProcessor") or state.get("Iterator") or {}
    return inner


def _arrows(state: Json) -> Iterator[dict[str, Any]]:
    if "Next" in state:
        yield {"to": state["Next"], "label": "", "caught": False}
    for choice in state.get("Choices", []):
        yield {"to": choice["Next"], "label": str(choice.get("Variable", "")).removeprefix("$."), "caught": False}
    if "Default" in state:
        yield {"to": state["Default"], "label": "otherwise", "caught": False}
    caught: dict[str, set[str]] = {}
    for catcher in state.get("Catch", []):
        caught.setdefault(catcher["Next"], set()).update(catcher["ErrorEquals"])
    for target, errors in caught.items():
        label = "any error" if "States.ALL" in errors else ", ".join(sorted(errors))
        yield {"to": target, "label": label, "caught": True}
