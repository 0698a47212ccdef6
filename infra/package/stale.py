"""Whether zips have to be built again: `make deploy` must not put old code into an account."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from infra.facts import FUNCTIONS, function_names
from infra.package import locks
from infra.package.build import INDEX
from infra.package.sources import source_files
from infra.package.target import Target


def stale_reason(target: Target, out: Path) -> str:
    """Why the zips in ``out`` are not those of the present sources for ``target``; empty where they are."""
    index = _index(out)
    if index is None:
        return "there are none yet"
    if (index.get("architecture"), index.get("python")) != (target.architecture, target.python):
        return f"they are for {index.get('architecture')}, Python {index.get('python')}"
    if _made_from(FUNCTIONS / "functions.json", *locks.LOCKS.glob("*.lock")) > (out / INDEX).stat().st_mtime:
        return "a lock or functions.json changed"
    return next((reason for name in function_names() if (reason := _function_reason(name, target, out))), "")


def _index(out: Path) -> dict[str, Any] | None:
    try:
        index = json.loads((out / INDEX).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return index if isinstance(index, dict) else None


def _made_from(*paths: Path) -> float:
    return max(path.stat().st_mtime for path in paths)


def _function_reason(function: str, target: Target, out: Path) -> str:
    try:
        with zipfile.ZipFile(out / f"{function}.zip") as whole:
            entries = {entry.filename: entry.CRC for entry in whole.infolist()}
    except (OSError, zipfile.BadZipFile):
        return f"{function}.zip is missing or broken"
    if ("bootstrap" in entries) != target.is_local:
        return f"{function}.zip is for {'the embedded AWS' if not target.is_local else 'Lambda'}"
    own = (f"{function}/", "marketlake/")
    zipped = {name: crc for name, crc in entries.items() if name.startswith(own) and not name.endswith(".pyc")}
    sources = {name: zlib.crc32(path.read_bytes()) for name, path in source_files(function).items()}
    return "" if zipped == sources else f"the sources of {function} changed"
