"""A function's code as a zip for the embedded AWS: our sources and a bootstrap; packages come from the environment."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from infra.package.archive import add_files
from infra.package.sources import source_files

__all__ = ["code_zip", "source_files"]

BOOTSTRAP = Path(__file__).parent / "bootstrap.sh"


def code_zip(function: str) -> bytes:
    """The zip of ``function``; reproducible."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        add_files(bundle, {**source_files(function), "bootstrap": BOOTSTRAP})
    return buffer.getvalue()
