"""The contract's rules on a row by itself, as Polars expressions: each row gets the reason why it is bad, or null.

Only what makes the row's own value unusable is a reason. A doubt about a value that may be null costs that value
(``doubts``). Missing values: only ``nullable: false`` columns must be there; the other rules hold where both sides are.
"""

from __future__ import annotations

import polars as pl

from marketlake.contract import Contract


def row_reasons(contract: Contract, frame: pl.DataFrame) -> pl.Series:
    """The first rule that each row of ``frame`` (``dt`` and the contract's columns) breaks, null where none."""
    required = [column.name for column in contract.columns if not column.nullable]
    checks = [*_unit(contract), *_nulls(required), *_values(contract, required), _unique(contract)]
    return frame.select(pl.coalesce(checks).alias("reason")).to_series()


def broken_values(contract: Contract, names: list[str]) -> dict[tuple[str, str], pl.Expr]:
    """Column and words -> whether its value is no number that the contract allows, of the columns in ``names``."""
    doubles = [column.name for column in contract.columns if column.type == "double"]
    broken = {(name, "is not a finite number"): ~pl.col(name).is_finite() for name in doubles}
    broken |= {(name, "is not positive"): pl.col(name) <= 0 for name in contract.rules.positive}
    broken |= {(name, "is negative"): pl.col(name) < 0 for name in contract.rules.non_negative}
    return {(name, words): wrong for (name, words), wrong in broken.items() if name in names}


def _reason(broken: pl.Expr, text: str) -> pl.Expr:
    return pl.when(broken).then(pl.lit(text))


def _unit(contract: Contract) -> list[pl.Expr]:
    if contract.units is None:
        return []
    column, known = contract.units.quoted_column, list(contract.units.quoted)
    names = ", ".join(known)
    return [_reason(~pl.col(column).is_in(known), f"{column} is not one of {names}: no unit is known for these prices")]


def _nulls(required: list[str]) -> list[pl.Expr]:
    return [
        _reason(pl.col(name).is_null() | (pl.col(name).cast(pl.String) == ""), f"{name} is missing")
        for name in required
    ]


def _values(contract: Contract, required: list[str]) -> list[pl.Expr]:
    broken = broken_values(contract, required)
    return [_reason(wrong, f"{name} {words}") for (name, words), wrong in broken.items()]


def _unique(contract: Contract) -> pl.Expr:
    key = ["dt", *contract.key]
    return _reason(pl.len().over(key) > 1, f"more than one row for {', '.join(contract.key)}")
