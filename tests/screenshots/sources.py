"""What the pictures show: the console's and the dashboard's files, and the definition that the console draws.

Pictures carry times and names of executions, so that no two are alike; what is compared is what they were taken of.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from infra import facts

FOLDER = facts.ROOT / "assets" / "screenshots"
SHOWN = (facts.ROOT / "infra" / "ops" / "console", facts.ROOT / "infra" / "ops" / "dashboard")
KINDS = {".py", ".js", ".css", ".html", ".svg"}


def sources() -> list[Path]:
    """Every file that a picture depends on."""
    pages = [path for folder in SHOWN for path in folder.rglob("*") if path.suffix in KINDS]
    return sorted([facts.DEFINITION, *pages])


def mark() -> str:
    """SHA-256 over all of them: the mark in each picture."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path.relative_to(facts.ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
