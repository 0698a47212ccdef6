"""What the page reads: the answers as one JSON document, each ticker's numbers in the order of the days."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from infra.client.lake import Inventory
from infra.client.target import Target
from infra.dashboard.questions import PRICES, Answer, Rows, Window

DIGITS = 6
"""Significant digits of a number in the page; the lake and the queries have them all."""

SHOWN_ROWS = 200
"""Most rows of a list, such as gaps, that go into the page; their number is beside it."""

SERIES = ("close", "volume", "average_20", "average_50", "average_200")

Answers = Mapping[str, Answer]


def document(
    target: Target, inventories: Sequence[Inventory], window: Window, answers: Answers, made_at: datetime
) -> dict[str, Any]:
    """The document; days are ISO dates, shares such as 0.05 are 5 %, prices are in each ticker's currency."""
    missing = [row["missing_day"] for row in answers["missing_days"].rows if row["dataset"] == PRICES]
    closes = answers["closes_and_averages"].rows
    # A day that the lake lacks has its place on the axis, so that the gap is seen.
    days = sorted({row["dt"] for row in closes} | _between(missing, [row["dt"] for row in closes]))
    return {
        "made_at": made_at.isoformat(timespec="minutes"),
        "target": target.described,
        "simulated": target.simulated,
        "window": {"start": f"{window.start}", "end": f"{window.end}", "day": _text(window.last_prices)},
        "datasets": [_freshness(inventory) for inventory in inventories],
        "days": days,
        "tickers": _tickers(answers, days),
        "movers": _rounded(answers["movers_of_day"].rows),
        "rates": _rates(answers["all_rates"].rows),
        "lists": {
            name: {"count": len(answers[name].rows), "rows": _rounded(answers[name].rows[:SHOWN_ROWS])}
            for name in ("volume_spikes", "missing_days", "symbol_gaps", "quarantined_rows", "flagged_rows")
        },
        "rows": sum(row["row_count"] for row in answers["rows_by_month"].rows),
        "asked": [{"name": a.name, "command": a.command, "error": a.error} for a in answers.values()],
    }


def _between(missing: Sequence[str], present: Sequence[str]) -> set[str]:
    """The missing days that have days on both sides."""
    return {day for day in missing if present and min(present) < day < max(present)}


def _freshness(inventory: Inventory) -> dict[str, Any]:
    contract, last = inventory.contract, max(inventory.in_history, default=None)
    return {
        "name": contract.name,
        "description": contract.description,
        "first": _text(min(inventory.in_history, default=None)),
        "last": _text(last),
        "last_due": _text(max(inventory.due, default=None)),
        "due": len(inventory.due),
        "complete": len(inventory.complete),
        "behind": sum(last is None or day > last for day in inventory.due),
    }


def _tickers(answers: Answers, days: Sequence[str]) -> list[dict[str, Any]]:
    """A record a ticker: what is known of it, and its series, a number or null for each of ``days``."""
    facts: dict[str, dict[str, Any]] = defaultdict(dict)
    for name in ("companies", "returns", "highs_and_lows", "volatility_and_drawdown"):
        for row in answers[name].rows:
            facts[row["ticker"]] |= {key: value for key, value in row.items() if key not in ("dt", "days")}
    for row in answers["movers_of_day"].rows:
        facts[row["ticker"]]["one_day"] = row["change"]
    series: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in answers["closes_and_averages"].rows:
        series[row["ticker"]][row["dt"]] = row
    return [
        {
            "company": ticker,
            "sector": "unknown",
            "currency": None,
            **_record(facts[ticker]),
            "ticker": ticker,
            "series": {name: [_short(rows.get(day, {}).get(name)) for day in days] for name in SERIES},
            "last_dt": max(rows),
        }
        for ticker, rows in sorted(series.items())
    ]


def _rates(rows: Rows) -> dict[str, Any]:
    days = sorted({row["dt"] for row in rows})
    rates: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in rows:
        rates[row["target_currency"], row["base_currency"]][row["dt"]] = row["rate"]
    currencies = [
        {"symbol": symbol, "base": base, "values": [_short(known.get(day)) for day in days]}
        for (symbol, base), known in sorted(rates.items())
    ]
    return {"days": days, "currencies": currencies}


def _rounded(rows: Rows) -> Rows:
    return [_record(row) for row in rows]


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _short(value) for key, value in row.items()}


def _short(value: Any) -> Any:
    """A number to a few digits, null where JSON has no such number; anything else as it is."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def _text(day: object) -> str | None:
    return None if day is None else f"{day}"
