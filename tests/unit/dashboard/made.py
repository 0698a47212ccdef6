"""Dashboards made from rows that a test writes, with no lake behind them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import boto3

from infra.client.lake import Inventory
from infra.client.target import Target
from infra.dashboard.document import document
from infra.dashboard.questions import PRICES, Answer, Window, questions
from marketlake.contract import load_contract

MADE_AT = datetime(2026, 1, 10, 9, 30, tzinfo=UTC)
SIMULATED = {"prices": {"simulated": True, "seed": 7}}
WINDOW = Window(date(2026, 1, 5), date(2026, 1, 9), date(2026, 1, 9))

Rows = list[dict[str, Any]]


def close(ticker: str, dt: str, price: float, **more: Any) -> dict[str, Any]:
    """A row of closes_and_averages."""
    averages = dict.fromkeys(("average_20", "average_50", "average_200"))
    return {"dt": dt, "ticker": ticker, "close": price, "volume": 1000} | averages | more


def inventory(*days: date) -> Inventory:
    """The prices of ``days``, complete and gone by day, where all of the window's weekdays are due."""
    due = tuple(date(2026, 1, day) for day in range(5, 10))
    return Inventory(load_contract(PRICES), due, frozenset(), frozenset(days), frozenset(days))


def made(stock: Inventory | None = None, errors: dict[str, str] | None = None, **rows: Rows) -> dict[str, Any]:
    """A document in which each query answered ``rows`` of its name, or nothing, or failed with its error."""
    failed = errors or {}
    answers = {
        name: Answer(name, f"marketlake query {name}", rows.get(name, []), failed.get(name, ""))
        for name in questions(WINDOW)
    }
    account = Target(
        boto3.Session(region_name="eu-west-2"), "123456789012", "eu-west-2", "marketlake", replay=SIMULATED
    )
    return document(account, [stock or inventory()], WINDOW, answers, MADE_AT)
