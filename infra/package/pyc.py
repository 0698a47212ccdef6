"""Compiled modules (.pyc) inside the bundles.

``/var/task`` is read-only on Lambda, so that without them every cold start compiles what it imports: the import of
yfinance takes 2.7 s then, and 0.7 s with them. An unchecked pyc holds a hash of its source where others hold the
time, which makes it the same on every machine; it is not compared with the source at import.
https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.package.errors import PackageError
from infra.package.target import Target
from infra.package.uv import run_uv

TASK_ROOT = "/var/task"
"""Where Lambda unpacks a function; the compiled modules name their sources there."""


@dataclass(frozen=True)
class Compiler:
    """An interpreter whose pycs the target reads, and its full version."""

    path: str
    version: str


def find_compiler(target: Target) -> Compiler | None:
    """An interpreter of the target's Python version on this machine, None where there is none."""
    for path in _candidates(target):
        version = _version(path)
        if version is not None and version.rpartition(".")[0] == target.python:
            return Compiler(path, version)
    return None


def _candidates(target: Target) -> Iterator[str]:
    yield sys.executable
    if not target.is_local:
        with suppress(PackageError):  # uv knows none; pyenv may
            yield run_uv(["python", "find", "--no-python-downloads", target.python]).strip()
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        yield from (str(path) for path in sorted(pyenv.glob(f"versions/{target.python}*/bin/python"), reverse=True))


def _version(python: str) -> str | None:
    ask = "import sys; print(sys.implementation.name, '%d.%d.%d' % sys.version_info[:3])"
    try:
        done = subprocess.run([python, "-I", "-c", ask], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    name, _, version = done.stdout.strip().partition(" ")
    return version if name == "cpython" else None


def compile_folder(compiler: Compiler | None, folder: Path) -> None:
    """Compile all modules below ``folder``, as if it lay at ``TASK_ROOT``; without a compiler, do nothing.

    Raises:
        PackageError: a module is not one that this Python understands.
    """
    if compiler is None:
        return
    command = [compiler.path, "-S", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), "-p", TASK_ROOT, str(folder)]
    # Nothing of this shell's Python settings; and the order of a set in a module must not differ from run to run.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**inherited, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"Python {compiler.version} cannot compile a module: {done.stdout[-800:]}")
