"""``marketlake acceptance`` on a stack of the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import main


def accept(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status and findings, by step."""
    capsys.readouterr()
    status = main(["--root", str(root), "acceptance", "--json", *arguments])
    said = capsys.readouterr()
    assert said.out, said.err
    return status, {finding["step"]: finding for finding in json.loads(said.out)["steps"]}
