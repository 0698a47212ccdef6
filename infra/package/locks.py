"""The locks of the bundles: what exactly is installed, by hash, within ``requirements.lock``.

One lock a bundle serves all targets: where versions differ by Python version, it says so in markers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from infra.facts import FUNCTIONS, ROOT
from infra.package.errors import LockOutOfDate
from infra.package.uv import run_uv

LOCKS = FUNCTIONS / "bundles"
CONSTRAINTS = ROOT / "requirements.lock"

RUNTIME_CLIENT = "runtime-client"
"""Name of the lock of AWS's runtime client, which Lambda's Python brings and a local bundle has to bring itself."""

OLDEST_PYTHON = "3.11"
HEADER = "# Made by `python -m infra.package --lock`, within requirements.lock. Of: "
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)( ; [^\\]+?)?(?: \\)?$", re.MULTILINE)


def requirements() -> dict[str, list[str]]:
    """What each lock is of: the bundles of ``functions.json``, and the runtime client."""
    bundles: dict[str, list[str]] = json.loads((FUNCTIONS / "functions.json").read_text("utf-8"))["bundles"]
    return {**bundles, RUNTIME_CLIENT: ["awslambdaric"]}


def pins(text: str) -> set[tuple[str, str]]:
    """Name and version of everything pinned in a lock; a name has several where versions differ by Python."""
    return {(name, version) for name, version, _ in PIN.findall(text)}


def lock_path(bundle: str, folder: Path = LOCKS) -> Path:
    """The lock of ``bundle``.

    Raises:
        LockOutOfDate: it is missing, or of other requirements than ``functions.json`` lists.
    """
    path = folder / f"{bundle}.lock"
    head = path.read_text("utf-8").partition("\n")[0] if path.exists() else ""
    if head != _header(bundle):
        raise LockOutOfDate(f"{path.name} is not of what functions.json lists; run `python -m infra.package --lock`")
    return path


def write_locks(folder: Path = LOCKS) -> None:
    """Lock every bundle anew; versions that are in a lock already stay where they can.

    Raises:
        PackageError: a bundle cannot be resolved within ``requirements.lock``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for bundle, names in requirements().items():
        path = folder / f"{bundle}.lock"
        arguments = ["pip", "compile", "--quiet", "--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"]
        arguments += ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
        arguments += ["--constraints", str(CONSTRAINTS), "--output-file", str(path), "-"]
        run_uv(arguments, "\n".join(names))
        path.write_text(f"{_header(bundle)}\n{path.read_text('utf-8')}", "utf-8")


def _header(bundle: str) -> str:
    return HEADER + ", ".join(requirements()[bundle])
