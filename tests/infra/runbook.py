"""The alarms that docs/operations.md names, with what to do about each."""

from __future__ import annotations

import re

from infra.facts import ROOT, function_names

TABLE = re.compile(
    r"^\| (alarm|further alarm) \(.*\) \| means \| do \|\n\|---\|---\|---\|\n((?:\| `.*\n)+)", re.MULTILINE
)
ROW = re.compile(r"^\| `([\w<>-]+)` \| \S.{9,} \| \S.{9,} \|$", re.MULTILINE)


def runbook_alarms() -> dict[str, set[str]]:
    """Names of the rows with a meaning and an action: ``alarm`` has the essential ones, ``further alarm`` the rest."""
    found: dict[str, set[str]] = {}
    for kind, rows in TABLE.findall((ROOT / "docs" / "operations.md").read_text("utf-8")):
        functions = [name.replace("_", "-") for name in function_names()]
        found[kind] = {row.replace("<function>", name) for row in ROW.findall(rows) for name in functions}
    return found
