"""How figures are printed."""

from __future__ import annotations


def say(what: str, figure: str) -> None:
    """One line of the output."""
    print(f"{what:<58} {figure}", flush=True)
