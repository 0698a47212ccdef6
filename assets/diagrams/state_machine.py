"""The state machine as it is defined: every state and every way, read from ``statemachine/pipeline.asl.json``."""

from __future__ import annotations

from dataclasses import dataclass

from diagrams import Cluster, Node

from assets.diagrams import machine
from assets.diagrams.drawing import BOX, GREY, INK, RED, Drawing, caught, said
from assets.diagrams.machine import ANY_ERROR, Json, State, Way


@dataclass(frozen=True)
class Look:
    """How a kind of state is drawn, and the word for it in the legend."""

    word: str
    fill: str
    line: str
    shape: str = "box"


LOOKS = {
    "lambda:invoke": Look("function", "#FDEBD3", "#D86613"),
    "sqs:sendMessage": Look("message to the queue", "#FADBE8", "#B0125B"),
    "sns:publish": Look("mail", "#FADBE8", "#B0125B"),
    "Choice": Look("choice", "#FFF6CC", "#8A6508", "diamond"),
    "Pass": Look("shapes data", "#ECEFF1", GREY),
    "Succeed": Look("succeeds", "#DCEFDC", "#2E7D32"),
    "Fail": Look("execution FAILED", "#F8D0D0", "#C62828"),
}
OTHER = Look("other", "#FFFFFF", INK)


def draw() -> Drawing:
    """The picture."""
    definition = machine.shipped()
    with Drawing("TB", compound="true", nodesep="0.35", ranksep="0.4", label=_legend(definition), labelloc="b") as made:
        start = Node("", shape="circle", width="0.25", height="0.25", style="filled", fillcolor=INK, color=INK)
        canvas = _Canvas(definition)
        start >> said(weight="10") >> canvas.nodes[definition["StartAt"]]
        canvas.connect()
    return made


class _Canvas:
    """The states of ``definition`` as nodes, its Maps as boxes by their names, and their ways as arrows."""

    def __init__(self, definition: Json) -> None:
        self._states = {state.name: state for state in machine.everywhere(definition)}
        self.nodes: dict[str, Node] = {}
        self._boxes: dict[str, str] = {}
        self._joints: list[tuple[list[State], Node]] = []
        self._place(definition)

    def _place(self, inside: Json) -> None:
        for state in machine.states(inside):
            if state.kind == "Map":
                at_once = state.body.get("MaxConcurrency")
                label = f"{state.name}: for each" + (f", {at_once} at once" if at_once else "")
                with Cluster(label, graph_attr={**BOX, "labeljust": "l"}) as box:
                    self._boxes[state.name] = box.name
                    self._place(machine.processor(state))
            else:
                self.nodes[state.name] = _node(state)
        for group in machine.caught_alike(machine.states(inside)):
            self._joints.append((group, Node("", shape="point", width="0.08", height="0.08", color=RED)))

    def connect(self) -> None:
        """Draw the arrows; errors that lead from several states to the same places run together in a point first."""
        joined = {state.name for group, _ in self._joints for state in group}
        for state in self._states.values():
            for way in machine.ways(state):
                if not (way.caught and state.name in joined):
                    self._arrow(self.nodes[self._last(way.tail)], way)
        for group, joint in self._joints:
            for state in group:
                self.nodes[self._last(state.name)] >> caught(arrowhead="none") >> joint
            for way in machine.ways(group[0]):
                if way.caught:
                    self._arrow(joint, way)

    def _arrow(self, tail: Node, way: Way) -> None:
        """One way; at a Map it ends at, or starts from, the box around its states."""
        boxes = {"ltail": self._boxes.get(way.tail, ""), "lhead": self._boxes.get(way.head, "")}
        boxes = {end: name for end, name in boxes.items() if name}
        label = "" if way.label == ANY_ERROR else f"  {way.label}"
        # In the colour of its choice, so that a label between two arrows is told to be of one of them.
        choice = {"color": LOOKS["Choice"].line, "fontcolor": LOOKS["Choice"].line} if way.label else {}
        edge = caught(label, **boxes) if way.caught else said(label, weight="5", **choice, **boxes)
        tail >> edge >> self.nodes[self._first(way.head)]

    def _first(self, name: str) -> str:
        state = self._states[name]
        return name if state.kind != "Map" else self._first(machine.processor(state)["StartAt"])

    def _last(self, name: str) -> str:
        state = self._states[name]
        if state.kind != "Map":
            return name
        ends = [inner.name for inner in machine.states(machine.processor(state)) if inner.ends]
        return self._last(ends[-1])


def _node(state: State) -> Node:
    look = LOOKS.get(state.kind, OTHER)
    again = f"\nup to {' or '.join(map(str, state.tries))} tries" if state.tries else ""
    diamond = look.shape == "diamond"
    return Node(
        f"{state.name}{again}",
        shape=look.shape,
        style="filled" if diamond else "filled,rounded",
        fillcolor=look.fill,
        color=look.line,
        fixedsize="false",
        height="0.45",
        width="1.2",
        margin="0.02,0.02" if diamond else "0.12,0.06",
        labelloc="c",
    )


def _legend(definition: Json) -> str:
    kinds = dict.fromkeys(state.kind for state in machine.everywhere(definition) if state.kind != "Map")
    words = {LOOKS.get(kind, OTHER).word: LOOKS.get(kind, OTHER) for kind in kinds}
    cells = "".join(_cell(word, look) for word, look in words.items())
    error = "- - - &gt; any error that is still there after the tries, unless the arrow names it"
    row = f'<TR><TD COLSPAN="{len(words)}" ALIGN="LEFT"><FONT COLOR="{RED}">{error}</FONT></TD></TR>'
    return f'<<TABLE BORDER="0" CELLSPACING="6"><TR>{cells}</TR>{row}</TABLE>>'


def _cell(word: str, look: Look) -> str:
    return f'<TD BGCOLOR="{look.fill}" COLOR="{look.line}" BORDER="1" CELLPADDING="4">{word}</TD>'
