"""What a function's handler returns holds every field that its state selects from it.

The emulator gives null for a field that is not there, where AWS ends the execution with States.Runtime.
"""

from __future__ import annotations

import ast
import importlib
from typing import get_type_hints

import pytest
from msgspec import Struct

from infra import facts
from infra.client.machine import State, shipped_machine
from tests.statemachine.cases import ANSWERS
from tests.statemachine.definition import function_of, strings

LAMBDAS = [state for state in shipped_machine().everywhere() if state.kind == "Lambda"]


TASKS = {"Fetch": "fetch_batch", "FetchPart": "fetch_part"}
"""What the handler of a function with two kinds of events makes of those of a state."""


def returned_fields(state: State) -> list[set[str]]:
    """The fields of what ``handler`` returns: of its type, or of each dict where it returns dicts."""
    function = function_of(state)
    handler = getattr(importlib.import_module(f"{function}.handler"), TASKS.get(state.name, "handler"))
    returned = get_type_hints(handler.__wrapped__)["return"]
    if isinstance(returned, type) and issubclass(returned, Struct):
        return [set(returned.__struct_fields__)]
    return _returned_dicts(function)


def _returned_dicts(function: str) -> list[set[str]]:
    tree = ast.parse((facts.FUNCTIONS / function / "handler.py").read_text("utf-8"))
    (handler,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "handler"]
    # Its own returns, wherever they stand, and not those of functions within it.
    inner = [node for node in ast.walk(handler) if isinstance(node, ast.FunctionDef) and node is not handler]
    theirs = {id(node) for function in inner for node in ast.walk(function)}
    returned = [node.value for node in ast.walk(handler) if isinstance(node, ast.Return) and id(node) not in theirs]
    assert returned
    assert all(isinstance(value, ast.Dict) for value in returned)
    dicts = [value for value in returned if isinstance(value, ast.Dict)]
    return [{str(key.value) for key in value.keys if isinstance(key, ast.Constant)} for value in dicts]


def selected_fields(state: State) -> set[str]:
    """The fields of the payload that ``state`` selects."""
    paths = [text for _, text in strings(state.body["ResultSelector"])]
    assert all(path.startswith("$.Payload.") for path in paths)
    return {path.removeprefix("$.Payload.") for path in paths}


@pytest.mark.parametrize("state", LAMBDAS, ids=lambda state: state.name)
def test_a_handler_returns_what_its_state_selects(state: State) -> None:
    for fields in returned_fields(state):
        assert selected_fields(state) <= fields


@pytest.mark.parametrize("state", LAMBDAS, ids=lambda state: state.name)
def test_the_mocked_answers_are_shaped_as_the_handlers_returns(state: State) -> None:
    shapes = returned_fields(state)
    payloads = [answer["Return"]["Payload"] for answer in ANSWERS[state.name]]
    assert payloads
    assert all(set(payload) in shapes for payload in payloads)
