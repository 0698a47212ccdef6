"""The functions of a batch one after the other, as the state machine calls them: a source and an Athena of our own.

The source answers rates that grow day by day; Athena's answer is counted from the Parquet objects by Polars.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from athena_check import handler as check_handler
from athena_check.partitions import BY_DAY, BY_YEAR
from fetch import handler as fetch_handler
from fetch.sources.base import FetchedDays, FetchRequest
from marketlake import aws
from marketlake.layout import clean_key, year_key
from marketlake.schemas import glue_columns
from marketlake.symbols import symbols_in_force
from tests.unit.lake import RATES, Lake, rates_json
from transform import handler as transform_handler
from validate import handler as validate_handler

Results = dict[str, Any]

STAGES: list[tuple[str, Any, dict[str, str]]] = [
    ("Fetch", fetch_handler.handler, {}),
    ("Validate", validate_handler.handler, {"fetched": "Fetch"}),
    ("Transform", transform_handler.handler, {"validated": "Validate"}),
    ("AthenaCheck", check_handler.handler, {"transformed": "Transform"}),
]
"""State, function, and whose answers are in its event besides the batch."""


class Source:
    """The rates of any days; ``usd`` is that of the first."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.usd = lake, 1.05

    def fetch(self, request: FetchRequest) -> FetchedDays:
        days = list(request.days)
        listed = request.symbols or symbols_in_force(RATES, self.lake.artifacts, "EUR").expected(days[0], days[-1])
        rates = [dict.fromkeys(listed, 1.02 + number / 1000) for number in range(len(days))]
        rates[0]["USD"] = self.usd
        return FetchedDays(
            days={day: rates_json(day, of_day) for day, of_day in zip(days, rates, strict=True)},
            rows=dict.fromkeys(days, len(listed)),
            before=rates_json(date(2023, 1, 2), dict.fromkeys(listed, 1.01)),
        )


def use_fakes(lake: Lake, monkeypatch: pytest.MonkeyPatch, days: Sequence[date]) -> Source:
    """Give the functions a source, an Athena that is asked about ``days`` of one year, and a catalog."""
    made = Source(lake)
    glue: Any = aws.glue_client()
    glue.create_database(DatabaseInput={"Name": "marketlake"})
    table = {"Name": "fx_rates", "StorageDescriptor": {"Columns": glue_columns(RATES)}}
    glue.create_table(DatabaseName="marketlake", TableInput=table)
    monkeypatch.setattr(fetch_handler, "source_of", lambda *_: made)
    monkeypatch.setattr(check_handler, "run_query", lambda *_: counted_by_polars(lake, days))
    return made


def counted_by_polars(lake: Lake, days: Sequence[date]) -> list[dict[str, str | None]]:
    by_day = [pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("fx_rates", day)).body)) for day in days]
    year = pl.read_parquet(io.BytesIO(lake.clean.get(year_key("fx_rates", days[0].year)).body))
    by_year = [year.filter(pl.col("dt") == f"{day}").drop("dt") for day in days]
    return [
        {
            "form": form,
            "dt": f"{day}",
            "row_count": f"{frame.height}",
            "key_count": f"{frame['target_currency'].n_unique()}",
            **{f"{column}_nulls": f"{frame[column].null_count()}" for column in frame.columns},
            "rate_min": f"{frame.select(pl.min('rate')).item()}",
            "rate_max": f"{frame.select(pl.max('rate')).item()}",
        }
        for form, frames in ((BY_DAY, by_day), (BY_YEAR, by_year))
        for day, frame in zip(days, frames, strict=True)
    ]


def run_stages(batch: dict[str, Any], call: Callable[[str, Any, dict[str, Any]], dict[str, Any]]) -> Results:
    """The answers of the states, by name; ``call`` is given state, function and event without its task."""
    results = Results()
    for state, function, needs in STAGES:
        event = {"batch": batch, "started": "2023-01-06T20:00:00.000Z"}
        results[state] = call(state, function, event | {name: results[which] for name, which in needs.items()})
    return results
