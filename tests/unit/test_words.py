"""The words that docs/glossary.md replaces are in no tracked text file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.facts import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
EXEMPT = ("docs/glossary.md", "docs/CHANGELOG.md", "tests/unit/test_words.py")
DATA = (".lock", ".lock.hcl", ".csv", ".png", ".svg", ".parquet")


def replaced_words() -> list[str]:
    """The words in the glossary's last column."""
    rows = [line for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.rpartition(" | ")[2])]


def text_files() -> list[Path]:
    """Files that git tracks, or would, without those of others and those that hold data."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    ours = [name for name in listed if name not in EXEMPT and "/vendor/" not in name and not name.endswith(DATA)]
    return [ROOT / name for name in ours if (ROOT / name).is_file()]


def places(pattern: re.Pattern[str], path: Path) -> Iterator[str]:
    """Where ``pattern`` is in a file, a phrase that is broken over two lines included."""
    text = path.read_text("utf-8")
    for found in pattern.finditer(text):
        yield f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}: {' '.join(found[0].split())}"


def pattern_of(words: list[str]) -> re.Pattern[str]:
    """Any of ``words``, whole, as written or with a capital; a phrase may go over a line's end and its comment sign.

    Case counts otherwise, or "is none" would be in every ``is None``.
    """
    phrases = [r"(?:\s+(?:#|//|--)?\s*)".join(map(re.escape, word.split())) for word in words]
    either = [f"[{phrase[0]}{phrase[0].upper()}]{phrase[1:]}" for phrase in phrases]
    return re.compile(rf"\b(?:{'|'.join(either)})\b")


def test_the_words_that_the_glossary_replaces_are_not_used() -> None:
    pattern = pattern_of(replaced_words())
    assert [place for path in text_files() for place in places(pattern, path)] == []


def test_a_replaced_word_would_be_found() -> None:
    assert "told" in replaced_words()
    pattern = pattern_of(["told", "is none", "put aside"])
    text = "It told us\nTold. x is None, untold, told_in\nthere is none\nwas put\n  # aside"
    assert [" ".join(found.split()) for found in pattern.findall(text)] == ["told", "Told", "is none", "put # aside"]
