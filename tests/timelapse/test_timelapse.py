"""Eighteen months of daily runs by a virtual clock: what was ever good stays, and every question is answered rightly.

``make timelapse`` sets ``TIMELAPSE_SEEDS`` (``1-10``) and ``TIMELAPSE_MONTHS`` (``18``): docs/reliability.md. A plain
``pytest`` plays one seed of two months, with the lifecycle's days divided by nine: everything happens in it too.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.timelapse.lapse import Timelapse

FIRST, _, LAST = os.environ.get("TIMELAPSE_SEEDS", "6").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)
MONTHS = int(os.environ.get("TIMELAPSE_MONTHS", "2"))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lake_remembers(seed: int, tmp_path: Path) -> None:
    lapse = Timelapse(seed, MONTHS, tmp_path)
    with lapse.in_place():
        lapse.play()
        summary = lapse.summary()
    print(summary)
