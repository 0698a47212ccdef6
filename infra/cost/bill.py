"""Quantities of priced things, and the bill that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from infra.cost.tables import Prices

Quantities = Mapping[str, float]
"""Name of a price to how much of it."""


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
    """Lines, in the price table's order, without those that nothing was used of."""

    lines: tuple[Line, ...]

    @cached_property
    def total(self) -> float:
        """Dollars at list price, no free tier taken off."""
        return sum(line.usd for line in self.lines)

    @cached_property
    def free(self) -> float:
        """Dollars that the free tier takes off, where the account uses it for nothing else."""
        return sum(line.free_usd for line in self.lines)

    def by_service(self) -> dict[str, float]:
        """Dollars a service, dearest first."""
        sums: dict[str, float] = {}
        for line in self.lines:
            sums[line.service] = sums.get(line.service, 0.0) + line.usd
        return dict(sorted(sums.items(), key=lambda found: -found[1]))

    def largest(self, count: int = 3) -> list[Line]:
        """The dearest lines."""
        return sorted(self.lines, key=lambda line: -line.usd)[:count]


def bill(quantities: Quantities, prices: Prices) -> Bill:
    """The bill for ``quantities``.

    Raises:
        KeyError: something has no price.
    """
    unknown = sorted(set(quantities) - set(prices.by_name))
    if unknown:
        raise KeyError(f"there is no price for {', '.join(unknown)}; add it to prices.json")
    return Bill(
        tuple(
            Line(
                price.service,
                price.item,
                quantities[name],
                price.unit,
                price.of(quantities[name]),
                price.of(min(quantities[name], price.free)),
            )
            for name, price in prices.by_name.items()
            if quantities.get(name)
        )
    )


def together(*parts: Quantities) -> dict[str, float]:
    """The sum of ``parts``."""
    sums: dict[str, float] = {}
    for part in parts:
        for name, quantity in part.items():
            sums[name] = sums.get(name, 0.0) + quantity
    return sums


def times(quantities: Quantities, factor: float) -> dict[str, float]:
    """``quantities``, each ``factor`` times."""
    return {name: quantity * factor for name, quantity in quantities.items()}
