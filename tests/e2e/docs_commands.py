"""The commands in the README and the pages, in the order in which a reader meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.facts import ROOT

FIRST = ("README.md", ".github/CONTRIBUTING.md", "statemachine/README.md")
PAGES = [
    *(ROOT / name for name in FIRST),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "assets").rglob("*.md")),
]

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SHELL = ("", "sh", "console")
TYPED = re.compile(r"(?:marketlake (?!FAILED)|make )\S")
"""A mail's subject starts as the command does."""
INLINE = re.compile(r"(?<!`)`((?:marketlake (?!FAILED)|make )[^`]+)`")
COMMENT = re.compile(r"\s+#\s.*")


@dataclass(frozen=True)
class Command:
    """A line to run; ``inline`` in a sentence, where it may be a name alone, or else in a block."""

    page: str
    text: str
    inline: bool


def commands() -> list[Command]:
    """All of them; the same line is there once."""
    found: dict[str, Command] = {}
    for page in PAGES:
        name = f"{page.relative_to(ROOT)}"
        for text, inline in _in_order(page.read_text("utf-8")):
            if text not in found or (found[text].inline and not inline):
                found.setdefault(text, Command(name, text, inline))
    return list(found.values())


def _in_order(text: str) -> Iterator[tuple[str, bool]]:
    place = 0
    for fence in FENCE.finditer(text):
        yield from _inline(text[place : fence.start()])
        if fence[1] in SHELL:
            yield from ((line, False) for line in _lines(fence[2]))
        place = fence.end()
    yield from _inline(text[place:])


def _inline(text: str) -> Iterator[tuple[str, bool]]:
    yield from ((" ".join(found.split()), True) for found in INLINE.findall(text))


def _lines(block: str) -> list[str]:
    lines = [line.strip() for line in block.splitlines()]
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    typed = prompted or lines
    return [COMMENT.sub("", line) for line in typed if TYPED.match(line)]
