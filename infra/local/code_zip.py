"""A function's code as a zip for the embedded AWS: our sources and a bootstrap; packages come from the environment."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from infra.facts import FUNCTIONS

BOOTSTRAP = Path(__file__).parent / "bootstrap.sh"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip knows: the same sources give the same bytes


def source_files(function: str) -> dict[str, Path]:
    """Path in the bundle to source file: the function's own folder and ``marketlake``."""
    files = [path for folder in (function, "marketlake") for path in (FUNCTIONS / folder).rglob("*")]
    kept = [path for path in files if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(FUNCTIONS)): path for path in sorted(kept)}


def code_zip(function: str) -> bytes:
    """The zip of ``function``; reproducible."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, path in {**source_files(function), "bootstrap": BOOTSTRAP}.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, path.read_bytes())
    return buffer.getvalue()
