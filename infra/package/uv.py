"""uv, which resolves and installs for machines other than this one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from infra.facts import ROOT
from infra.package.errors import PackageError, RegistryUnreachable
from infra.package.target import Target

UNREACHABLE = re.compile(
    r"error sending request|dns error|failed to (fetch|connect|download)|could not connect|connection (refused|reset)"
    r"|operation timed out|network connectivity is disabled",
    re.IGNORECASE,
)
SHOWN = 800


def run_uv(arguments: Sequence[str], stdin: str = "") -> str:
    """What uv prints.

    Raises:
        RegistryUnreachable: uv could not get at the package registry.
        PackageError: anything else that uv refuses, in its own words.
    """
    if find_spec("uv") is None:
        raise PackageError("uv is not installed; run `make setup`")
    # Not by the path that its package tells: asking for that from two threads at once fails now and then.
    command = [sys.executable, "-m", "uv", "--system-certs", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip()[-SHOWN:]
    if UNREACHABLE.search(done.stderr):
        raise RegistryUnreachable(f"the package registry cannot be reached; try again, or check the proxy. uv: {said}")
    raise PackageError(f"uv {arguments[0]} {arguments[1]} failed: {said}")


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
