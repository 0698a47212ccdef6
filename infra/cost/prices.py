"""List prices (``prices.json``), what is assumed (``assumptions.json``), and the bill that quantities make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

HERE = Path(__file__).resolve().parent

HOURS_A_MONTH = 730
DAYS_A_MONTH = 30.4
GB, TB = 10**9, 2**40
"""Bytes: AWS bills storage and logs by 2**30, so this gives slightly too much; Athena's TB is exact."""

Quantities = Mapping[str, float]
"""Name of a price to how much of it."""


@dataclass(frozen=True)
class Price:
    """One list price: ``usd`` for ``per`` units. ``free_per_month`` units cost nothing in any account."""

    service: str
    item: str
    usd: float
    per: float
    unit: str
    free_per_month: float
    source: str
    verified: str

    def of(self, quantity: float) -> float:
        """Dollars for ``quantity`` units."""
        return quantity * self.usd / self.per


@dataclass(frozen=True)
class PriceList:
    """The prices of one region at one date, by name."""

    date: str
    region: str
    prices: dict[str, Price]


@cache
def price_list() -> PriceList:
    """The price list."""
    return msgspec.json.decode((HERE / "prices.json").read_bytes(), type=PriceList)


@cache
def _assumptions() -> dict[str, dict[str, Any]]:
    return msgspec.json.decode((HERE / "assumptions.json").read_bytes(), type=dict[str, dict[str, Any]])


def assumed(name: str) -> float:
    """The assumed value ``name``.

    Raises:
        KeyError: nothing of that name is assumed.
    """
    return float(_assumptions()[name]["value"])


@dataclass(frozen=True)
class Line:
    """One item of a bill; ``free_usd`` is what the monthly free tier would take off it."""

    service: str
    item: str
    quantity: float
    unit: str
    usd: float
    free_usd: float


@dataclass(frozen=True)
class Bill:
    """Lines, largest first, without items of which nothing was used."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """Dollars at list price, no free tier taken off."""
        return sum(line.usd for line in self.lines)

    @property
    def free(self) -> float:
        """Dollars that the free tier takes off, where the account uses it for nothing else."""
        return sum(line.free_usd for line in self.lines)


def bill(*parts: Quantities) -> Bill:
    """The bill for the sum of ``parts``.

    Raises:
        KeyError: something has no price.
    """
    prices, sums = price_list().prices, Counter[str]()
    for part in parts:
        sums.update(part)
    unknown = sorted(set(sums) - set(prices))
    if unknown:
        raise KeyError(f"there is no price for {', '.join(unknown)}; add it to prices.json")
    lines = [
        Line(p.service, p.item, used, p.unit, p.of(used), p.of(min(used, p.free_per_month)))
        for p, used in ((prices[name], used) for name, used in sums.items() if used)
    ]
    return Bill(tuple(sorted(lines, key=lambda line: -line.usd)))
