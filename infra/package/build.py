"""All functions' zips for a target, and ``packages.json``, by which Terraform knows what they are for."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.facts import FUNCTIONS, ROOT
from infra.package import archive, gate, pyc
from infra.package.errors import PackageError
from infra.package.gate import Size
from infra.package.layer import layer
from infra.package.pyc import Compiler
from infra.package.sources import source_files
from infra.package.target import Target

PACKAGES = ROOT / "build" / "packages"
LAYERS = ROOT / "build" / "layers"
BOOTSTRAP = Path(__file__).parent / "bootstrap.sh"
INDEX = "packages.json"


def build(
    target: Target, compiler: Compiler | None, out: Path, layers: Path = LAYERS, only: Sequence[str] = ()
) -> list[Size]:
    """Write the zips for ``target`` into ``out`` (of the functions ``only``, or of all) and return their sizes.

    ``packages.json`` is removed first; ``write_index`` puts it there when the zips have passed the gate.

    Raises:
        PackageError: a lock is out of date, its packages cannot be installed, or a name of ours is a package's.
    """
    document = json.loads((FUNCTIONS / "functions.json").read_text("utf-8"))
    bundles = {name: str(f["bundle"]) for name, f in document["functions"].items() if not only or name in only}
    out.mkdir(parents=True, exist_ok=True)
    (out / INDEX).unlink(missing_ok=True)
    needed = sorted(set(bundles.values()))
    with ThreadPoolExecutor(2) as pool:
        made = dict(zip(needed, pool.map(lambda name: layer(name, target, compiler, layers), needed), strict=True))
    return [_zip(name, bundle, made[bundle], target, compiler, out) for name, bundle in bundles.items()]


def _zip(function: str, bundle: str, packages: Path, target: Target, compiler: Compiler | None, out: Path) -> Size:
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        own = _own_files(function, target, compiler, Path(scratch) / "own")
        unfinished = Path(scratch) / "function.zip"
        shutil.copyfile(packages, unfinished)
        with zipfile.ZipFile(unfinished, "a") as whole:
            taken = sorted(set(whole.namelist()) & set(own))
            if taken:
                raise PackageError(f"{taken[0]} of {function} is also in a package of bundle {bundle}; rename ours")
            archive.add_files(whole, own)
        path = out / f"{function}.zip"
        os.replace(unfinished, path)
    return gate.size_of(function, bundle, path.stat().st_size, archive.unzipped_sizes(path))


def _own_files(function: str, target: Target, compiler: Compiler | None, scratch: Path) -> dict[str, Path]:
    """Our sources, compiled, and the bootstrap where the runtime does not bring one."""
    for name, path in source_files(function).items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, scratch / name)
    pyc.compile_folder(compiler, scratch)
    files = archive.files_below(scratch)
    return {**files, "bootstrap": BOOTSTRAP} if target.is_local else files


def write_index(target: Target, sizes: Sequence[Size], out: Path) -> None:
    """``packages.json``: machine, Python, and of each function the zip, its hash and its sizes in bytes."""
    functions = {
        size.function: {
            "zip": f"{size.function}.zip",
            "sha256": hashlib.sha256((out / f"{size.function}.zip").read_bytes()).hexdigest(),
            "zipped_bytes": size.zipped,
            "unzipped_bytes": size.unzipped,
        }
        for size in sizes
    }
    document = {"architecture": target.architecture, "python": target.python, "functions": functions}
    unfinished = out / f"{INDEX}.new"
    unfinished.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    os.replace(unfinished, out / INDEX)
