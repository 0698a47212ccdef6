"""Rows that are expected and not there: by the dataset's calendar, and by the days on which each symbol is listed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import lru_cache

import polars as pl

from marketlake.contract import Contract, load_contract
from marketlake.intervals import day_ranges
from marketlake.symbols import Symbols

MISSING_DAY, MISSING_ROW, NO_ROWS = "day missing", "row missing", "no rows"
SHOWN = 3

GAPS = pl.Schema(
    {
        "dataset": pl.String(),
        "symbol": pl.String(),
        "start": pl.Date(),
        "end": pl.Date(),
        "days": pl.Int64(),
        "why": pl.String(),
    }
)


def find_gaps(
    contract: Contract,
    symbols: Symbols,
    asked: Sequence[str],
    rows: pl.DataFrame,
    held: Collection[date],
    window: tuple[date, date],
) -> pl.DataFrame:
    """The gaps of ``rows`` (columns ``dt``, a date, and the symbol's) in ``window``: a row a day range, as ``GAPS``.

    ``day missing``: the lake holds nothing of these days of the calendar, ``symbol`` is null. ``row missing``: it holds
    the days, not these rows, which are expected. ``no rows``: of a symbol of ``asked`` in all of the window, in which
    it is not expected either. ``days`` counts days of the calendar.
    """
    due = _due(contract.name, *window)
    column = contract.symbol_column
    there = set(rows[column].unique())
    listed = [(x.symbol, x.valid_from, x.valid_to) for x in symbols.only(set(asked)).listings]
    listings = pl.LazyFrame(listed, schema={"symbol": pl.String(), "from": pl.Date(), "to": pl.Date()}, orient="row")
    lacking = (
        pl.LazyFrame({"dt": [day for day in due if day in held]}, schema={"dt": pl.Date()})
        .join(listings, how="cross")
        .filter(pl.col("dt").is_between("from", "to"))
        .join(rows.lazy().select("dt", pl.col(column).alias("symbol")), on=["dt", "symbol"], how="anti")
        .select("symbol", "dt")
        .unique()
        .sort("symbol", "dt")
        .collect()
    )
    found: list[tuple[str | None, date, date, int, str]] = [
        (None, *span, MISSING_DAY) for span in day_ranges(due, [day for day in due if day not in held])
    ]
    expected = set()
    for (symbol,), part in lacking.group_by("symbol", maintain_order=True):
        expected.add(symbol)
        found += [(symbol, *span, MISSING_ROW) for span in day_ranges(due, part["dt"].to_list())]
    found += [(x, *window, len(due), NO_ROWS) for x in asked if due and x not in there and x not in expected]
    return pl.DataFrame([(contract.name, *one) for one in found], schema=GAPS, orient="row")


@lru_cache(maxsize=16)
def _due(dataset: str, start: date, end: date) -> Sequence[date]:
    """Days of the calendar: ten years of them take longer to find than their rows."""
    return load_contract(dataset).days(start, end)


def described(gaps: pl.DataFrame) -> str:
    """The first of ``gaps`` in words, and how many more there are."""
    texts = [
        f"{row['symbol'] or 'all symbols'} {row['start']} to {row['end']} "
        f"({row['days']} day{'s' * (row['days'] > 1)}: {row['why']})"
        for row in gaps.head(SHOWN).iter_rows(named=True)
    ]
    more = gaps.height - SHOWN
    return "; ".join(texts) + (f"; and {more} more" if more > 0 else "")
