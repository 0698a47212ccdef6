"""The two data files of the cost: list prices (``prices.json``) and what is assumed (``assumptions.json``)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent

HOURS_A_MONTH = 730
DAYS_A_MONTH = 30.4
GB, TB = 10**9, 2**40
"""Bytes: AWS bills storage and logs by 2**30, so this errs on the dear side; Athena's TB is exact."""


@dataclass(frozen=True)
class Price:
    """One list price: ``usd`` for ``per`` units. ``free`` units of each month cost nothing in any account."""

    name: str
    service: str
    item: str
    usd: float
    per: float
    unit: str
    free: float
    source: str
    verified: str

    def of(self, quantity: float) -> float:
        """Dollars for ``quantity`` units."""
        return quantity * self.usd / self.per


@dataclass(frozen=True)
class Prices:
    """The price table of one region at one date."""

    date: str
    region: str
    by_name: dict[str, Price]


@cache
def prices() -> Prices:
    """The price table."""
    document = json.loads((HERE / "prices.json").read_text("utf-8"))
    found = {
        name: Price(
            name,
            entry["service"],
            entry["item"],
            entry["usd"],
            entry["per"],
            entry["unit"],
            entry["free_per_month"],
            entry["source"],
            entry["verified"],
        )
        for name, entry in document["prices"].items()
    }
    return Prices(document["date"], document["region"], found)


@cache
def _assumptions() -> dict[str, tuple[float, str]]:
    document = json.loads((HERE / "assumptions.json").read_text("utf-8"))
    return {name: (entry["value"], entry["why"]) for name, entry in document.items()}


def assumed(name: str) -> float:
    """The assumed value ``name``.

    Raises:
        KeyError: nothing of that name is assumed.
    """
    return _assumptions()[name][0]


def assumptions() -> dict[str, tuple[float, str]]:
    """All assumptions: name to value and reason."""
    return dict(_assumptions())
