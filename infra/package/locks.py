"""The locks of the bundles, and uv, which resolves and installs them for machines other than this one.

A lock says what exactly is installed, by hash, within ``requirements.lock``. One lock per bundle serves all targets:
where versions differ by Python version, it says so in markers.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from infra.facts import FUNCTIONS, ROOT, functions_file
from infra.package.target import PackageError, Target

LOCKS = FUNCTIONS / "bundles"
CONSTRAINTS = ROOT / "requirements.lock"

RUNTIME_CLIENT = "runtime-client"
"""Name of the lock of AWS's runtime client, which Lambda's Python brings and a local bundle has to bring itself."""

OLDEST_PYTHON = "3.11"
HEADER = "# Made by `python -m infra.package --lock`, within requirements.lock. Of: "

UNREACHABLE = re.compile(
    r"error sending request|dns error|failed to (fetch|connect|download)|could not connect|connection (refused|reset)"
    r"|operation timed out|network connectivity is disabled",
    re.IGNORECASE,
)
SHOWN = 800


class RegistryUnreachable(PackageError):
    """The package registry does not answer, or cannot be reached from here."""


class LockOutOfDate(PackageError):
    """A bundle's lock is missing, or ``functions.json`` lists other packages than it was made for."""


def requirements() -> dict[str, list[str]]:
    """What each lock is made for: the bundles of ``functions.json``, and the runtime client."""
    bundles: dict[str, list[str]] = functions_file()["bundles"]
    return {**bundles, RUNTIME_CLIENT: ["awslambdaric"]}


def lock_path(bundle: str, folder: Path = LOCKS) -> Path:
    """The lock of ``bundle``.

    Raises:
        LockOutOfDate: it is missing, or of other requirements than ``functions.json`` lists.
    """
    path = folder / f"{bundle}.lock"
    head = path.read_text("utf-8").partition("\n")[0] if path.exists() else ""
    if head != _header(bundle):
        raise LockOutOfDate(
            f"{path.name} does not match the packages in functions.json; run `python -m infra.package --lock`"
        )
    return path


def write_locks(folder: Path = LOCKS) -> None:
    """Lock every bundle again; versions that are in a lock already stay where they can.

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


def install(locks: Sequence[Path], target: Target, folder: Path) -> None:
    """Install everything in ``locks`` into ``folder``, by its hashes, as ``target`` needs it.

    Raises:
        RegistryUnreachable, PackageError: see ``run_uv``.
    """
    arguments = ["pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder), "--require-hashes"]
    if target.platform is not None:
        # Nothing can be compiled for another machine: wheels only.
        arguments += ["--python-platform", target.platform, "--python-version", target.python]
        arguments += ["--only-binary", ":all:"]
    for lock in locks:
        arguments += ["--requirements", str(lock)]
    run_uv(arguments)


def run_uv(arguments: Sequence[str], stdin: str = "") -> str:
    """What uv prints.

    Raises:
        RegistryUnreachable: uv could not reach the package registry.
        PackageError: any other failure, with uv's own words.
    """
    if find_spec("uv") is None:
        raise PackageError("uv is not installed; run `make setup`")
    # Not by the path that its package gives: asking for that from two threads at once fails now and then.
    command = [sys.executable, "-m", "uv", "--system-certs", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip()[-SHOWN:]
    if UNREACHABLE.search(done.stderr):
        raise RegistryUnreachable(f"the package registry cannot be reached; try again, or check the proxy. uv: {said}")
    raise PackageError(f"uv {arguments[0]} {arguments[1]} failed: {said}")
