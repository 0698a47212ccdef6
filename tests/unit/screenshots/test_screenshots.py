from __future__ import annotations

import pytest

from assets.diagrams.marks import mark_of
from tests.screenshots.shots import SHOTS
from tests.screenshots.sources import FOLDER, mark, sources

PICTURES = [path.name for path in sorted(FOLDER.iterdir())]


def test_each_picture_is_one_that_is_taken() -> None:
    assert sorted(f"{shot.name}.png" for shot in SHOTS) == PICTURES


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_was_taken_of_what_there_is_now(name: str) -> None:
    assert mark_of((FOLDER / name).read_bytes()) == mark(), "run: make screenshots"


def test_what_a_picture_shows_is_among_its_sources() -> None:
    names = {path.name for path in sources()}
    assert {"pipeline.asl.json", "graph.js", "base.css", "page.py"} <= names
