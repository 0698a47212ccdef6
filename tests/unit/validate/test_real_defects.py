"""The errors that Yahoo makes with London prices, each built, against the verdicts of docs/data-quality.md.

What is known of them is in yfinance's own words: https://ranaroussi.github.io/yfinance/advanced/price_repair.html. The
bars are made up; the defects are put into them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.unit.frames import judged
from tests.unit.lake import PRICES
from tests.unit.validate.market import ALL, BEFORE, DAYS, TICKERS, Market, Place
from validate.days import judge_days

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


def _paid(amount: float, implied: float) -> Build:
    """A dividend (pence), and adjusted closes that imply the share ``implied`` of the price."""

    def build(market: Market) -> list[Place]:
        market.change(HERE, dividend=amount)
        market.change(*EARLIER, adj_close=_share(1 - implied))
        return [HERE]

    return build


FOUR = 0.04 * float(str(Market().bars[DAYS[2], T][0].close))
"""A dividend of 4 % of the price of the day before, in pence."""

BUILDS: dict[str, Build] = {
    "unit_error": _scaled(0.01, [HERE, (DAYS[4], T)]),
    "unit_error_of_months": _scaled(0.01, [(day, T) for day in [*BEFORE, *DAYS]], [(day, T) for day in DAYS]),
    "unit_error_of_the_market": _scaled(0.01, [(DAY, ticker) for ticker in TICKERS]),
    "unit_change_named": _several(
        _scaled(0.01, [(day, T) for day in [*BEFORE, *DAYS]]),
        _changed(*[(day, T) for day in [*BEFORE, *DAYS]], currency="GBP"),
    ),
    "unknown_currency": _changed(HERE, currency="JPY"),
    "high_only": _changed(HERE, high=_share(100), low=_share(0.01), open=_share(100)),
    "zero_open": _changed(HERE, open=0, high="inf", low=-1),
    "close_beyond": _changed(HERE, close=_share(1.03)),
    "open_beyond": _changed(HERE, open=_share(1.2)),
    "zero_prices": _changed(HERE, open=0, high=0, low=0, close=0, adj_close=0),
    "no_bar": _taken_out,
    "no_volume": _several(_changed(HERE, volume=None), _changed((DAYS[4], T), volume=0)),
    "dividend_too_large": _paid(100 * FOUR, 0.04),
    "dividend_too_small": _paid(0.005 * FOUR, 0.02),
    "dividend_missing": _paid(0.0, 0.04),
    "dividend_doubled": _paid(2 * FOUR, 0.04),
    "dividend_not_adjusted": _paid(FOUR, 0.0004),
    "dividend_of_other_currency": _several(_paid(0.013 * FOUR, 0.04), _changed(HERE, dividend_currency="USD")),
    "split_not_adjusted": _split(10.0, 10.0, [HERE]),
    "split_phantom": _split(2.0, 1.0, []),
    "new_level": _scaled(0.1, FROM_HERE, []),
    "impossible_move": _scaled(0.1, [HERE, (DAYS[4], T)]),
    "spike": _scaled(1.6, [HERE]),
    "stale_share": _repeated([HERE]),
    "stale_market": _repeated(LAST),
    "suspended": _repeated([HERE], volume=0),
    "bar_twice": _twice,
    "wrong_by_little": _scaled(1.2, [HERE]),
}


def verdicts(market: Market) -> pl.DataFrame:
    """The batch's rows as judged, with a lake that has the closes of the days before, without a defect."""
    good = Market()
    lake = [(day, ticker, float(str(good.bars[day, ticker][0].close)) / 100) for day in BEFORE for ticker in TICKERS]
    return judged(PRICES, market.raw_days, market.before, lake)


def test_the_market_without_a_defect_is_good() -> None:
    rows = verdicts(Market())
    assert rows.height == len(ALL)
    assert (rows["reason"].null_count(), rows["flags"].null_count()) == (len(ALL), len(ALL))


def test_every_defect_of_the_page_is_built() -> None:
    assert [defect["name"] for defect in DEFECTS] == list(BUILDS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect["name"])
def test_the_verdict_on_a_defect(defect: dict[str, str]) -> None:
    market = Market()
    wrong = sorted(BUILDS[defect["name"]](market))
    rows = verdicts(market)
    bad, doubtful = rows.filter(pl.col("reason").is_not_null()), rows.filter(pl.col("flags").is_not_null())
    refused, flagged = (sorted(found.select("dt", "ticker").rows()) for found in (bad, doubtful))
    if defect["verdict"] == "row quarantined":
        assert (refused, flagged) == (wrong, []), "all that is wrong, and nothing beside it"
        assert all(defect["rule"] in reason for reason in bad["reason"])
        return
    assert refused == []
    if defect["verdict"] == "passes":
        assert flagged == []
        return
    assert flagged == wrong
    assert defect["rule"] in doubtful["flags"][0].split(",")
    values = ("open", "high", "low", "volume", "dividend")
    lost = [name for name in values if doubtful[name].null_count()]
    assert bool(lost) == (defect["verdict"] == "value becomes null")


def test_a_day_of_which_the_market_is_bad_is_rejected() -> None:
    market = Market()
    BUILDS["unit_error_of_the_market"](market)
    rejected = judge_days(PRICES, verdicts(market), DAYS, market.symbols)
    assert [rejection.day for rejection in rejected] == [DAY]


def test_the_page_has_these_verdicts() -> None:
    lines = [f"| {d['defect']} | {_verdict(d)} | {d['why']} |" for d in DEFECTS]
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    start = table.index("| what Yahoo does | what Validate does | why that is right, or not |")
    assert table[start + 1 : start + 1 + len(lines)] == lines


def _verdict(defect: dict[str, str]) -> str:
    rule = defect["rule"]
    flag = f": *{rule}*" if defect["verdict"] == "row quarantined" else f", flag `{rule}`"
    return f"{defect['verdict']}{flag}" if rule else f"**{defect['verdict']}**"
