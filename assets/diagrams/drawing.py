"""What the pictures share: a drawing as Graphviz source that is the same on every machine, and its PNG."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import diagrams
from diagrams import Diagram, Edge, Node, setdiagram

ICONS = Path(diagrams.__file__).resolve().parent.parent
"""The folder from which the package names its icons."""

DOTS_PER_INCH = 150

ICON = 56  # points

BOX = {"margin": "12", "labelloc": "t", "labeljust": "r", "fontsize": "13"}
"""How a cluster looks; its name is at the right, where fewer arrows come in."""

RED, GREY, INK = "#C62828", "#7B8894", "#2D3436"


class NoGraphviz(Exception):
    """Graphviz is not there or could not draw; the message says what to do."""


class Drawing(Diagram):  # type: ignore[misc]
    """A picture as Graphviz source; leaving it renders nothing."""

    def __init__(self, direction: str, **graph: str) -> None:
        attributes = {"pad": "0.2", "splines": "spline", "nodesep": "0.3", "ranksep": "0.5", "dpi": str(DOTS_PER_INCH)}
        super().__init__(
            direction=direction,
            filename="unused",
            show=False,
            graph_attr={**attributes, **graph},
            edge_attr={"fontname": "Sans-Serif", "fontsize": "13", "fontcolor": INK, "color": GREY},
        )

    def __enter__(self) -> Drawing:
        setdiagram(self)
        return self

    def __exit__(self, *_: object) -> None:
        setdiagram(None)

    @property
    def source(self) -> str:
        """Graphviz source, with names of nodes by their order and of icons below the package's folder."""
        names: dict[str, str] = {}

        def short(found: re.Match[str]) -> str:
            return names.setdefault(found[0].strip('"'), f"n{len(names) + 1}")

        text: str = self.dot.source
        # The package names nodes at random; names that begin with a digit are quoted.
        return re.sub(r'"?\b[0-9a-f]{32}\b"?', short, text.replace(f"{ICONS}/", "")).replace("\t", "  ")


def icon(kind: type[Node], name: str, *lines: str) -> Any:
    """A node with the icon of ``kind``, ``name`` in bold and ``lines`` below it; it is as wide as they are."""
    image = f'<TD FIXEDSIZE="TRUE" WIDTH="{ICON}" HEIGHT="{ICON}"><IMG SCALE="TRUE" SRC="{_file(kind)}"/></TD>'
    text = "<BR/>".join([f"<B>{escape(name)}</B>", *(escape(line) for line in lines)])
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2"><TR>{image}</TR><TR><TD>{text}</TD></TR></TABLE>'
    return kind(f"<{table}>", image="", fixedsize="false", width="0", height="0", margin="0.02", labelloc="c")


def _file(kind: type[Node]) -> str:
    """The icon's file below ``ICONS``."""
    return f"{kind._icon_dir}/{kind._icon}"


def caught(label: str = "", **attributes: str) -> Any:
    """The arrow of an error."""
    return Edge(label=label, color=RED, style="dashed", fontcolor=RED, **attributes)


def arrow(label: str = "", **attributes: str) -> Any:
    """An arrow, with what goes along it."""
    return Edge(label=label, **attributes)


def png(source: str) -> bytes:
    """``source`` drawn.

    Raises:
        NoGraphviz: there is no ``dot``, or it refused the source.
    """
    if shutil.which("dot") is None:
        raise NoGraphviz("the pictures are drawn by Graphviz: apt-get install graphviz, or brew install graphviz")
    dot = [str(shutil.which("dot")), "-Tpng"]
    drawn = subprocess.run(dot, input=source.encode(), cwd=ICONS, capture_output=True, check=False)
    if drawn.returncode or drawn.stderr:
        raise NoGraphviz(f"dot could not draw it: {drawn.stderr.decode().strip()}: correct the source")
    return drawn.stdout
