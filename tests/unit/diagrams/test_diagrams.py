"""The committed pictures are of the code as it is: their sources are compared, without Graphviz."""

from __future__ import annotations

import re
import struct

import pytest

from assets.diagrams.__main__ import FOLDER, PICTURES
from assets.diagrams.drawing import DOTS_PER_INCH, ICONS, NoGraphviz, png

README_WIDTH = 900
LEAST_LETTERS = 10.5
"""Smallest height of text, in pixels, at the width of a README."""

every_picture = pytest.mark.parametrize("name", PICTURES)


def size(image: bytes) -> tuple[int, int]:
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", image[16:24])
    return width, height


@every_picture
def test_pictures_are_of_what_is_drawn_now(name: str) -> None:
    source = PICTURES[name]().source
    assert (FOLDER / f"{name}.dot").read_text("utf-8") == source, "run: make diagrams"


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


def test_without_graphviz_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoGraphviz, match="apt-get install graphviz"):
        png("digraph {}")
