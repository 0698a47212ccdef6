"""The committed pictures are of the code and the definition as they are; sources are compared, without Graphviz."""

from __future__ import annotations

import re
import struct
from typing import Any

import pytest

from assets.diagrams import machine, marks
from assets.diagrams.drawing import DOTS_PER_INCH, ICONS, NoGraphviz, digest, png
from assets.diagrams.marks import mark_of, marked
from assets.diagrams.pictures import FOLDER, PICTURES

README_WIDTH = 900
LEAST_LETTERS = 10.5
"""Smallest height of text, in pixels, at the width of a README."""

every_picture = pytest.mark.parametrize("name", PICTURES)


def size(image: bytes) -> tuple[int, int]:
    assert image.startswith(marks.PNG_SIGNATURE)
    width, height = struct.unpack(">II", image[16:24])
    return width, height


@every_picture
def test_pictures_are_of_what_is_drawn_now(name: str) -> None:
    source = PICTURES[name]().source
    assert (FOLDER / f"{name}.dot").read_text("utf-8") == source, "run: make diagrams"
    assert mark_of((FOLDER / f"{name}.png").read_bytes()) == digest(source), "run: make diagrams"


@every_picture
def test_pictures_can_be_read_at_a_readmes_width(name: str) -> None:
    width, _ = size((FOLDER / f"{name}.png").read_bytes())
    assert width >= README_WIDTH
    points = min(int(found) for found in re.findall(r"fontsize=\"?(\d+)", (FOLDER / f"{name}.dot").read_text("utf-8")))
    assert points / 72 * DOTS_PER_INCH * README_WIDTH / width >= LEAST_LETTERS


@every_picture
def test_sources_are_the_same_on_every_machine(name: str) -> None:
    source = PICTURES[name]().source
    assert source == PICTURES[name]().source
    icons = re.findall(r'SRC="([^"]+)"', source)
    assert all((ICONS / icon).is_file() for icon in icons)
    assert "site-packages" not in source
    assert not re.search(r'="/', source)


def drawn_arrows(source: str) -> set[tuple[str, str, bool]]:
    """From which state to which an arrow leads, at once or through a joint, and whether it is an error's."""
    names = dict(re.findall(r'^ *(n\d+) \[label="?(\w*)', source, re.MULTILINE))
    arrows = re.findall(r"(n\d+) -> (n\d+) \[(.*)\]", source)
    found = {(names[tail], names[head], "dashed" in how) for tail, head, how in arrows if names[tail] and names[head]}
    for tail, joint, _ in arrows:
        if names[tail] and not names[joint]:
            found |= {(names[tail], names[head], True) for start, head, _ in arrows if start == joint}
    return found


def test_the_machine_has_every_state_and_every_way_and_no_other() -> None:
    states = {state.name: state for state in machine.everywhere(machine.shipped())}

    def ends(name: str, *, first: bool) -> str:
        """The state where an arrow to or from ``name``, which may be a Map, is tied."""
        if states[name].kind != "Map":
            return name
        inside = machine.processor(states[name])
        lasts = [state.name for state in machine.states(inside) if state.ends]
        return ends(inside["StartAt"] if first else lasts[-1], first=first)

    ways = [way for state in states.values() for way in machine.ways(state)]
    wanted = {(ends(way.tail, first=False), ends(way.head, first=True), way.caught) for way in ways}
    source = PICTURES["state_machine"]().source
    assert drawn_arrows(source) == wanted
    assert {name for name, state in states.items() if state.kind != "Map"} <= set(re.findall(r'label="?(\w+)', source))
    maps = [name for name, state in states.items() if state.kind == "Map"]
    assert all(f'label="{name}: for each' in source for name in maps)


def test_a_changed_definition_is_another_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    before = PICTURES["state_machine"]().source
    changed = machine.shipped()
    changed["States"]["Succeeded"] = {"Type": "Succeed"}
    monkeypatch.setattr(machine, "shipped", lambda: changed)
    assert PICTURES["state_machine"]().source != before


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Variable": "$.a.b", "NumericGreaterThan": 0}, "a.b > 0"),
        ({"Variable": "$.a", "NumericLessThanEquals": 3}, "a ≤ 3"),
        ({"Variable": "$.a", "StringEquals": "x"}, "a = x"),
        ({"Variable": "$.a", "BooleanEquals": True}, "a"),
        ({"Variable": "$.a", "BooleanEquals": False}, "not a"),
        ({"Variable": "$.a", "IsPresent": True}, "a is there"),
        ({"Not": {"Variable": "$.a", "IsPresent": True}}, "not a is there"),
        (
            {"And": [{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.b", "NumericGreaterThan": 0}]},
            "a is there and b > 0",
        ),
    ],
)
def test_choices_are_described(rule: dict[str, Any], words: str) -> None:
    state = machine.State("S", "Choice", {"Choices": [{**rule, "Next": "T"}], "Default": "U"})
    assert [(way.head, way.label) for way in machine.ways(state)] == [("T", words), ("U", "otherwise")]


def test_caught_errors_are_one_way_a_target() -> None:
    retry = [{"ErrorEquals": ["C", "D"], "MaxAttempts": 3}]
    catch = [
        {"ErrorEquals": ["A", "B"], "Next": "X"},
        {"ErrorEquals": ["D", "C"], "Next": "Z"},
        {"ErrorEquals": ["E"], "Next": "Y"},
        {"ErrorEquals": ["States.ALL"], "Next": "Y"},
    ]
    state = machine.State("S", "Task", {"Retry": retry, "Catch": catch, "Next": "T"})
    told = [(way.head, way.label, way.caught) for way in machine.ways(state)]
    assert told == [
        ("T", "", False),
        ("X", "A, B", True),
        ("Z", "after 4 tries", True),
        ("Y", "any other error", True),
    ]


def test_errors_run_together_where_states_have_the_same_several_targets() -> None:
    def caught(name: str, *heads: str) -> machine.State:
        catch = [{"ErrorEquals": [head.upper()], "Next": head} for head in heads]
        return machine.State(name, "Task", {"Catch": catch})

    states = [caught("a", "x", "y"), caught("b", "x"), caught("c", "x", "y"), caught("d", "x"), caught("e", "y", "z")]
    assert [[state.name for state in group] for group in machine.caught_alike(states)] == [["a", "c"]]


def test_a_mark_is_read_back_and_leaves_the_picture() -> None:
    header = struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 7, 5) + bytes(5) + bytes(4)
    image = marks.PNG_SIGNATURE + header + b"the rest"
    assert mark_of(image) == ""
    again = marked(image, digest("source"))
    assert mark_of(again) == digest("source")
    assert size(again) == (7, 5)
    assert again.startswith(marks.PNG_SIGNATURE + header)
    assert again.endswith(b"the rest")


def test_without_graphviz_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoGraphviz, match="apt-get install graphviz"):
        png("digraph {}")
