"""A bundle's packages as a zip: installed, pruned, compiled and compressed once, then part of several functions.

Modules are compiled (.pyc), since ``/var/task`` is read-only on Lambda: without that every cold start compiles what it
imports, and the import of yfinance takes 2.7 s instead of 0.7 s. An unchecked pyc holds a hash of its source where
others hold the time, which makes it the same on every machine; it is not compared with the source at import.
https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

from infra.package import locks
from infra.package.target import PackageError, Target

SERVICES = ("athena", "glue", "xray")
"""AWS services that AthenaCheck makes clients for, and xray, for which the tracing package makes one where it does not
find itself on Lambda; a test makes each of them from each bundle."""

LEFT_OUT: dict[str, tuple[str, ...]] = {
    "commands of packages; they name the interpreter that installed them, so would differ by machine": ("bin/*",),
    "uv's own": (".lock",),
    "lists files that are left out here, and hashes of commands": ("*.dist-info/RECORD",),
    "about the installation": ("*.dist-info/INSTALLER", "*.dist-info/REQUESTED", "*.dist-info/WHEEL"),
    "about the installation; may hold a path": ("*.dist-info/direct_url.json",),
    "read by build tools only": ("*.dist-info/top_level.txt", "*.dist-info/zip-safe"),
    "compiled again, with a check that suits Lambda": ("*/__pycache__/*",),
    "tests of packages: 17 MB of pandas, 8 MB of numpy": ("*/tests/*",),
    "types, for checkers": ("*-stubs/*", "*.pyi", "*/py.typed"),
    "for compiling extensions against a package": ("*.pxd", "*.pyx", "*.pxi", "*.h", "*.c", "*.a"),
    "models of boto3's resources; the functions use clients": ("boto3/data/*",),
    "documentation": ("boto3/examples/*",),
}
"""What packages bring and no function needs: reason to patterns (``*`` crosses folders)."""

SERVICE_MODEL = re.compile(r"botocore/data/([^/]+)/")
"""The SDK's models of 400 services are 27 MB. A service that is left out fails by name (UnknownServiceError)."""

TASK_ROOT = "/var/task"
"""Where Lambda unpacks a function; the compiled modules name their sources there."""

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip knows: the same files give the same bytes
EXECUTABLE = ("bootstrap",)


@dataclass(frozen=True)
class Compiler:
    """An interpreter whose pycs the target reads, and its full version."""

    path: str
    version: str


def layer(bundle: str, target: Target, compiler: Compiler | None, folder: Path) -> Path:
    """The zip of the packages of ``bundle`` in ``folder``, made if it is not there yet.

    Raises:
        PackageError: a lock is out of date, or its packages cannot be installed.
    """
    own_locks = [locks.lock_path(bundle)]
    if target.is_local:
        own_locks.append(locks.lock_path(locks.RUNTIME_CLIENT))
    path = folder / f"{target.name}-{bundle}-{_fingerprint(own_locks, target, compiler)}.zip"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(path, own_locks, target, compiler)
        for old in folder.glob(f"{target.name}-{bundle}-*.zip"):
            if old != path:
                old.unlink(missing_ok=True)
    return path


def _make(path: Path, own_locks: list[Path], target: Target, compiler: Compiler | None) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        packages = Path(scratch) / "packages"
        locks.install(own_locks, target, packages)
        for installed in packages.rglob("*"):
            if installed.is_file() and is_left_out(installed.relative_to(packages).as_posix()):
                installed.unlink()
        compile_folder(compiler, packages)
        unfinished = Path(scratch) / "layer.zip"
        with zipfile.ZipFile(unfinished, "w") as bundle:
            add_files(bundle, files_below(packages))
        os.replace(unfinished, path)  # at once: another build may be looking for it


def _fingerprint(own_locks: list[Path], target: Target, compiler: Compiler | None) -> str:
    """Of everything that decides about a layer's bytes, this module and that of the locks among it."""
    digest = hashlib.sha256(f"{target.tag} {compiler and compiler.version}".encode())
    for path in (*own_locks, Path(__file__), Path(locks.__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def is_left_out(name: str) -> bool:
    """Whether the file ``name`` (its path in the bundle) is left out."""
    service = SERVICE_MODEL.match(name)
    if service is not None and service[1] not in SERVICES:
        return True
    patterns = chain.from_iterable(LEFT_OUT.values())
    return any(fnmatchcase(name, pattern) or fnmatchcase(f"/{name}", pattern) for pattern in patterns)


def add_files(bundle: zipfile.ZipFile, files: Mapping[str, Path]) -> None:
    """Append ``files`` (name in the zip to path); the bytes depend on nothing but names and contents."""
    for name, path in sorted(files.items()):
        entry = zipfile.ZipInfo(name, EPOCH)
        entry.create_system = 3  # Unix, whose modes these are
        entry.external_attr = (0o755 if name in EXECUTABLE else 0o644) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        bundle.writestr(entry, path.read_bytes())


def files_below(folder: Path) -> dict[str, Path]:
    """All files below ``folder``: path relative to it to path."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def find_compiler(target: Target) -> Compiler | None:
    """An interpreter of the target's Python version on this machine, None if there is no such interpreter."""
    for path in _candidates(target):
        version = _version(path)
        if version is not None and version.rpartition(".")[0] == target.python:
            return Compiler(path, version)
    return None


def _candidates(target: Target) -> Iterator[str]:
    yield sys.executable
    if not target.is_local:
        with suppress(PackageError):  # uv knows none; pyenv may
            yield locks.run_uv(["python", "find", "--no-python-downloads", target.python]).strip()
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
        PackageError: this Python cannot compile a module.
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
