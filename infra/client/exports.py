"""What is exported: the rows of tables of the lake in a window, and what the lake lacks of them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from infra.client.errors import Refusal
from marketlake.aliases import current_name
from marketlake.contract import dataset_names

if TYPE_CHECKING:
    import polars as pl

    from marketlake import Lake

DAY_COLUMNS = ("dt", "ex_dt")
SYMBOL_COLUMNS = ("ticker", "target_currency")


@dataclass(frozen=True)
class Wanted:
    """Tables, and of them the rows of a window (both days included) and of symbols; None and empty: all there is."""

    tables: Sequence[str]
    symbols: Sequence[str] = ()
    start: date | None = None
    end: date | None = None


def wanted_of(
    lake: Lake, tables: Sequence[str], symbols: Sequence[str], start: date | None, end: date | None
) -> Wanted:
    """What is asked for, if it is there. Without ``tables``: all datasets, or those that have one of ``symbols``.

    Raises:
        Refusal: there is no such table or symbol, or the window ends before it starts.
    """
    if start and end and start > end:
        raise Refusal(f"--start {start} is after --end {end}; accepted is a start on or before the end")
    for name in tables:
        if name not in lake.tables():
            raise Refusal(f"there is no dataset or table {name!r}; there are {', '.join(lake.tables())}")
    names = [current_name(symbol) for symbol in dict.fromkeys(symbols)]
    known = {name: set(lake.symbols(name)) for name in dataset_names()} if names else {}
    for symbol in names:
        if not any(symbol in of_dataset for of_dataset in known.values()):
            raise Refusal(f"there is no ticker or currency {symbol!r}{_near(symbol, set().union(*known.values()))}")
    having = [name for name in dataset_names() if not names or set(names) & known[name]]
    return Wanted(list(dict.fromkeys(tables)) or having, names, start, end)


def _near(symbol: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(symbol, known)
    return f"; near are: {', '.join(near)}" if near else ""


def gaps_of(lake: Lake, wanted: Wanted, dataset: str) -> list[str]:
    """A line for what is expected of ``dataset`` and not there, if anything is.

    Raises:
        OutOfLake, NoLake: the lake does not have these days.
    """
    from marketlake.reader.gaps import described

    symbols = [symbol for symbol in wanted.symbols if symbol in lake.symbols(dataset)] if wanted.symbols else None
    gaps = lake.gaps(dataset, symbols, wanted.start, wanted.end)
    return [f"{dataset} lacks rows that are expected: {described(gaps)}"] if gaps.height else []


def rows_of(lake: Lake, wanted: Wanted, table: str) -> pl.DataFrame:
    """The rows of ``table``, by its days and symbols where it has such columns, which it is sorted by; days as dates.

    Raises:
        QueryFailed: DuckDB cannot read it.
    """
    import polars as pl

    columns = lake.sql(f'FROM "{table}" LIMIT 0').columns  # the name is one of lake.tables()
    day = next((column for column in DAY_COLUMNS if column in columns), None)
    symbol = next((column for column in SYMBOL_COLUMNS if column in columns), None)
    bounds = [(f"{day} {sign} ?", f"{at}") for sign, at in ((">=", wanted.start), ("<=", wanted.end)) if day and at]
    where = [text for text, _ in bounds]
    if symbol and wanted.symbols:
        where.append(f"{symbol} IN ({', '.join('?' * len(wanted.symbols))})")
    order = ", ".join(column for column in (day, symbol) if column)
    sql = f'FROM "{table}"' + f" WHERE {' AND '.join(where)}" * bool(where) + f" ORDER BY {order}" * bool(order)
    values = [value for _, value in bounds] + list(wanted.symbols if symbol else ())
    found = lake.sql(sql, values)
    return found.with_columns(pl.col(day).str.to_date()) if day else found
