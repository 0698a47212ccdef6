"""The machine as a Mermaid graph, from its definition.

Printed by ``python -m tests.statemachine.graph``; ``statemachine/README.md`` holds it, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.statemachine.definition import Json, rendered

SHAPES = {"Choice": ("{", "}"), "Fail": ("([", "])"), "Pass": ("(", ")")}


def mermaid(definition: Json) -> str:
    """``definition`` as a flowchart: a Map is a box around its states, a dotted arrow is an error that was caught."""
    lines = ["flowchart TD", f"  start(( )) --> {definition['StartAt']}", *_body(definition, "  ")]
    return "\n".join(lines) + "\n"


def _body(machine: Json, indent: str) -> Iterator[str]:
    for name, state in machine["States"].items():
        if state["Type"] == "Map":
            yield f'{indent}subgraph {name}["{name}: for each"]'
            yield from _body(state["ItemProcessor"], f"{indent}  ")
            yield f"{indent}end"
        else:
            opened, closed = SHAPES.get(state["Type"], ("[", "]"))
            yield f"{indent}{name}{opened}{name}{closed}"
    for name, state in machine["States"].items():
        yield from (f"{indent}{name} {arrow} {target}" for arrow, target in _arrows(state))


def _arrows(state: Json) -> Iterator[tuple[str, str]]:
    if "Next" in state:
        yield "-->", state["Next"]
    for choice in state.get("Choices", []):
        yield f'-->|"{_condition(choice)}"|', choice["Next"]
    if "Default" in state:
        yield "-->|otherwise|", state["Default"]
    caught: dict[str, list[str]] = {}
    for catcher in state.get("Catch", []):
        caught.setdefault(catcher["Next"], []).extend(catcher["ErrorEquals"])
    retried = [retrier["ErrorEquals"] for retrier in state.get("Retry", [])]
    for target, errors in caught.items():
        if "States.ALL" in errors:
            label = "any other error" if len(caught) > 1 else "any error"
        else:
            label = "retries used up" if errors in retried else ", ".join(errors)
        yield f"-.->|{label}|", target


def _condition(choice: Json) -> str:
    what = str(choice["Variable"]).removeprefix("$.").replace(".", " ")
    return f"{what} > 0" if "NumericGreaterThan" in choice else what


if __name__ == "__main__":
    print(mermaid(rendered()), end="")
