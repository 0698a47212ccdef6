"""Raw days as frames, by the way that Validate takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from marketlake.batch_rows import BatchRows
from marketlake.contract import Contract
from marketlake.schemas import polars_schema
from validate.handler import batch_rows, judged_rows
from validate.raw import RawDay, read_raw


def clean_frames(contract: Contract, days: Sequence[RawDay]) -> list[pl.DataFrame]:
    """The rows of each day, good or bad, in the clean table's columns."""
    rows = read_raw(contract, days).select("dt", *polars_schema(contract))
    frames = rows.partition_by("dt", as_dict=True, include_key=False)
    empty = pl.DataFrame(schema=polars_schema(contract))
    return [frames.get((day.day,), empty) for day in days]


def handed_on(
    contract: Contract,
    days: Sequence[RawDay],
    before: pl.DataFrame | None = None,
    unchanged: Sequence[date] = (),
    bad: Sequence[str] = (),
) -> BatchRows:
    """What Validate hands on of ``days``, without its rules: the rows of the symbols ``bad`` are quarantined.

    ``before`` are the last rows before them.
    """
    reason = pl.when(pl.col(contract.symbol_column).is_in(list(bad))).then(pl.lit("bad"))
    rows = read_raw(contract, days).select("dt", *polars_schema(contract), reason=reason)
    nothing = pl.DataFrame(schema=polars_schema(contract))
    return batch_rows(days, rows, nothing if before is None else before, unchanged)


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
