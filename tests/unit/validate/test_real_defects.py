"""The errors that Yahoo makes with London prices, each built, against the verdicts of docs/data-quality.md.

What is known of them is in yfinance's own words: https://ranaroussi.github.io/yfinance/advanced/price_repair.html. The
bars are made up; the defects are put into them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.unit.lake import PRICES
from tests.unit.validate.market import ALL, BEFORE, DAYS, TICKERS, Market, Place
from validate.days import judge_days
from validate.handler import judged_rows

DEFECTS: list[dict[str, str]] = json.loads((Path(__file__).parent / "defects.json").read_text("utf-8"))
PAGE = Path(__file__).parents[3] / "docs" / "data-quality.md"

T = "T03.L"
DAY = DAYS[3]
HERE: Place = (DAY, T)
LAST = [(DAYS[-1], ticker) for ticker in TICKERS]
FROM_HERE = [(day, T) for day in DAYS[3:]]
EARLIER = [(day, T) for day in [*BEFORE, *DAYS] if day < DAY]
Build = Callable[[Market], list[Place]]


def _changed(*places: Place, **cells: Any) -> Build:
    def build(market: Market) -> list[Place]:
        market.change(*places, **cells)
        return list(places)

    return build


def _scaled(factor: float, places: list[Place], blamed: list[Place] | None = None) -> Build:
    def build(market: Market) -> list[Place]:
        market.scale(factor, *places)
        return places if blamed is None else blamed

    return build


def _split(ratio: float, factor: float, blamed: list[Place]) -> Build:
    """A split on the day, with the prices before it times ``factor``."""

    def build(market: Market) -> list[Place]:
        market.scale(factor, *EARLIER)
        market.change(HERE, split_ratio=ratio)
        return blamed

    return build


def _repeated(places: list[Place], **cells: Any) -> Build:
    def build(market: Market) -> list[Place]:
        market.repeat(*places, **cells)
        return places

    return build


def _several(*builds: Build) -> Build:
    def build(market: Market) -> list[Place]:
        return [place for one in builds for place in one(market)]

    return build


def _taken_out(market: Market) -> list[Place]:
    del market.bars[HERE]
    return []


def _twice(market: Market) -> list[Place]:
    market.bars[HERE] *= 2
    return [HERE, HERE]


def _share(part: float) -> Callable[[float], float]:
    return lambda value: round(value * part, 4)


def _begun(days: int) -> list[Place]:
    return [(day, T) for day in [*BEFORE[-days:], *DAYS]]


IN_POUNDS = _scaled(0.01, FROM_HERE)
BUILDS: dict[str, Build] = {
    "unit_error": _scaled(0.01, [HERE, (DAYS[4], T)]),
    "unit_error_begun_before": _scaled(0.01, _begun(9), [(day, T) for day in DAYS]),
    "unit_error_of_weeks": _scaled(0.01, _begun(11)),
    "unit_error_of_the_market": _scaled(0.01, [(DAY, ticker) for ticker in TICKERS]),
    "unit_change_named": _several(IN_POUNDS, _changed(*FROM_HERE, currency="GBP")),
    "unknown_currency": _changed(HERE, currency="USD"),
    "high_only": _changed(HERE, high=_share(100)),
    "low_only": _changed(HERE, low=_share(0.01)),
    "open_only": _changed(HERE, open=_share(100)),
    "zero_prices": _changed(HERE, open=0, high=0, low=0, close=0, adj_close=0),
    "zero_open": _changed(HERE, open=0),
    "close_beyond": _changed(HERE, close=_share(1.03)),
    "no_bar": _taken_out,
    "no_volume": _several(_changed(HERE, volume=None), _changed((DAYS[4], T), volume=0)),
    "dividend_too_large": _changed(HERE, dividend=320.0),
    "dividend_too_small": _changed(HERE, dividend=0.064),
    "dividend_of_other_currency": _changed(HERE, dividend=0.2),
    "dividend_missing": _changed(*FROM_HERE, adj_close=_share(1.02)),
    "dividend_doubled": _several(_changed(*FROM_HERE, adj_close=_share(1.02)), _changed(HERE, dividend=12.8)),
    "dividend_phantom": _several(_changed(HERE, dividend=6.4), _changed((DAYS[6], T), dividend=6.4)),
    "dividend_not_in_adjusted": _changed(HERE, dividend=6.4),
    "adjusted_too_large": _changed(HERE, adj_close=_share(100)),
    "adjusted_too_small": _changed(HERE, adj_close=_share(0.01)),
    "split_not_adjusted": _split(10.0, 10.0, FROM_HERE),
    "small_split_not_adjusted": _split(2.0, 2.0, [HERE]),
    "split_adjusted_twice": _split(3.0, 1 / 3, [HERE]),
    "split_phantom": _split(2.0, 1.0, []),
    "stale_share": _repeated([HERE]),
    "stale_market": _repeated(LAST),
    "stale_market_without_volume": _repeated(LAST, volume=0),
    "suspended": _repeated([HERE], volume=0),
    "bar_twice": _twice,
    "wrong_by_little": _scaled(1.2, [HERE]),
}


def judged(market: Market) -> tuple[pl.DataFrame, list[Any]]:
    """The bad rows, and the days that are rejected."""
    rows = judged_rows(PRICES, market.raw_days, market.before)
    rejected = [rejection.day for rejection in judge_days(PRICES, rows, DAYS, market.symbols)]
    return rows.filter(pl.col("reason").is_not_null()), rejected


def test_the_market_without_a_defect_is_good() -> None:
    market = Market()
    assert judged_rows(PRICES, market.raw_days, market.before).height == len(ALL)
    bad, rejected = judged(market)
    assert (bad.height, rejected) == (0, [])


def test_every_defect_of_the_page_is_built() -> None:
    assert [defect["name"] for defect in DEFECTS] == list(BUILDS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect["name"])
def test_the_verdict_on_a_defect(defect: dict[str, str]) -> None:
    market = Market()
    wrong = BUILDS[defect["name"]](market)
    bad, rejected = judged(market)
    blamed = sorted(bad.select("dt", "ticker").rows())
    if defect["verdict"] == "passes":
        assert (blamed, rejected) == ([], [])
        return
    # All that is wrong, and nothing beside it.
    assert blamed == sorted(wrong)
    assert any(defect["rule"] in reason for reason in bad["reason"])
    assert rejected == (sorted({day for day, _ in wrong}) if defect["verdict"] == "days rejected" else [])


def test_the_page_has_these_verdicts() -> None:
    lines = [f"| {d['defect']} | {_verdict(d)} | {d['why']} |" for d in DEFECTS]
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    start = table.index("| what Yahoo does | what Validate does | why that is right, or not |")
    assert table[start + 1 : start + 1 + len(lines)] == lines


@pytest.mark.parametrize(
    ("dividend", "shown"), [(6.4, []), (0.0, [6.4]), (12.8, [6.4])], ids=["right", "missing", "doubled"]
)
def test_the_query_of_the_page_shows_dividends_that_adjusted_closes_contradict(
    dividend: float, shown: list[float]
) -> None:
    market = Market()
    market.change(HERE, dividend=dividend)
    market.change(*EARLIER, adj_close=_share(1 - 6.4 / float(str(market.bars[DAYS[2], T][0].close))))
    ftse100_prices = judged_rows(PRICES, market.raw_days, market.before).with_columns(pl.col("dt").cast(pl.String))
    sql = PAGE.read_text("utf-8").partition("```sql\n")[2].partition("```")[0]
    found = duckdb.connect().register("ftse100_prices", ftse100_prices.to_arrow()).execute(sql).fetchall()
    assert [(dt, ticker, round(100 * implied, 1)) for dt, ticker, _, implied in found] == [
        (f"{DAY}", T, implied) for implied in shown
    ]


def _verdict(defect: dict[str, str]) -> str:
    return f"{defect['verdict']}: *{defect['rule']}*" if defect["rule"] else f"**{defect['verdict']}**"
