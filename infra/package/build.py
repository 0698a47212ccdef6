"""All functions' zips for a target, and ``packages.json``, by which Terraform knows what they are for."""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.facts import FUNCTIONS, ROOT, functions_file
from infra.package.layer import Compiler, add_files, compile_folder, files_below, layer
from infra.package.target import PackageError, Target

PACKAGES = ROOT / "build" / "packages"
LAYERS = ROOT / "build" / "layers"
BOOTSTRAP = Path(__file__).parent / "bootstrap.sh"
INDEX = "packages.json"

LIMIT_BYTES = 250 * 1024 * 1024
"""Most that a function's files may come to, unzipped, layers included (262,144,000 bytes).
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

READER = ("marketlake", "reader")

MB = 1024 * 1024  # as AWS counts in its limits
LARGEST = 5


class BundleTooLarge(PackageError):
    """A function's files are more than Lambda takes."""


@dataclass(frozen=True)
class Size:
    """Bytes of a function's package: of its zip, and of each file in it."""

    function: str
    bundle: str
    zipped: int
    files: dict[str, int]

    @property
    def unzipped(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())


def source_files(function: str) -> dict[str, Path]:
    """Path in the bundle to source file: the function's own folder and ``marketlake``; no caches, no hidden files, and
    not what readers of the lake have."""
    files = [path for folder in (function, "marketlake") for path in (FUNCTIONS / folder).rglob("*")]
    return {str(path.relative_to(FUNCTIONS)): path for path in sorted(files) if path.is_file() and _is_source(path)}


def _is_source(path: Path) -> bool:
    parts = path.relative_to(FUNCTIONS).parts
    return parts[:2] != READER and "__pycache__" not in parts and not any(part.startswith(".") for part in parts)


def sources_zip(function: str, bootstrap: Path) -> bytes:
    """A zip of our sources and ``bootstrap`` alone; the packages come from where the bootstrap looks. Reproducible."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        add_files(bundle, {**source_files(function), "bootstrap": bootstrap})
    return buffer.getvalue()


def build(
    target: Target, compiler: Compiler | None, out: Path, layers: Path = LAYERS, only: Sequence[str] = ()
) -> list[Size]:
    """Write the zips for ``target`` into ``out`` (of the functions ``only``, or of all) and return their sizes.

    ``packages.json`` is removed first; ``write_index`` puts it there when the zips have passed the check of sizes.

    Raises:
        PackageError: a lock is out of date, its packages cannot be installed, or a name of ours is a package's.
    """
    functions = functions_file()["functions"]
    bundles = {name: str(f["bundle"]) for name, f in functions.items() if not only or name in only}
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
            add_files(whole, own)
            files = {entry.filename: entry.file_size for entry in whole.infolist()}
        path = out / f"{function}.zip"
        os.replace(unfinished, path)
    return Size(function, bundle, path.stat().st_size, files)


def _own_files(function: str, target: Target, compiler: Compiler | None, scratch: Path) -> dict[str, Path]:
    """Our sources, compiled, and the bootstrap where the runtime does not bring one."""
    for name, path in source_files(function).items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, scratch / name)
    compile_folder(compiler, scratch)
    files = files_below(scratch)
    return {**files, "bootstrap": BOOTSTRAP} if target.is_local else files


def table(sizes: Sequence[Size]) -> str:
    """One line a function."""
    lines = [f"{'function':<14}{'bundle':<10}{'zipped':>10}{'unzipped':>11}{'of limit':>10}"]
    for size in sizes:
        counts = f"{size.zipped / MB:>7.1f} MB{size.unzipped / MB:>8.1f} MB{size.unzipped / LIMIT_BYTES:>10.0%}"
        lines.append(f"{size.function:<14}{size.bundle:<10}{counts}")
    return "\n".join(lines)


def check_sizes(sizes: Sequence[Size]) -> None:
    """Refuse packages that Lambda would refuse.

    Raises:
        BundleTooLarge: one is over ``LIMIT_BYTES``; the message names the largest parts and what can be done.
    """
    over = [size for size in sizes if size.unzipped > LIMIT_BYTES]
    if over:
        raise BundleTooLarge(
            f"{'; '.join(map(_described, over))}. Lambda takes {LIMIT_BYTES:,} bytes. Leave out more of these in "
            "infra/package/layer.py, take a package out of the bundle in functions/functions.json, or move its work to "
            "a function of its own"
        )


def _described(size: Size) -> str:
    parts: Counter[str] = Counter()
    for name, count in size.files.items():
        parts[name.partition("/")[0]] += count
    largest = ", ".join(f"{name} {count / MB:.0f} MB" for name, count in parts.most_common(LARGEST))
    return f"{size.function} (bundle {size.bundle}) is {size.unzipped:,} bytes unzipped: {largest}"


def write_index(target: Target, out: Path) -> None:
    """``packages.json``: the machine and the Python that the zips are for. Written last: it says that all are there."""
    document = {"architecture": target.architecture, "python": target.python}
    (out / INDEX).write_text(json.dumps(document, indent=2) + "\n", "utf-8")
