"""The saved queries that a dashboard asks, and what they answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.client.athena import run_query
from infra.client.errors import OpsError
from infra.client.saved_queries import find_query, literals_of, with_literals
from infra.client.target import Target
from infra.dashboard.window import Window

Given = Mapping[str, str]
Rows = list[dict[str, Any]]

EVERY, SPIKE = "9999", "2.5"
"""All tickers are movers to the page, which cuts them; and the times the usual volume from which a day is told."""


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
    }


def ask(target: Target, name: str, given: Given) -> Answer:
    """The answer to the saved query ``name``; an error of Athena's is part of the page, as that section's answer."""
    saved = find_query(name)
    texts = [f"{key}={value}" for key, value in given.items()]
    command = " ".join(["marketlake query", name, *(f"--param {text}" for text in texts)])
    literals = literals_of(saved, texts)
    try:
        # MiniStack's Athena ignores ExecutionParameters.
        local = target.is_local
        table = run_query(target, *((with_literals(saved.sql, literals),) if local else (saved.sql, literals))).table
    except OpsError as error:
        return Answer(name, command, [], str(error))
    return Answer(name, command, table.to_pylist())


def ask_all(target: Target, window: Window, told: Callable[[str], None]) -> dict[str, Answer]:
    """All answers, by the query's name; ``told`` hears of each before it is asked."""
    answers = {}
    for name, given in questions(window).items():
        told(name)
        answers[name] = ask(target, name, given)
    return answers
