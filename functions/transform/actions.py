"""Corporate actions: the dividends and splits of all days in one small table, each with when it was first seen.

The days are what is true; the table follows them. It is made of what the lake holds where it does not exist, and
brought to what a batch wrote by whoever wrote it. An action that the source takes back stays, with the amount of none.

Two writers of one day: each reads the table after it wrote the day, then looks whether the day is still its own, and
writes the table on the condition that it is still the one that was read. So the last to write speaks of the days as
they are.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from marketlake.aliases import shipped_aliases
from marketlake.batch_rows import PARQUET, dated, to_parquet
from marketlake.contract import Contract
from marketlake.errors import ContractViolation, StorageUnavailable
from marketlake.history import years_stored
from marketlake.layout import actions_key, clean_etags
from marketlake.schemas import ACTION_COLUMNS, polars_types
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed
from marketlake.stored import read_year
from transform.days import Day

ATTEMPTS = 8

KEY = ("ex_dt", "ticker", "kind")
FACTS = ("amount", "currency")
SCHEMA = polars_types(ACTION_COLUMNS)


@dataclass(frozen=True)
class Kind:
    """A kind of action: the column with its amount, which is ``none`` on other days, and the one with its currency."""

    name: str
    column: str
    none: float
    currency_column: str | None


def kinds_of(contract: Contract) -> list[Kind]:
    """The kinds of action that the contract's rows tell of; none where they tell of none."""
    splits = [Kind(found.event, found.event_column, found.usual, None) for found in contract.adjustments]
    units = contract.units
    return [Kind("dividend", units.dividend_column, 0.0, units.dividend_currency_column), *splits] if units else splits


def record_actions(contract: Contract, clean: Bucket, days: Sequence[Day], today: date) -> int:
    """Bring the table to what the lake holds of ``days``, which are written; returns the number of actions changed.

    One request where nothing is new.

    Raises:
        StorageUnavailable: other executions replaced the table eight times in a row.
        ContractViolation: the table cannot be read.
    """
    if not kinds_of(contract):
        return 0
    key = actions_key(contract.name)
    for _ in range(ATTEMPTS):
        etag, known = read_actions(contract, clean)
        if known is None:
            known = updated(contract, pl.DataFrame(schema=SCHEMA), _events_of_lake(contract, clean), today)
        merged = _with_days(contract, known, days, today)
        if etag and merged.equals(known):
            return 0
        listed = clean_etags(clean, contract.name, days[0].dt, days[-1].dt)
        merged = _with_days(contract, known, [day for day in days if listed.get(day.dt) == day.etag], today)
        try:
            clean.put(key, to_parquet(merged), PARQUET, if_match=etag or None, if_absent=not etag)
        except PreconditionFailed:
            continue
        before = known if etag else known.clear()
        return merged.join(before, on=merged.columns, how="anti", nulls_equal=True).height
    raise StorageUnavailable(f"{key} was replaced {ATTEMPTS} times by other executions meanwhile; run these days again")


def read_actions(contract: Contract, clean: Bucket) -> tuple[str, pl.DataFrame | None]:
    """The table of the contract's dataset, each ticker under its name of today, and its object's ETag; None and empty
    where there is no such object.

    Raises:
        ContractViolation: it cannot be read.
    """
    key = actions_key(contract.name)
    try:
        stored = clean.get(key)
    except ObjectMissing:
        return "", None
    try:
        table = pl.read_parquet(io.BytesIO(stored.body)).select(SCHEMA.names()).cast(SCHEMA)
    except pl.exceptions.PolarsError as error:
        raise ContractViolation(
            f"{key} is not readable ({error}); remove it: the next run makes it anew of what the lake holds"
        ) from error
    names = {alias.old: alias.new for alias in shipped_aliases().values()}
    return stored.etag, table.with_columns(pl.col("ticker").replace(names)).unique(KEY, keep="first").sort(KEY)


def events_of(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """The actions that ``rows`` (with ``dt`` as text) tell of: key and facts; an amount of null is in doubt."""
    return pl.concat(
        rows.filter(pl.col(kind.column).ne_missing(kind.none)).select(
            ex_dt=pl.col("dt"),
            ticker=pl.col(contract.symbol_column),
            kind=pl.lit(kind.name),
            amount=pl.col(kind.column),
            currency=pl.col(kind.currency_column) if kind.currency_column else pl.lit(None, pl.String()),
        )
        for kind in kinds_of(contract)
    )


def updated(
    contract: Contract, known: pl.DataFrame, events: pl.DataFrame, today: date, days: Sequence[date] = ()
) -> pl.DataFrame:
    """The table ``known`` with the ``events``, all that there are on ``days``; sorted by key.

    New ones are first seen ``today``, those with other facts changed ``today``; of those on ``days`` that are not among
    ``events`` the amount is that of none.
    """
    here = pl.col("ex_dt").is_in([f"{day}" for day in days])
    amounts = {kind.name: kind.none for kind in kinds_of(contract)}
    none = pl.col("kind").replace_strict(amounts, default=None, return_dtype=pl.Float64())
    withdrawn = known.filter(here).join(events, on=KEY, how="anti").select(*KEY, none.alias("amount"), "currency")
    now = pl.concat([events, withdrawn]).with_columns(there=True)
    both = known.with_columns(known=True).join(now, on=KEY, how="full", coalesce=True, suffix="_now")
    is_new, is_said = pl.col("known").is_null(), pl.col("there").is_not_null()
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in FACTS)
    facts = [pl.when(is_said).then(pl.col(f"{name}_now")).otherwise(pl.col(name)).alias(name) for name in FACTS]
    first_seen = pl.when(is_new).then(pl.lit(f"{today}")).otherwise(pl.col("first_seen"))
    changed = pl.when(is_said & ~is_new & differs).then(pl.lit(f"{today}")).otherwise(pl.col("changed"))
    return both.select(*KEY, *facts, first_seen.alias("first_seen"), changed.alias("changed")).sort(KEY)


def _with_days(contract: Contract, known: pl.DataFrame, days: Sequence[Day], today: date) -> pl.DataFrame:
    if not days:
        return known
    rows = dated({day.dt: day.frame for day in days}, days[0].came.clear()).cast({"dt": pl.String()})
    return updated(contract, known, events_of(contract, rows), today, [day.dt for day in days])


def _events_of_lake(contract: Contract, clean: Bucket) -> pl.DataFrame:
    """The actions that the tables by year tell of, one year at a time: all of them are a lot of memory."""
    none = pl.DataFrame(schema={name: SCHEMA[name] for name in (*KEY, *FACTS)})
    years = (read_year(contract, clean, year) for year in years_stored(clean, contract.name))
    return pl.concat([none, *(events_of(contract, year.frame) for year in years if year is not None)])
