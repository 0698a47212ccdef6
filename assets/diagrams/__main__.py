"""Draws all pictures anew: ``python -m assets.diagrams``, or ``make diagrams``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from assets.diagrams import architecture, failure, workflow
from assets.diagrams.drawing import Drawing, NoGraphviz, png

FOLDER = Path(__file__).parent
PICTURES: dict[str, Callable[[], Drawing]] = {
    "architecture": architecture.draw,
    "failure": failure.draw,
    "workflow": workflow.draw,
}


def main() -> int:
    """Write each picture's source and PNG; returns the exit status."""
    try:
        for name, draw in PICTURES.items():
            source = draw().source
            image = png(source)
            (FOLDER / f"{name}.dot").write_text(source, "utf-8")
            (FOLDER / f"{name}.png").write_bytes(image)
            print(f"assets/diagrams/{name}.png, {len(image) // 1000} kB")
    except NoGraphviz as error:
        print(f"make diagrams: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
