"""Values in doubt in good rows: what becomes null, and the flags that say so. The row stays.

Flags are names of rules: ``value`` (not a number that the contract allows), ``range``, ``dividend_size``,
``dividend_adjusted``, and ``spike`` and ``split``, which take no value away.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from marketlake.contract import Contract, DividendRule, RangeRule
from marketlake.symbols import currencies_of
from validate.neighbours import beside
from validate.raw import ADJUSTMENT
from validate.rules import broken_values

RELATIVE_TOLERANCE = 1e-6
"""Room for rounding in comparisons of prices of one row: Yahoo's are 32-bit floats, exact to 6e-8."""

NOTHING_IMPLIED = 5e-4
"""Share of the price below which adjusted closes imply no dividend: they differ in the sixth digit between answers, and
those of a share of a few pence are rounded coarsely."""

WORTH_MISSING = 2e-3
"""Share of the price from which on an implied dividend is missed where none is listed."""

PLACE = "place"

A_HUNDREDTH = 0.02
"""Below this part of a dividend, adjusted closes are adjusted for a hundredth of it, or not yet."""


def with_doubts(contract: Contract, rows: pl.DataFrame, marks: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Good ``rows`` (``raw_schema``, by key and day, those before a batch included) without the values in doubt.

    ``flags`` names the rules that were broken, sorted; ``marks`` are further ones: flag -> whether each row has it.
    """
    nullable = [column.name for column in contract.columns if column.nullable]
    broken: dict[str, list[pl.Expr]] = {}
    for (name, _), wrong in broken_values(contract, nullable).items():
        broken.setdefault(name, []).append(wrong)
    wrong_values = {name: pl.any_horizontal(wrong).fill_null(False) for name, wrong in broken.items()}
    doubts = [("value", rows.select(**wrong_values))] if wrong_values else []
    rows = _without(rows, doubts[0][1]) if doubts else rows
    if contract.rules.range:
        doubts.append(("range", rows.select(**_range(contract.rules.range))))
        rows = _without(rows, doubts[-1][1])
    if contract.rules.dividend:
        for flag, doubt, costs in _dividends(contract.rules.dividend, contract, rows):
            doubts.append((flag, rows.select(doubt.alias("flagged"))))
            column = contract.rules.dividend.column
            rows = rows.with_columns(pl.when(~costs.fill_null(False)).then(pl.col(column)).alias(column))
    found = {flag: frame.select(pl.any_horizontal(pl.all()).fill_null(False)).to_series() for flag, frame in doubts}
    return _flagged(rows, {**found, **marks})


def _without(rows: pl.DataFrame, doubts: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with null where ``doubts``, by the same column names, is true."""
    wrong = [name for name in doubts.columns if doubts[name].any()]
    return rows.with_columns(pl.when(~doubts[name]).then(rows[name]).alias(name) for name in wrong)


def _flagged(rows: pl.DataFrame, found: Mapping[str, pl.Series]) -> pl.DataFrame:
    names = [flag for flag in sorted(found) if found[flag].any()]
    if not names:
        return rows
    marks = pl.DataFrame({flag: found[flag] for flag in names})
    flags = marks.select(
        pl.concat_str([pl.when(flag).then(pl.lit(flag)) for flag in names], separator=",", ignore_nulls=True)
    ).to_series()
    return rows.with_columns(pl.when(flags != "").then(flags).alias("flags"))


def _range(rule: RangeRule) -> dict[str, pl.Expr]:
    """Column -> whether it contradicts the close; the open also where it is outside of what is left of the range."""
    close, room = pl.col(rule.close), 1 + RELATIVE_TOLERANCE
    names = (rule.open, rule.high, rule.low)
    far = {name: ~(pl.col(name) / close).is_between(1 / rule.max_ratio, rule.max_ratio) for name in names}
    high = far[rule.high] | (pl.col(rule.high) * room < close)
    low = far[rule.low] | (pl.col(rule.low) > close * room)
    opened, over = pl.col(rule.open), pl.col(rule.high)
    outside = (~high & (opened > over * room)) | (~low & (opened * room < pl.col(rule.low)))
    return {rule.high: high.fill_null(False), rule.low: low.fill_null(False), rule.open: far[rule.open] | outside}


def _dividends(rule: DividendRule, contract: Contract, rows: pl.DataFrame) -> list[tuple[str, pl.Series, pl.Series]]:
    """For both rules about dividends: flag, whether each row breaks it, and whether that costs the amount."""
    if not ((rows[rule.column] != 0).any() or rows[ADJUSTMENT].is_not_null().any()):
        return []
    factor, price = (beside(contract, name) for name in (ADJUSTMENT, rule.of))
    next_day = pl.col(PLACE) == beside(contract, PLACE) + 1
    columns = rows.with_columns(_places(contract, rows).alias(PLACE)).select(
        implied_before=1 - beside(contract, ADJUSTMENT, 2) / factor,
        amount=pl.col(rule.column),
        share=pl.col(rule.column) / pl.coalesce(price, rule.of),
        # Over more than a day it is the product of all dividends between, of days too that are not here.
        implied=pl.when(next_day).then(1 - factor / pl.col(ADJUSTMENT)),
        # A currency without a unit in the contract, such as rand, cannot be compared with a price at all.
        comparable=pl.col(rule.currency_column).is_in(sorted(currencies_of(contract) or ())).fill_null(True),
        same=pl.col(rule.currency_column).eq_missing(pl.col(rule.price_currency_column)).fill_null(True)
        | pl.col(rule.currency_column).is_null(),
        newest=beside(contract, "dt", -1).is_null(),
    )
    size = columns.select(_size(rule)).to_series()
    verdict = columns.select(doubt=_contradicted(rule), costs=_costs(rule))
    doubt = verdict["doubt"] & ~size
    return [("dividend_size", size, size), ("dividend_adjusted", doubt, doubt & verdict["costs"])]


def _places(contract: Contract, rows: pl.DataFrame) -> pl.Series:
    """The number of each row's day among the days of the contract's calendar, null for another day."""
    dates = rows["dt"]
    days = contract.days(dates.min(), dates.max())  # type: ignore[arg-type]
    return dates.replace_strict(days, range(len(days)), default=None, return_dtype=pl.Int64())


def _size(rule: DividendRule) -> pl.Expr:
    """Not between the least and the greatest share of the price; in another currency by a rate of exchange more."""
    least, most = rule.min * (1 - RELATIVE_TOLERANCE), rule.max * (1 + RELATIVE_TOLERANCE)
    spread = pl.when("same").then(1.0).otherwise(rule.currency_tolerance)
    share = pl.col("share")
    return (
        (pl.col("amount") != 0) & pl.col("comparable") & ~((share * spread >= least) & (share <= most * spread))
    ).fill_null(False)


def _contradicted(rule: DividendRule) -> pl.Expr:
    """The adjusted closes imply another dividend: another amount, or one where none is listed.

    On the newest day of an answer the source has not always adjusted, and that is no contradiction.
    """
    implied, share = pl.col("implied"), pl.col("share")
    usable = implied.is_finite() & (implied > -NOTHING_IMPLIED)
    spread = pl.when("same").then(rule.tolerance).otherwise(rule.currency_tolerance)
    agrees = (implied / share).is_between(1 / spread, spread) | ((implied - share).abs() <= NOTHING_IMPLIED)
    waiting = pl.col("newest") & (implied <= NOTHING_IMPLIED) & (share <= rule.ordinary[1])
    listed = (pl.col("amount") != 0) & pl.col("comparable") & usable & ~agrees & ~waiting
    # A step back up follows a step down where one row alone has another adjusted close.
    alone = pl.col("implied_before") < -NOTHING_IMPLIED
    missed = (pl.col("amount") == 0) & implied.is_between(WORTH_MISSING, rule.ordinary[1]) & ~alone.fill_null(False)
    return (listed | missed).fill_null(False)


def _costs(rule: DividendRule) -> pl.Expr:
    """Whether a contradiction costs the amount: not where an ordinary amount was adjusted for by none, by a hundredth
    of it, or by more than any ordinary amount, which is the source's error in adjusting."""
    implied = pl.col("implied")
    late = implied <= pl.max_horizontal(pl.lit(NOTHING_IMPLIED), A_HUNDREDTH * pl.col("share"))
    beyond = implied > rule.ordinary[1]
    ordinary = pl.col("share").is_between(*rule.ordinary)
    return ~(ordinary & (late | beyond)).fill_null(False)
