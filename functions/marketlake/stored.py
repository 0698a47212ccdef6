"""What the lake has already: a year's object, and the rows of single days from it or from the day's own object."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from marketlake.aliases import shipped_aliases
from marketlake.contract import Contract, Units
from marketlake.errors import ContractViolation
from marketlake.history import DAYS as MARKS
from marketlake.history import days_to_text
from marketlake.layout import clean_etags, clean_key, year_key
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket, ObjectMissing, side_by_side

DAYS = "marketlake.days"
"""Name of the Parquet metadata of a year's object: each day with the ETag of the object that its rows are from."""


@dataclass(frozen=True)
class StoredDay:
    """The rows that the lake has of a day, and the ETag of the day's object, empty where only the year has the rows."""

    frame: pl.DataFrame
    etag: str


@dataclass(frozen=True)
class Year:
    """A year's object: its ETag, the ETags of the daily objects that its rows are from, and its rows with ``dt``.

    ``current``: as it would be written now of the same rows: with the contract's columns, and its days in its metadata.
    """

    etag: str
    days: dict[date, str]
    frame: pl.DataFrame
    current: bool


def read_years(contract: Contract, clean: Bucket, years: Iterable[int]) -> dict[int, Year]:
    """Those of ``years`` that have an object."""
    wanted = sorted(set(years))
    read = side_by_side(lambda year: read_year(contract, clean, year), wanted)
    return {year: found for year, found in zip(wanted, read, strict=True) if found is not None}


def read_year(contract: Contract, clean: Bucket, year: int) -> Year | None:
    """The year's object, its rows in the contract's columns; None where it does not exist.

    Raises:
        ContractViolation: it cannot be read. It is not made anew from the days that are there: that would be fewer.
    """
    key = year_key(contract.name, year)
    try:
        stored = clean.get(key)
    except ObjectMissing:
        return None
    try:
        days = json.loads(pl.read_parquet_metadata(io.BytesIO(stored.body))[DAYS])
        etags = {date.fromisoformat(day): str(etag) for day, etag in days.items()}
        frame = pl.read_parquet(io.BytesIO(stored.body))
    except (pl.exceptions.PolarsError, KeyError, ValueError, AttributeError) as error:
        raise ContractViolation(
            f"{key} is not readable ({error}); restore an earlier version of it: "
            f"marketlake restore {contract.name} {year}"
        ) from error
    rows = in_contracts_columns(contract, frame, key, dated=True)
    named = contract.symbol_column not in frame.columns or not _renamed(contract, frame)
    current = named and rows.schema == frame.schema and stored.metadata.get(MARKS) == days_to_text(year, etags)
    return Year(stored.etag, etags, rows, current)


def read_day(contract: Contract, clean: Bucket, day: date) -> StoredDay | None:
    """The day's object as it is now, its rows in the contract's columns; None where it has no object.

    Raises:
        ContractViolation: its columns are not those of the contract, nor of an earlier version of it.
    """
    key = clean_key(contract.name, day)
    try:
        stored = clean.get(key)
    except ObjectMissing:
        return None
    return StoredDay(in_contracts_columns(contract, pl.read_parquet(io.BytesIO(stored.body)), key), stored.etag)


def in_contracts_columns(contract: Contract, frame: pl.DataFrame, key: str, *, dated: bool = False) -> pl.DataFrame:
    """``frame``, which was stored at ``key`` by any version of the contract, in the columns of this one.

    A column that the contract has since is null, one that it has no more is left out. Rows from before prices had a
    currency get that of the unit in which they were quoted. ``dated``: the frame begins with ``dt``.

    Raises:
        ContractViolation: a value is not of the column's type.
    """
    schema = {"dt": pl.String(), **polars_schema(contract)} if dated else polars_schema(contract)
    if frame.schema == pl.Schema(schema):
        return under_current_names(contract, frame)
    if contract.units is not None:
        frame = _with_currencies(contract.units, frame)
    there = set(frame.columns)
    columns = (pl.col(name) if name in there else pl.lit(None).alias(name) for name in schema)
    try:
        fitted = frame.select(column.cast(kind) for column, kind in zip(columns, schema.values(), strict=True))
    except pl.exceptions.PolarsError as error:
        raise ContractViolation(
            f"{key} was written under another contract, and its values do not fit this one: {error}; "
            "give a column whose type changes another name"
        ) from error
    return under_current_names(contract, fitted)


def _renamed(contract: Contract, frame: pl.DataFrame) -> bool:
    """Whether ``frame`` has rows under a name that a ticker has no more."""
    return bool(frame[contract.symbol_column].is_in(list(shipped_aliases())).any())


def under_current_names(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with each ticker under its name of today; where a day has a row under both, that one is kept."""
    if not _renamed(contract, frame):
        return frame
    column = contract.symbol_column
    old = pl.col(column).is_in(list(shipped_aliases()))
    names = {alias.old: alias.new for alias in shipped_aliases().values()}
    key = [name for name in ("dt", *contract.key) if name in frame.columns]
    ordered = frame.with_columns(_old=old).sort("_old", maintain_order=True).drop("_old")
    named = ordered.with_columns(pl.col(column).replace(names))
    return named.unique(key, keep="first", maintain_order=True).sort(key)


def _with_currencies(units: Units, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the currencies of its prices and dividends, where it was stored before the contract had them.

    Every dividend was then read as an amount of the unit in which the prices are quoted.
    """
    needed = {units.quoted_column, units.dividend_column}
    if units.currency_column in frame.columns or not needed <= set(frame.columns):
        return frame
    currencies = {name: unit.currency for name, unit in units.quoted.items()}
    currency = pl.col(units.quoted_column).replace_strict(currencies, default=None, return_dtype=pl.String())
    paid = pl.when(pl.col(units.dividend_column) != 0.0).then(currency)
    return frame.with_columns(currency.alias(units.currency_column), paid.alias(units.dividend_currency_column))


def stored_days(
    contract: Contract, clean: Bucket, days: Sequence[date], years: Mapping[int, Year]
) -> dict[date, StoredDay]:
    """What the lake has of each of ``days`` (ascending), whose ``years`` were read; a day that it lacks is left out.

    The year has the rows of a day whose object it was made from, and of one whose object the lifecycle has removed. So
    only what was written since is read by itself.
    """
    wanted = set(days)
    listed = clean_etags(clean, contract.name, days[0], days[-1])
    there = {day: etag for day, etag in listed.items() if day in wanted}
    held = {day: etag for year in years.values() for day, etag in year.days.items() if day in wanted}
    current = [day for day in wanted & held.keys() if there.get(day) in (None, held[day])]
    found = {day: StoredDay(rows, there.get(day, "")) for day, rows in _rows_of(contract, years, current).items()}
    newer = sorted(there.keys() - found.keys())
    # Each may be another by now than was listed, or gone.
    read = side_by_side(lambda day: read_day(contract, clean, day), newer)
    return found | {day: stored for day, stored in zip(newer, read, strict=True) if stored is not None}


def _rows_of(contract: Contract, years: Mapping[int, Year], days: Sequence[date]) -> dict[date, pl.DataFrame]:
    """The rows of ``days`` in ``years``, each sorted by key; a day without rows is an empty frame."""
    if not days:
        return {}
    texts = [f"{day}" for day in days]
    rows = pl.concat(year.frame.filter(pl.col("dt").is_in(texts)) for year in years.values())
    parts = rows.partition_by("dt", as_dict=True, include_key=False)
    nothing = rows.drop("dt").clear()
    return {day: parts.get((text,), nothing).sort(contract.key) for day, text in zip(days, texts, strict=True)}
