"""The reader of the definition's graph, and the chart that is made from it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.client.machine import Machine, State, Way, read_machine, shipped_machine
from infra.pages.chart import chart

SHIPPED = shipped_machine()
STATES = {state.name: state for state in SHIPPED.everywhere()}


def test_every_state_is_read_once_in_the_definition_s_order_with_the_map_it_is_in() -> None:
    assert list(STATES)[:5] == ["Plan", "InvalidInput", "PlanFailed", "FetchParts", "FetchPart"]
    assert len(STATES) == len(list(SHIPPED.everywhere()))
    assert {state.map for state in STATES.values()} == {"", "FetchParts", "ProcessBatches", "SendRejectedDays"}
    assert SHIPPED.state("SendRejectedDay").map == "SendRejectedDays"
    inside = STATES["ProcessBatches"].inside
    assert isinstance(inside, Machine)
    assert (SHIPPED.start, inside.start, STATES["Fetch"].inside) == ("Plan", "Fetch", None)


def test_a_state_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="Nowhere"):
        SHIPPED.state("Nowhere")


@pytest.mark.parametrize(
    ("name", "kind", "function"),
    [
        ("AthenaCheck", "Lambda", "marketlake-athena-check"),
        ("SendToDlq", "sqs:sendMessage", ""),
        ("NotifyFailure", "sns:publish", ""),
        ("Outcome", "Choice", ""),
        ("ProcessBatches", "Map", ""),
    ],
)
def test_a_state_s_kind_is_what_it_calls_or_its_type(name: str, kind: str, function: str) -> None:
    assert (STATES[name].kind, STATES[name].function) == (kind, function)


def test_a_function_s_name_is_read_from_its_arn_whatever_the_version() -> None:
    body = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "plain"}}
    assert State("S", body).function == "plain"
    body["Parameters"] = {"FunctionName": "arn:aws:lambda:eu-west-2:1:function:name:7"}
    assert State("S", body).function == "name"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Variable": "$.a.b", "NumericGreaterThan": 0}, "a.b > 0"),
        ({"Variable": "$.a", "NumericLessThanEquals": 3}, "a ≤ 3"),
        ({"Variable": "$.a", "StringEquals": "x"}, "a = x"),
        ({"Variable": "$.a", "BooleanEquals": True}, "a"),
        ({"Variable": "$.a", "BooleanEquals": False}, "not a"),
        ({"Variable": "$.a", "IsPresent": True}, "IsPresent a"),
        ({"And": [{"Variable": "$.a", "IsPresent": True}]}, "And"),
    ],
)
def test_a_choice_s_rules_are_labels(rule: dict[str, Any], words: str) -> None:
    state = State("S", {"Type": "Choice", "Choices": [{**rule, "Next": "T"}], "Default": "U"})
    assert state.ways == [Way("T", words), Way("U", "otherwise")]


def test_caught_errors_are_one_way_a_target() -> None:
    catch = [
        {"ErrorEquals": ["B", "A"], "Next": "X"},
        {"ErrorEquals": ["E"], "Next": "Y"},
        {"ErrorEquals": ["States.ALL"], "Next": "Y"},
    ]
    state = State("S", {"Type": "Task", "Catch": catch, "Next": "T"})
    assert state.ways == [Way("T"), Way("X", "A, B", caught=True), Way("Y", "any other error", caught=True)]
    assert state.catchers == [({"A", "B"}, "X"), ({"E"}, "Y"), ({"States.ALL"}, "Y")]
    only = State("S", {"Type": "Task", "Catch": catch[1:], "Next": "T"})
    assert only.ways == [Way("T"), Way("Y", "any error", caught=True)]


def drawn(text: str) -> set[tuple[str, str, str, bool]]:
    """The arrows of a chart: from which state to which, the label, and whether it is an error's."""
    found = set()
    for line in re.sub(r'[({\[]+(\w+|"[^"]+")[)}\]]+', "", text).splitlines():
        arrow = re.fullmatch(r' *([\w &]+) (-->|-\.->)(?:\|"(.*)"\|)? (\w+)', line)
        if arrow:
            tails, kind, label, head = arrow.groups()
            found |= {(tail, head, label or "", kind == "-.->") for tail in tails.split(" & ")}
    return found


def test_the_chart_has_every_state_and_every_way_and_no_other() -> None:
    text = chart(SHIPPED)
    # A Map over one task is a node that names it.
    nodes = {"FetchParts": "FetchPart", "SendRejectedDays": "SendRejectedDay"}
    assert dict(re.findall(r'\[\["(\w+): (\w+) for each"\]\]', text)) == nodes
    shown = {name: state for name, state in STATES.items() if state.map not in nodes}
    assert drawn(text) == {(s.name, way.to, way.label, way.caught) for s in shown.values() for way in s.ways}
    assert {*shown} <= set(re.findall(r"\w+", text))
    assert re.findall(r"subgraph (\w+)", text) == ["ProcessBatches"]


def test_the_chart_s_states_have_the_shape_of_their_type_once() -> None:
    text = chart(SHIPPED)
    assert text.count("Outcome{Outcome}") == text.count("Failed([Failed])") == text.count("BatchDone(BatchDone)") == 1


def test_a_state_without_ways_is_in_the_chart() -> None:
    document = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    assert chart(read_machine(json.dumps(document))) == "flowchart TD\n  start(( )) --> A\n  A(A)"
