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
    broken: dict[str, pl.Expr] = {}
    if contract.units is not None:
        column, known = contract.units.quoted_column, list(contract.units.quoted)
        text = f"{column} is not one of {', '.join(known)}: no unit is known for these prices"
        broken[text] = ~pl.col(column).is_in(known)
    for name in required:
        broken[f"{name} is missing"] = pl.col(name).is_null() | (pl.col(name).cast(pl.String) == "")
    broken |= {f"{name} {words}": wrong for (name, words), wrong in broken_values(contract, required).items()}
    broken[f"more than one row for {', '.join(contract.key)}"] = pl.len().over("dt", *contract.key) > 1
    checks = [pl.when(wrong).then(pl.lit(text)) for text, wrong in broken.items()]
    return frame.select(pl.coalesce(checks).alias("reason")).to_series()


def broken_values(contract: Contract, names: list[str]) -> dict[tuple[str, str], pl.Expr]:
    """Column and words -> whether its value is no number that the contract allows, of the columns in ``names``."""
    doubles = [column.name for column in contract.columns if column.type == "double"]
    broken = {(name, "is not a finite number"): ~pl.col(name).is_finite() for name in doubles}
    broken |= {(name, "is not positive"): pl.col(name) <= 0 for name in contract.rules.positive}
    broken |= {(name, "is negative"): pl.col(name) < 0 for name in contract.rules.non_negative}
    return {(name, words): wrong for (name, words), wrong in broken.items() if name in names}
