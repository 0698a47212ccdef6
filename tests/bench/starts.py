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


def starts(base: Tree | None) -> None:
    """What it takes to import each handler in a fresh interpreter, the heavy packages that come with it, and the size
    of what Lambda unpacks, for the machine that is deployed on by default."""
    trees, target = [NOW, base] if base else [NOW], targets()["arm64"]
    with tempfile.TemporaryDirectory() as out:
        bundles = {size.function: size for size in build(target, find_compiler(target), Path(out))}
    columns = [f"{what}, {tree.name}" for tree in trees for what in ("import s", "CPU s", "heavy packages")]
    title("Cold import of each handler, and bundles", "handler", *columns, "MB unzipped (of Lambda's limit)")
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
        cells: list[str] = []
        for found in answers:
            cells += [spread([float(answer[column]) for answer in found]) for column in (0, 1)]
            cells.append(", ".join(found[0][2:]) or "none")
        size = bundles[function].unzipped
        row(function, *cells, f"{size / MB:.0f} ({size / LIMIT_BYTES:.0%})")


def _run(tree: Tree, code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tree.path, env=tree.environment, capture_output=True, text=True, check=True)
    return done.stdout
