"""Zips whose bytes depend on nothing but names and contents."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip knows: the same files give the same bytes
EXECUTABLE = ("bootstrap",)


def add_files(bundle: zipfile.ZipFile, files: Mapping[str, Path]) -> None:
    """Append ``files`` (name in the zip to path), sorted, with a fixed time and fixed modes."""
    for name, path in sorted(files.items()):
        entry = zipfile.ZipInfo(name, EPOCH)
        entry.create_system = 3  # Unix, whose modes these are
        entry.external_attr = (0o755 if name in EXECUTABLE else 0o644) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        bundle.writestr(entry, path.read_bytes())


def files_below(folder: Path) -> dict[str, Path]:
    """All files below ``folder``: path relative to it to path."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def unzipped_sizes(path: Path) -> dict[str, int]:
    """Size in bytes of each file in the zip at ``path``."""
    with zipfile.ZipFile(path) as bundle:
        return {entry.filename: entry.file_size for entry in bundle.infolist()}
