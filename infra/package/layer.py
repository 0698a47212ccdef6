"""A bundle's packages as a zip: installed, pruned, compiled and compressed once, then part of several functions."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

from infra.package import archive, locks, prune, pyc, uv
from infra.package.pyc import Compiler
from infra.package.target import Target

MAKERS = (archive, prune, pyc, uv)
"""Modules that decide about a layer's bytes: a change in one of them makes all layers anew."""


def layer(bundle: str, target: Target, compiler: Compiler | None, folder: Path) -> Path:
    """The zip of the packages of ``bundle`` in ``folder``, made where it is not there yet.

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
        uv.install(own_locks, target, packages)
        prune.prune(packages)
        pyc.compile_folder(compiler, packages)
        unfinished = Path(scratch) / "layer.zip"
        with zipfile.ZipFile(unfinished, "w") as bundle:
            archive.add_files(bundle, archive.files_below(packages))
        os.replace(unfinished, path)  # at once: another build may be looking for it


def _fingerprint(own_locks: list[Path], target: Target, compiler: Compiler | None) -> str:
    digest = hashlib.sha256(f"{target.tag} {compiler and compiler.version}".encode())
    makers = [Path(str(module.__file__)) for module in MAKERS]
    for path in (*own_locks, *makers):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
