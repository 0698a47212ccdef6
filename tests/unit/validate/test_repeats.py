"""Rows that are the last one over again: which are refused, and which are a share at rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from tests.unit.frames import judged
from tests.unit.lake import PRICES, RATES, Bar, at, before_csv, prices_csv, rates_json
from validate.raw import RawDay

FIRST = date(2023, 1, 2)
TRADED = replace(at("A.L", 500), volume=7)


def blamed(*bars: Bar, before: Bar | None = None) -> list[int]:
    """Numbers of the days that are refused as stale, of one bar a day."""
    days = [RawDay(FIRST + timedelta(days=n), prices_csv([bar])) for n, bar in enumerate(bars)]
    context = before_csv([(FIRST - timedelta(days=3), before)]) if before else None
    bad = judged(PRICES, days, context).filter(pl.col("reason").is_not_null())
    assert all("a stale row" in reason for reason in bad["reason"])
    return [(day - FIRST).days for day in bad["dt"]]


def test_a_traded_bar_does_not_come_again() -> None:
    assert blamed(TRADED, TRADED, replace(TRADED, volume=8)) == [1]
    assert blamed(TRADED, before=TRADED) == [0]


@pytest.mark.parametrize("volume", [0, None])
def test_a_share_that_did_not_trade_may_stand_still(volume: int | None) -> None:
    still = replace(TRADED, volume=volume)
    assert blamed(TRADED, still, still) == []


@pytest.mark.parametrize("change", ["open", "high", "low", "close"])
def test_one_other_price_or_none_makes_it_another_bar(change: str) -> None:
    moved = {"open": 501.0, "high": 506.0, "low": 494.0, "close": 501.0}[change]
    assert blamed(TRADED, replace(TRADED, **{change: moved})) == []  # type: ignore[arg-type]
    if change != "close":
        unknown = replace(TRADED, **{change: None})  # type: ignore[arg-type]
        assert blamed(unknown, unknown) == [], "what is not known repeats nothing"


def test_trades_at_one_price_may_come_again() -> None:
    flat = Bar("A.L", close=50.0, open=50.0, high=50.0, low=50.0, volume=1000)
    assert blamed(flat, flat, flat) == []


def test_every_copy_is_refused_and_the_first_of_them_is_the_measure() -> None:
    assert blamed(TRADED, TRADED, TRADED, replace(at("A.L", 505), volume=7)) == [1, 2]


def still_market(shares: int, still: int) -> int:
    """Rows refused of a day on which ``still`` of ``shares`` shares, none of which traded, have the prices before."""
    first = [at(f"{n}.L", 500 + n) for n in range(shares)]
    second = [*first[:still], *(at(f"{n}.L", 600 + n) for n in range(still, shares))]
    days = [RawDay(FIRST + timedelta(days=n), prices_csv(bars)) for n, bars in enumerate((first, second))]
    return judged(PRICES, days)["reason"].drop_nulls().len()


@pytest.mark.parametrize(("shares", "still", "refused"), [(40, 20, 0), (40, 21, 21), (19, 19, 0), (20, 20, 20)])
def test_a_market_that_stands_still_is_a_stale_answer(shares: int, still: int, refused: int) -> None:
    assert still_market(shares, still) == refused


def test_pegged_currencies_stand_still_and_a_whole_table_does_not() -> None:
    names = ["USD", "JPY", "GBP", "CHF", "SEK", "NOK", "PLN", "CZK", "HUF", "DKK", "BGN"]
    tables = [dict.fromkeys(names, 1.5), {name: 1.5 if name in ("DKK", "BGN") else 1.6 for name in names}]
    tables.append(tables[1])
    days = [
        RawDay(FIRST + timedelta(days=n), rates_json(FIRST + timedelta(days=n), rates))
        for n, rates in enumerate(tables)
    ]
    bad = judged(RATES, days).filter(pl.col("reason").is_not_null())
    assert set(bad["dt"]) == {days[2].day}
    assert bad.height == len(names)
