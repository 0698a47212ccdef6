"""Defects of every kind in simulated markets: what is caught, what is lost, what is blamed (docs/data-quality.md).

``DEFECT_SEEDS=1000 pytest -rP`` on this file (``make defects``) prints the figures of that page.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.unit.validate.defect_market import DEFECTS, Series, joined, market
from tests.unit.validate.defect_runs import Tally, as_backfill, evening_by_evening

SEEDS = int(os.environ.get("DEFECT_SEEDS", "20"))
TOGETHER = 20
OF_A_BACKFILL = [kind for kind in DEFECTS if kind != "unit_answers"]
"""A first answer that is in the wrong unit as a whole, with nothing older beside it, looks like any other."""


def tally_of(run: Callable[[Series], Tally], kinds: list[str]) -> Tally:
    total = Tally()
    for first in range(0, SEEDS, TOGETHER):
        seeds = range(first, min(first + TOGETHER, SEEDS))
        total.update(run(joined([market(seed, kinds) for seed in seeds])))
    print(f"{run.__name__}, {SEEDS} seeds: {dict(sorted(total.items()))}")
    return total


def test_a_backfill_loses_no_right_close_and_catches_errors_of_unit() -> None:
    found = tally_of(as_backfill, OF_A_BACKFILL)
    assert found.share("lost", "right") < 0.001
    assert found.share("caught", "hundredfold") >= 0.99
    assert found.share("refused", "wrong") >= 0.99
    assert found.share("spikes flagged", "spikes") >= 0.9
    assert found.share("spikes that are none", "no spikes") < 0.001
    assert found.share("bad dividends flagged", "bad dividends") >= 0.95
    assert found.share("right dividends lost", "right dividends") < 0.01


def test_daily_runs_lose_no_right_close_and_catch_errors_of_unit_of_any_length() -> None:
    found = tally_of(evening_by_evening, list(DEFECTS))
    assert found.share("lost", "right") < 0.001
    assert found.share("blamed", "right") < 0.001
    assert found.share("caught", "hundredfold") >= 0.95


@pytest.mark.parametrize("kind", [kind for kind in DEFECTS if kind.startswith("dividend")])
@pytest.mark.parametrize("run", [as_backfill, evening_by_evening])
def test_a_wrong_dividend_never_costs_a_price(kind: str, run: Callable[[Series], Tally]) -> None:
    found = run(market(7, [kind] * 6))
    assert (found["lost"], found["blamed"]) == (0, 0)
    assert found["right"] > 400
