"""What Python's JSON reader lets pass and a lake must not."""

from __future__ import annotations

from typing import Any


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """``object_pairs_hook`` for objects whose names must differ: of a name given twice, either value may be meant.

    Raises:
        ValueError: a name is given twice; the message continues "the answer is ...".
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"ambiguous: it has {twice!r} twice")
    return found
