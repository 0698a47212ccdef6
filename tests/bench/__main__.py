"""``make bench``, and with ``universe`` or ``years`` the longer ones: print the figures as tables.

Every ratio is of two things measured in turn on the same machine. ``BASE`` names the git revision that this tree is
compared with; empty, it is compared with none.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from tests.bench import universe
from tests.bench.compaction import compaction
from tests.bench.costs import costs, sizes
from tests.bench.library import library
from tests.bench.starts import starts
from tests.bench.trees import checked_out
from tests.bench.whole import whole
from tests.bench.years import ten_years
from tests.e2e.pipeline import new_pipeline

SIZES = (100, 1000)


def main(arguments: Sequence[str]) -> None:
    """``universe NUMBER...``: a year of so many symbols; ``years``: what is asked of ten years; else all others."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops the emulators on the way
    with tempfile.TemporaryDirectory() as folder:
        match arguments:
            case ["universe", *numbers]:
                universe.main(Path(folder), [int(number) for number in numbers])
            case ["years"]:
                _years(Path(folder))
            case []:
                _all(Path(folder), os.environ.get("BASE", ""))
            case _:
                raise SystemExit("give nothing, years, or universe and numbers of symbols")


def _all(folder: Path, revision: str) -> None:
    with checked_out(revision) if revision else nullcontext() as base:
        costs(folder, base)
        sizes(folder, SIZES)
        whole(folder)
        starts(base)


def _years(folder: Path) -> None:
    pipeline = new_pipeline(folder / "emulator")
    try:
        for part in (ten_years, library, compaction):
            part(pipeline)
    finally:
        pipeline.down()


if __name__ == "__main__":
    main(sys.argv[1:])
