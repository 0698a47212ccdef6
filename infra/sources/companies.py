"""What the simulation knows of each company and index: ``companies.csv``, and the levels of ``levels.csv``.

Both are orders of magnitude, so that a page with simulated prices looks like the market; neither is market data. A
walk passes through each level on its ``day``; ``source`` says where the level is from, and of when. The last ``day`` of
all is near the last days that are simulated, whenever the level was seen. Volumes, volatilities, yields and the
currencies of dividends are from memory. Compass and InterContinental Hotels are quoted in dollars since 2026
(https://financenews.one/?p=29424), Metlen in euro
(https://www.cityam.com/metlen-shares-jump-on-5bn-london-debut); Yahoo names pounds for the dividends of some lines that
it quotes in pence, here of a few.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec

COMPANIES = Path(__file__).with_name("companies.csv")
LEVELS = Path(__file__).with_name("levels.csv")
EPOCH = date(1999, 1, 4)
"""The first day of all walks, a Monday."""
_LEVELS = (90, 140, 210, 320, 480, 640, 850, 1100, 1500, 2100, 2900, 4200)

Levels = tuple[tuple[date, float], ...]
"""Ascending days, each with the close of that day as quoted."""


@dataclass(frozen=True)
class Company:
    """A symbol's character.

    Attributes:
        currency: in which it is quoted.
        volume: shares of an ordinary day.
        volatility: standard deviation of a year's return.
        dividend_yield: a year's dividends as a share of the price.
        payments: dividends a year.
        dividend_currency: as Yahoo names it.
        levels: what its close was.
    """

    currency: str
    volume: int
    volatility: float
    dividend_yield: float
    payments: int
    dividend_currency: str
    levels: Levels


def company(symbol: str, rng: random.Random) -> Company:
    """The company of ``symbol``, or an invented one of the FTSE 100's kind, drawn by ``rng``.

    On ``EPOCH`` a walk began somewhere below its first known level: left to itself, it could have begun anywhere.
    """
    known = _companies().get(symbol) or _invented(rng)
    day, level = known.levels[0]
    began = () if day == EPOCH else ((EPOCH, level * rng.uniform(0.2, 0.9)),)
    return replace(known, levels=began + known.levels)


def _invented(rng: random.Random) -> Company:
    return Company(
        currency="GBp",
        volume=rng.randrange(200_000, 15_000_000),
        volatility=rng.uniform(0.18, 0.35),
        dividend_yield=rng.uniform(0.01, 0.06),
        payments=rng.choice((2, 2, 2, 4)),
        dividend_currency="GBp",
        levels=((last_level_day(), rng.choice(_LEVELS) * rng.uniform(0.9, 1.2)),),
    )


def company_symbols() -> frozenset[str]:
    """The symbols of which something is known."""
    return frozenset(_companies())


@lru_cache(maxsize=1)
def last_level_day() -> date:
    """The last day of any level: walks are drawn at least as far."""
    return max(levels[-1][0] for levels in _levels().values())


@lru_cache(maxsize=1)
def _companies() -> dict[str, Company]:
    levels = _levels()
    with COMPANIES.open(newline="", encoding="utf-8") as lines:
        rows = {row["symbol"]: {**row, "levels": levels[row["symbol"]]} for row in csv.DictReader(lines)}
    return msgspec.convert(rows, dict[str, Company], strict=False)


@lru_cache(maxsize=1)
def _levels() -> dict[str, Levels]:
    found: dict[str, list[tuple[date, float]]] = defaultdict(list)
    with LEVELS.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found[row["symbol"]].append((date.fromisoformat(row["day"]), float(row["level"])))
    return {symbol: tuple(sorted(levels)) for symbol, levels in found.items()}
