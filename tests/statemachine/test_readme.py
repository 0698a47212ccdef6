"""statemachine/README.md says what the definition does: one row a state, and its graph."""

from __future__ import annotations

import json
import re

import pytest

from infra import facts
from infra.client.machine import State, shipped_machine
from tests.statemachine.cases import CASES
from tests.statemachine.definition import README, function_of

STATES = {state.name: state for state in shipped_machine().everywhere()}
TEXT = README.read_text("utf-8")
HEADER = "| state | kind | function | input | output | errors |"


def rows() -> dict[str, list[str]]:
    """The table's rows: state to its other cells, in the table's order."""
    after = TEXT.split(HEADER, 1)[1].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in after[: after.index("")]]
    assert all(len(row) == 6 for row in cells)
    return {row[0].strip("`"): row[1:] for row in cells}


ROWS = rows()


def test_one_row_a_state_in_the_definition_s_order() -> None:
    assert list(ROWS) == list(STATES)


@pytest.mark.parametrize("state", STATES.values(), ids=lambda state: state.name)
def test_a_row_says_what_the_state_is(state: State) -> None:
    kind, function, _, _, errors = ROWS[state.name]
    assert kind == (f"`{state.kind}`" if ":" in state.kind else state.kind)
    assert function == (f"`{function_of(state)}`" if state.kind == "Lambda" else "")
    assert {catcher["Next"] for catcher in state.body.get("Catch", [])} == set(re.findall(r"→ `(\w+)`", errors))
    assert ("retried" in errors) == ("Retry" in state.body)


def test_the_definition_is_written_as_json_writes_it() -> None:
    values = facts.template_values("marketlake", "000000000000", "eu-west-2") | {"dlq_url": "https://queue"}
    kinds = ["retry_function", "retry_message", *(f"catch_{state}" for state in facts.catch()), "task", "batch_task"]
    text = facts.render(facts.DEFINITION.read_text("utf-8"), values | dict.fromkeys(kinds, "[]"))
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("module", ["tests.statemachine.cases", "infra.facts"])
def test_the_readme_names_the_generators(module: str) -> None:
    assert f"python -m {module}" in TEXT


def test_the_readme_counts_the_cases() -> None:
    assert f"then runs {len(CASES)} cases" in TEXT
