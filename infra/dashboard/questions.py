"""Which days a dashboard shows, the saved queries that it asks about them, and what they answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from infra.client.athena import run_saved
from infra.client.errors import OpsError, Refusal
from infra.client.lake import Inventory, last_due_day, take_inventory
from infra.client.saved_queries import find_query
from infra.client.target import Target
from marketlake.contract import dataset_names

PRICES = "ftse100_prices"

Given = Mapping[str, str]
Rows = list[dict[str, Any]]

EVERY, SPIKE = "9999", "2.5"
"""All tickers are movers to the page, which cuts them; and the multiple of the usual volume that is a spike."""


@dataclass(frozen=True)
class Window:
    """Days that are shown, both ends included; ``last_prices`` is the last among them with prices, if there is one."""

    start: date
    end: date
    last_prices: date | None

    @property
    def day(self) -> date:
        """The day of the movers and the returns."""
        return self.last_prices or self.end


def take_stock(target: Target) -> list[Inventory]:
    """What the lake holds of each dataset, from its first day stored to the last day due."""
    return [take_inventory(target, name, None, None) for name in dataset_names()]


def choose_window(target: Target, inventories: list[Inventory], start: date | None, end: date | None) -> Window:
    """From ``start`` to ``end``; by default the year to the last day stored, or due where nothing is.

    Raises:
        Refusal: the window ends before it starts.
    """
    stored = [day for inventory in inventories for day in inventory.in_history]
    last = end or max(stored, default=last_due_day(target, PRICES))
    first = start or year_before(last)
    if first > last:
        raise Refusal(f"the window starts on {first} and ends on {last}", "give a --start on or before the --end")
    prices = {day for inventory in inventories if inventory.contract.name == PRICES for day in inventory.in_history}
    return Window(first, last, max((day for day in prices if first <= day <= last), default=None))


def year_before(day: date) -> date:
    """The same day a year earlier; 28 February for the 29th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


@dataclass(frozen=True)
class Answer:
    """The rows of a saved query, or ``error`` where Athena could not answer; ``command`` asks it again."""

    name: str
    command: str
    rows: Rows
    error: str = ""


def questions(window: Window) -> dict[str, Given]:
    """Saved query to its parameters."""
    days = {"start": f"{window.start}", "end": f"{window.end}"}
    day = {"day": f"{window.day}"}
    return {
        "closes_and_averages": days,
        "companies": days,
        "movers_of_day": day | {"places": EVERY},
        "returns": day,
        "highs_and_lows": day,
        "volatility_and_drawdown": days,
        "all_rates": days,
        "volume_spikes": days | {"times": SPIKE},
        "missing_days": days,
        "symbol_gaps": days,
        "quarantined_rows": days,
        "flagged_rows": days,
        "rows_by_month": days,
    }


def ask(target: Target, name: str, given: Given) -> Answer:
    """The answer to the saved query ``name``; an error of Athena's is part of the page, as that section's answer."""
    saved = find_query(name)
    texts = [f"{key}={value}" for key, value in given.items()]
    command = " ".join(["marketlake query", name, *(f"--param {text}" for text in texts)])
    try:
        table = run_saved(target, saved, texts).table
    except OpsError as error:
        return Answer(name, command, [], f"{error}; {error.advice}" if error.advice else f"{error}")
    return Answer(name, command, table.to_pylist())


def ask_all(target: Target, window: Window, asking: Callable[[str], None]) -> dict[str, Answer]:
    """All answers, by the query's name; ``asking`` is called with each name before."""
    answers = {}
    for name, given in questions(window).items():
        asking(name)
        answers[name] = ask(target, name, given)
    return answers
