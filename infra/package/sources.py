"""Which of our own sources go with a function."""

from __future__ import annotations

from pathlib import Path

from infra.facts import FUNCTIONS


def source_files(function: str) -> dict[str, Path]:
    """Path in the bundle to source file: the function's own folder and ``marketlake``; no caches, no hidden files."""
    files = [path for folder in (function, "marketlake") for path in (FUNCTIONS / folder).rglob("*")]
    return {str(path.relative_to(FUNCTIONS)): path for path in sorted(files) if path.is_file() and _is_source(path)}


def _is_source(path: Path) -> bool:
    parts = path.relative_to(FUNCTIONS).parts
    return "__pycache__" not in parts and not any(part.startswith(".") for part in parts)
