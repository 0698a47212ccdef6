"""Data files that the reader shares with Terraform, the emulator and the docs: in the repository, or in the wheel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

_WHEEL = Path(__file__).parent / "shipped"
"""Where ``pyproject.toml`` puts the files into the wheel (``force-include``); not there in the repository."""

_ROOT = Path(__file__).resolve().parents[3]

ACCOUNT_ID = "000000000000"
"""The emulator's account."""

SIMULATED = "prices are simulated (seed {}), rates are the ECB's own"
"""What people read of an emulator with simulated prices."""

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def _file(path: str) -> Path:
    return _WHEEL / Path(path).name if _WHEEL.is_dir() else _ROOT / path


QUERIES = _file("assets/queries")
VIEWS = QUERIES / "views"
LOOKUPS = _file("infra/terraform/lookups") / "lookups.json"
NAMES = _file("infra/terraform/names.json.tftpl")


def render(template: str, values: Mapping[str, object]) -> str:
    """``template`` with each ``${name}`` replaced.

    Raises:
        KeyError: a name has no value.
    """
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)


def names(prefix: str, account_id: str, region: str) -> dict[str, str]:
    """Names of all resources of a deployment, by what they are, from ``names.json.tftpl``."""
    values = {"prefix": prefix, "account_id": account_id, "region": region, "database": prefix.replace("-", "_")}
    rendered: dict[str, str] = json.loads(render(NAMES.read_text("utf-8"), values))
    return rendered
