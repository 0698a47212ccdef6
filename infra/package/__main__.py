"""``python -m infra.package``: build the functions' zips and the tables' description, or lock the zips' packages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.package import build, locks
from infra.package.layer import find_compiler
from infra.package.tables import write_tables
from infra.package.target import PackageError, Target, targets


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0, or 1 with what to do on standard error."""
    known = targets()
    parser = argparse.ArgumentParser(prog="python -m infra.package", description=__doc__)
    parser.add_argument("--arch", choices=list(known), default="arm64", help="machine to build for; local: this one")
    parser.add_argument("--out", type=Path, default=build.PACKAGES, help="folder for the zips and packages.json")
    parser.add_argument("--lock", action="store_true", help="lock the bundles' packages again, and build nothing")
    options = parser.parse_args(arguments)
    try:
        if options.lock:
            locks.write_locks()
        else:
            package(known[options.arch], options.out)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def package(target: Target, out: Path, layers: Path = build.LAYERS) -> None:
    """Build the zips of all functions, print their sizes, and finish with ``tables.json`` and ``packages.json``.

    Raises:
        PackageError: they cannot be built, or one is over Lambda's limit.
    """
    compiler = find_compiler(target)
    if compiler is None:
        print(
            f"No Python {target.python} on this machine: the zips go without compiled modules, and cold starts take "
            f"some seconds longer. `uv python install {target.python}` gets one.",
            file=sys.stderr,
        )
    sizes = build.build(target, compiler, out, layers)
    print(f"Packages for {target.architecture}, Python {target.python} ({target.name}), in {out}")
    print(build.table(sizes))
    build.check_sizes(sizes)
    write_tables(out)
    build.write_index(target, out)


if __name__ == "__main__":
    sys.exit(main())
