"""Changes to a JSON document at any place in it."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

MEMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-5, 5),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(
        ["", "1.5", "abc", "GBP", "USD", "EUR", "<b>x</b>", "Europe/London", "Asia/Tokyo", "../x", "\ud800"]
    ),
    st.sampled_from([[], {}, [None], [1.5], {"x": 1}, [[1]], 10**400, -1, 0, 1e308, [{}], {"amount": 1}]),
)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found += [(node, key), *_places(node[key])]
    return found


@st.composite
def changed(draw: st.DrawFn, document: Any, most: int = 3) -> str:
    """``document`` with up to ``most`` members replaced, removed, doubled, swapped or renamed; as JSON text."""
    spoiled = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, most))):
        places = _places(spoiled)
        if not places:
            break
        node, key = places[draw(st.integers(0, len(places) - 1))]
        kind = draw(st.sampled_from(["replace", "replace", "remove", "again", "shift"]))
        if kind == "replace":
            node[key] = copy.deepcopy(draw(MEMBERS))
        elif kind == "remove":
            del node[key]
        elif kind == "again":
            if isinstance(node, list):
                node.insert(key, copy.deepcopy(node[key]))
            else:
                node[draw(st.text(max_size=4))] = copy.deepcopy(node[key])
        elif isinstance(node[key], int | float) and not isinstance(node[key], bool):
            node[key] = node[key] * draw(st.sampled_from([100, 0.01, -1, 0, 1])) + draw(st.sampled_from([0, 1, 86400]))
    return json.dumps(spoiled)
