"""The contract's row rules as Polars expressions: each row gets the reason why it is bad, or null.

Missing values: only ``nullable: false`` columns must be there; the other rules hold where both sides are.
"""

from __future__ import annotations

import polars as pl

from marketlake.contract import Contract

RELATIVE_TOLERANCE = 1e-9
"""Room for floating point in comparisons of prices that come from one conversion: low may equal open."""


def row_reasons(contract: Contract, frame: pl.DataFrame) -> pl.Series:
    """The first rule that each row of ``frame`` (``dt`` and the contract's columns) breaks, null where none."""
    checks = [
        *_unit(contract),
        *_nulls(contract),
        *_finite(contract),
        *_signs(contract),
        *_order(contract),
        *_portions(contract),
        _unique(contract),
    ]
    return frame.select(pl.coalesce(checks).alias("reason")).to_series()


def _reason(broken: pl.Expr, text: str) -> pl.Expr:
    return pl.when(broken).then(pl.lit(text))


def _unit(contract: Contract) -> list[pl.Expr]:
    if contract.units is None:
        return []
    column, known = contract.units.quoted_column, list(contract.units.quoted)
    names = ", ".join(known)
    return [_reason(~pl.col(column).is_in(known), f"{column} is not one of {names}: no unit is known for these prices")]


def _nulls(contract: Contract) -> list[pl.Expr]:
    required = [column.name for column in contract.columns if not column.nullable]
    return [
        _reason(pl.col(name).is_null() | (pl.col(name).cast(pl.String) == ""), f"{name} is missing")
        for name in required
    ]


def _finite(contract: Contract) -> list[pl.Expr]:
    doubles = [column.name for column in contract.columns if column.type == "double"]
    return [_reason(~pl.col(name).is_finite(), f"{name} is not a finite number") for name in doubles]


def _signs(contract: Contract) -> list[pl.Expr]:
    positive = [_reason(pl.col(name) <= 0, f"{name} is not positive") for name in contract.rules.positive]
    return positive + [_reason(pl.col(name) < 0, f"{name} is negative") for name in contract.rules.non_negative]


def _order(contract: Contract) -> list[pl.Expr]:
    return [
        _reason(pl.col(low) > pl.col(high) * (1 + RELATIVE_TOLERANCE), f"{low} is above {high}")
        for low, high in contract.rules.ordered
    ]


def _portions(contract: Contract) -> list[pl.Expr]:
    return [
        _reason(
            (pl.col(rule.column) != 0)
            & ~(pl.col(rule.column) / pl.col(rule.of)).is_between(
                rule.min * (1 - RELATIVE_TOLERANCE), rule.max * (1 + RELATIVE_TOLERANCE)
            ),
            f"{rule.column} is not {rule.min:g} to {rule.max:g} times {rule.of}",
        )
        for rule in contract.rules.portions
    ]


def _unique(contract: Contract) -> pl.Expr:
    key = ["dt", *contract.key]
    return _reason(pl.len().over(key) > 1, f"more than one row for {', '.join(contract.key)}")
