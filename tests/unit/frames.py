"""Raw days as frames, by the way that Validate takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from marketlake.contract import Contract
from marketlake.schemas import polars_schema
from validate.handler import judged_rows
from validate.raw import RawDay, read_raw


def clean_frames(contract: Contract, days: Sequence[RawDay]) -> list[pl.DataFrame]:
    """The rows of each day, good or bad, in the clean table's columns."""
    frames = read_raw(contract, days).partition_by("dt", as_dict=True, include_key=False)
    empty = pl.DataFrame(schema=polars_schema(contract))
    return [frames.get((day.day,), empty) for day in days]


def judged(
    contract: Contract,
    days: Sequence[RawDay],
    before: bytes | None = None,
    lake: Sequence[tuple[date, str, float]] = (),
) -> pl.DataFrame:
    """All rows of ``days`` with a ``reason``, null for good ones; ``lake``: day, symbol and value that it holds."""
    frame = read_raw(contract, days, before)
    rows = judged_rows(contract, frame, held(contract, lake))
    return rows.filter(pl.col("dt") >= min(day.day for day in days))


def held(contract: Contract, lake: Sequence[tuple[date, str, float]]) -> pl.DataFrame:
    """``lake`` as ``anchors.held_rows`` gives it out."""
    value = contract.rules.move.column
    schema = {"dt": pl.Date(), contract.symbol_column: pl.String(), value: pl.Float64()}
    further = {"flags": pl.lit(None, pl.String())}
    if "base_currency" in contract.key:
        further["base_currency"] = pl.lit("EUR")
    columns = ["dt", *contract.key, value, "flags"]
    return pl.DataFrame(list(lake), schema=schema, orient="row").with_columns(**further).select(columns)
