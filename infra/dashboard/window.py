"""Which days a dashboard shows, from the listings of the lake's keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from infra.client.errors import Refusal
from infra.client.lake import Inventory, last_due_day, take_inventory
from infra.client.target import Target
from marketlake.contract import dataset_names

PRICES = "ftse100_prices"


@dataclass(frozen=True)
class Window:
    """Days that are shown, both ends included; ``last_prices`` is the last among them with prices, if there is one."""

    start: date
    end: date
    last_prices: date | None

    @property
    def day(self) -> date:
        """The day that movers and returns are told for."""
        return self.last_prices or self.end


def take_stock(target: Target) -> list[Inventory]:
    """What the lake holds of each dataset, from its first day stored to the last day due."""
    return [take_inventory(target, name, None, None) for name in dataset_names()]


def choose_window(target: Target, inventories: list[Inventory], start: date | None, end: date | None) -> Window:
    """From ``start`` to ``end``; by default the year to the last day stored, or due where nothing is.

    Raises:
        Refusal: the window ends before it starts.
    """
    stored = [day for inventory in inventories for day in inventory.clean]
    last = end or max(stored, default=last_due_day(target, PRICES))
    first = start or year_before(last)
    if first > last:
        raise Refusal(f"the window starts on {first} and ends on {last}", "give a --start on or before the --end")
    prices = {day for inventory in inventories if inventory.contract.name == PRICES for day in inventory.clean}
    return Window(first, last, max((day for day in prices if first <= day <= last), default=None))


def year_before(day: date) -> date:
    """The same day a year earlier; 28 February for the 29th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
