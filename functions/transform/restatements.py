"""Restatements: days that are in the lake and come again with other values, all by one factor.

A source that adjusts for splits restates every earlier day when one happens. The days that a run sees
again show it: where the older ones of them moved by the same factor and the newer ones did not, the days that the run
does not see have moved as well. A correction moves one day, or its prices by different factors. One day may have been
corrected on the evening of a split: of three days or more that moved by one factor, it does not hide the restatement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from marketlake.batch_rows import BatchRows, dated
from marketlake.contract import Adjustment, Contract
from marketlake.history import history_of
from marketlake.intervals import from_intervals
from marketlake.messages import Batch
from marketlake.restatements import Restatement
from marketlake.storage import Bucket
from marketlake.stored import StoredDay, Year, read_years, stored_days
from transform.days import Day

QUOTE_STEP = 0.01
"""Coarsest rounding expected of a quoted price: two decimals of the unit in which it is quoted. A factor is known as
exactly as the two prices that it is read from."""

FLOAT_NOISE = 1e-5
"""Relative difference that means nothing: Yahoo's prices are 32-bit floats."""


ENOUGH = 3
"""Days that move by one factor in one night: no three corrections do."""


def notice_restatements(
    contract: Contract, clean: Bucket, batch: Batch, rows: BatchRows, days: Sequence[Day], years: Mapping[int, Year]
) -> list[Restatement]:
    """Restatements that this batch does not bring on one basis; to be called before ``days`` are written over.

    A batch of done days compares what the lake has of them with ``rows``. Every batch compares the lake's day before
    it with the last of the bars before it, which came in the same pass: after a week without runs there is no other
    day to be seen twice. Days that were asked for to be written again are expected to change. ``years`` are those of
    the batch, as they were read.
    """
    if not contract.adjustments:
        return []
    before = _day_before(contract, clean, batch, rows, years)
    then = {last: stored.frame for last, stored in before.items()}
    then |= {day.dt: day.old.frame for day in days if day.old and batch.recheck}
    if not then:
        return []
    now = pl.concat([dated(dict.fromkeys(before, rows.before), rows.before.clear()), rows.frame])
    found = find_restated(contract, dated(then, rows.before.clear()), now, rows.unchanged)
    if not found:
        return []
    first = min(history_of(clean, contract.name, None, date.max), default=None)
    return [replace(restated, first=f"{first}") if first else restated for restated in found]


def _day_before(
    contract: Contract, clean: Bucket, batch: Batch, rows: BatchRows, years: Mapping[int, Year]
) -> dict[date, StoredDay]:
    """The day before the batch, if the lake has it, it came now as well, and no other batch writes it; else nothing."""
    if rows.before.is_empty() or batch.continues:
        return {}
    start = from_intervals(contract, batch.days)[0]
    earlier = contract.days_up_to(start - timedelta(days=1), 1)
    if not earlier:
        return {}
    (last,) = earlier
    if last.year not in years:
        years = read_years(contract, clean, [last.year])
    return stored_days(contract, clean, [last], years)


def find_restated(
    contract: Contract, before: pl.DataFrame, now: pl.DataFrame, unchanged: Sequence[date] = ()
) -> list[Restatement]:
    """The symbols whose older days moved by one factor from ``before`` to ``now``, by the contract's adjustments.

    Both frames have ``dt`` and the clean table's columns; days in one of them only are not compared. ``unchanged`` are
    days that came again just as they were, and are in neither. What is found begins with the first day of ``before``.
    """
    both = before.join(now, on=["dt", *contract.key], suffix="_now").with_columns(step=_step(contract))
    first_same = min(unchanged, default=None)
    first = f"{before.select(pl.col('dt').min()).item()}"
    return [
        Restatement(contract.name, symbol, adjustment.event, factor, first, f"{last}", adjustment.mails)
        for adjustment in contract.adjustments
        for symbol, factor, last in _restated(contract, adjustment, both, now, first_same)
    ]


def _restated(
    contract: Contract, adjustment: Adjustment, both: pl.DataFrame, now: pl.DataFrame, first_same: date | None
) -> list[tuple[str, float, date]]:
    symbol = contract.symbol_column
    seen = both.select("dt", symbol, *_bounds(adjustment)).drop_nulls().sort("dt")
    moved = ~pl.lit(1.0).is_between(pl.col("low"), pl.col("high"))
    seen = seen.with_columns(agrees=moved & _as_the_first(symbol, moved))
    all_agree = (pl.col("agrees") == moved).all()
    found = (
        seen.group_by(symbol)
        .agg(
            low=pl.col("low").filter("agrees").max(),
            high=pl.col("high").filter("agrees").min(),
            last=pl.col("dt").filter(moved).max(),
            days=moved.sum(),
            most=all_agree | ((pl.col("agrees").sum() >= ENOUGH) & ((moved.sum() - pl.col("agrees").sum()) == 1)),
            alone=~all_agree,
            same=pl.min_horizontal(pl.col("dt").filter(~moved).min(), pl.lit(first_same, dtype=pl.Date)),
        )
        .join(_next_events(contract, adjustment, now, seen.filter(moved)), on=symbol, how="left")
        .with_columns(factor=(pl.col("low") * pl.col("high")).sqrt())
    )
    # Some days with one factor and one without it are like days in a wrong unit, where that is the factor.
    most = pl.col("most") & ~(pl.col("alone") & _unit_error(contract))
    one_factor = (pl.col("days") > 0) & (pl.col("low") <= pl.col("high")) & most
    # A day that did not move after one that did is where the event was: more than one day, or the event itself, says
    # that it was one. Where nothing but one day was seen, and it moved 100-fold, that is the mark of a unit error.
    ended = pl.col("same").is_null() | (pl.col("last") < pl.col("same"))
    certain = (pl.col("days") > 1) | pl.col("event") | (pl.col("same").is_null() & ~_unit_error(contract))
    rows = found.filter(one_factor & ended & certain).sort(symbol).select(symbol, "factor", "last").rows()
    return [(name, round(factor, 6), last) for name, factor, last in rows]


def _as_the_first(symbol: str, moved: pl.Expr) -> pl.Expr:
    """Whether a row's factor can be that of its symbol's first day that moved; the rows are in the order of days."""
    low, high = (pl.col(name).filter(moved).first().over(symbol) for name in ("low", "high"))
    return (pl.col("low") <= high) & (pl.col("high") >= low)


def _next_events(contract: Contract, adjustment: Adjustment, now: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """For each symbol that moved, whether the first row after its last moved day has the event."""
    symbol = contract.symbol_column
    lasts = moved.group_by(symbol).agg(last=pl.col("dt").max())
    later = now.join(lasts, on=symbol).filter(pl.col("dt") > pl.col("last")).sort("dt")
    happened = pl.col(adjustment.event_column).first() != adjustment.usual
    return lasts.select(symbol).join(later.group_by(symbol).agg(event=happened), on=symbol, how="left").fill_null(False)


def _bounds(adjustment: Adjustment) -> list[pl.Expr]:
    """Least and greatest factor that explain a row, given how exactly its prices are known; low > high if none does."""
    pairs = [(pl.col(f"{name}_now") / pl.col(name), 1 + FLOAT_NOISE + _rounding(name)) for name in adjustment.columns]
    return [
        pl.max_horizontal(factor / margin for factor, margin in pairs).alias("low"),
        pl.min_horizontal(factor * margin for factor, margin in pairs).alias("high"),
    ]


def _rounding(name: str) -> pl.Expr:
    """Relative error of the ratio from rounding: half a step of each price that it is made of."""
    return sum((pl.col("step") / 2 / pl.col(column) for column in (name, f"{name}_now")), pl.lit(0.0))


def _step(contract: Contract) -> pl.Expr:
    if contract.units is None:
        return pl.lit(QUOTE_STEP)
    per_unit = {name: unit.per_unit for name, unit in contract.units.quoted.items()}
    quoted = pl.col(contract.units.quoted_column).replace_strict(per_unit, default=None, return_dtype=pl.Float64())
    return QUOTE_STEP / quoted


def _unit_error(contract: Contract) -> pl.Expr:
    move = contract.rules.move
    spread = 1 + move.unit_tolerance
    factor = pl.max_horizontal(pl.col("factor"), 1 / pl.col("factor"))
    return factor.is_between(move.unit_ratio / spread, move.unit_ratio * spread)
