"""The pictures by the names of their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assets.diagrams import architecture, failure, workflow
from assets.diagrams.drawing import Drawing

FOLDER = Path(__file__).parent

PICTURES: dict[str, Callable[[], Drawing]] = {
    "architecture": architecture.draw,
    "failure": failure.draw,
    "workflow": workflow.draw,
}
