"""What a function's handler returns holds every field that its state selects from it.

The emulator gives null for a field that is not there, where AWS ends the execution with States.Runtime.
"""

from __future__ import annotations

import ast

import pytest

from infra import facts
from infra.client.machine import State, shipped_machine
from tests.statemachine.cases import ANSWERS
from tests.statemachine.definition import function_of, strings

LAMBDAS = [state for state in shipped_machine().everywhere() if state.kind == "Lambda"]


def returned_fields(function: str) -> list[set[str]]:
    """The keys of each dict that ``handler`` returns."""
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
    for fields in returned_fields(function_of(state)):
        assert selected_fields(state) <= fields


@pytest.mark.parametrize("state", LAMBDAS, ids=lambda state: state.name)
def test_the_mocked_answers_are_shaped_as_the_handlers_returns(state: State) -> None:
    shapes = returned_fields(function_of(state))
    payloads = [answer["Return"]["Payload"] for answer in ANSWERS[state.name]]
    assert payloads
    assert all(set(payload) in shapes for payload in payloads)
