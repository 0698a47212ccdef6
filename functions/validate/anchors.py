"""What the lake holds of the days before a batch: what an answer is held against."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from marketlake.contract import Contract
from marketlake.messages import Batch
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket
from marketlake.stored import read_years


def held_rows(contract: Contract, clean: Bucket, batch: Batch, first: date, frame: pl.DataFrame) -> pl.DataFrame:
    """``dt`` (date), key, the column of the rule on moves, and ``flags`` of what the lake holds before ``first``.

    Of a look-back also its own days. It is read from the year's object; where that lacks a symbol of ``frame``, which
    may have been wrong since the year before, from that of the year before, too. A batch that follows another of its
    execution is held against nothing: its days before are written side by side with it, or are to be replaced.
    """
    columns = ["dt", *contract.key, contract.rules.move.column, "flags"]
    schema = {"dt": pl.Date(), **polars_schema(contract)}
    nothing = pl.DataFrame(schema={name: schema[name] for name in columns})
    if frame.is_empty() or (batch.continues and not batch.recheck):
        return nothing

    def rows_of(years: Iterable[int]) -> pl.DataFrame:
        found = read_years(contract, clean, years).values()
        held = [year.frame.select(columns).with_columns(pl.col("dt").str.to_date("%Y-%m-%d")) for year in found]
        return pl.concat([nothing, *held])

    before = contract.days_up_to(first - timedelta(days=1), 1)
    last = (before or [first])[0].year
    rows = rows_of({last, first.year} if batch.recheck else {last})
    asked = frame.select(contract.key).unique()
    if not rows.is_empty() and asked.join(rows, on=contract.key, how="anti").height:
        rows = pl.concat([rows, rows_of({last - 1})])
    return rows if batch.recheck else rows.filter(pl.col("dt") < first)
