"""Cold starts and bundles: what a function costs before its first event."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from infra.facts import function_names
from infra.package.build import LIMIT_BYTES, MB, build
from infra.package.layer import find_compiler
from infra.package.target import targets
from tests.bench.output import row, spread, title
from tests.bench.trees import NOW, Tree

REPEATS = 5
HEAVY = ("polars", "pandas", "pyarrow", "yfinance", "numpy", "boto3", "obstore")


def imports(base: Tree | None) -> None:
    """What it takes to import each handler in a fresh interpreter, and the heavy packages that come with it."""
    trees = [NOW, base] if base else [NOW]
    columns = [f"{what}, {tree.name}" for tree in trees for what in ("s", "CPU s", "heavy ones among them")]
    title("Cold import of each handler", "handler", *columns)
    for function in function_names():
        code = (
            "import sys, time; wall, cpu = time.perf_counter(), time.process_time(); "
            f"import {function}.handler; "
            "print(time.perf_counter() - wall, time.process_time() - cpu, "
            f"*[name for name in {HEAVY!r} if name in sys.modules])"
        )
        answers: list[list[list[str]]] = [[] for _ in trees]
        for _ in range(REPEATS):
            for tree, found in zip(trees, answers, strict=True):
                found.append(_run(tree, code).split())
        cells = []
        for found in answers:
            figures = [spread([float(answer[column]) for answer in found]) for column in (0, 1)]
            cells += [*figures, ", ".join(found[0][2:]) or "none"]
        row(function, *cells)


def _run(tree: Tree, code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tree.path, env=tree.environment, capture_output=True, text=True, check=True)
    return done.stdout


def bundles() -> None:
    """The size of what Lambda unpacks, for the machine that the deployment is for by default."""
    target = targets()["arm64"]
    title("Bundles", "function", "bundle", "MB unzipped", "share of Lambda's limit")
    with tempfile.TemporaryDirectory() as out:
        for size in build(target, find_compiler(target), Path(out)):
            row(size.function, size.bundle, f"{size.unzipped / MB:.0f}", f"{size.unzipped / LIMIT_BYTES:.0%}")
