"""The state machine as a Mermaid chart, which cog puts into the Markdown: a Map is a box around its states, or, where
these are one task, a node that names it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.client.machine import Machine, State, Way, shipped_machine

SHAPES = {"Choice": "{{{}}}", "Fail": "([{}])", "Pass": "({})"}
"""How a state of a type is drawn; any other is a plain box, for which its name is enough."""


def shipped_chart() -> str:
    """The project's own machine as a fenced block of Markdown."""
    return f"```mermaid\n{chart(shipped_machine())}\n```"


def chart(machine: Machine) -> str:
    """``machine`` as a flowchart; a dotted arrow is an error that was caught."""
    shapes = {state.name: _shape(state) for state in machine.everywhere()}
    return "\n".join(["flowchart TD", f"  start(( )) --> {machine.start}", *_body(machine, shapes, "  ")])


def _body(machine: Machine, shapes: dict[str, str], indent: str) -> Iterator[str]:
    for state in machine.states:
        if state.inside and not _task_of(state):
            yield f'{indent}subgraph {state.name}["{state.name}: for each"]'
            # Mermaid would draw a box across the page otherwise, with letters too small to read.
            yield f"{indent}  direction TB"
            yield from _body(state.inside, shapes, f"{indent}  ")
            yield f"{indent}end"
    ways = _together(machine.states)
    connected = {name for way, tails in ways.items() for name in (way.to, *tails)}
    for state in machine.states:
        if state.name not in connected:
            yield f"{indent}{_node(state.name, shapes)}"
    for way, tails in ways.items():
        arrow = "-.->" if way.caught else "-->"
        label = f'|"{way.label}"|' if way.label else ""
        froms = " & ".join(_node(tail, shapes) for tail in tails)
        yield f"{indent}{froms} {arrow}{label} {_node(way.to, shapes)}"


def _shape(state: State) -> str:
    task = _task_of(state)
    return f'[["{state.name}: {task} for each"]]' if task else SHAPES.get(state.type, "").format(state.name)


def _task_of(state: State) -> str:
    """The one task of a Map; empty where it has several states that do something."""
    doing = [inner.name for inner in state.inside.states if inner.type != "Pass"] if state.inside else []
    return doing[0] if len(doing) == 1 else ""


def _node(name: str, shapes: dict[str, str]) -> str:
    """The state's name, with its shape where it is drawn for the first time."""
    return name + shapes.pop(name, "")


def _together(states: Sequence[State]) -> dict[Way, list[str]]:
    """Equal ways, each with the states that it comes from."""
    found: dict[Way, list[str]] = {}
    for state in states:
        for way in state.ways:
            found.setdefault(way, []).append(state.name)
    return found
