"""The rules on a row and its symbol's last good row before it: the day-on-day move, and the stale repetition.

Comparing neighbours alone would blame the good day after a bad one, so the moves go through the days in order and leave
bad ones out of the comparison. They start from the median of the bars before the batch: the last of them alone may be
as wrong as any.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from marketlake.contract import Contract, MoveRule
from validate.raw import CONTEXT_END

SPLIT_WORTH_A_LOOK = 1.5
"""Smaller splits, up or down, cannot be distinguished from a market's move."""


def move_reasons(contract: Contract, frame: pl.DataFrame, bad: pl.Series) -> pl.Series:
    """The reason why each row's move is too large, null where it is not.

    ``frame`` has ``dt`` and the contract's columns, rows before the batch included as the first good values; ``bad``
    says which rows another rule refused already: they are neither judged nor compared with.
    """
    reasons: list[str | None] = [None] * frame.height
    rule = contract.rules.move
    suspects = suspicious_symbols(contract, frame.filter(~bad))
    if suspects:
        rows = frame.with_row_index("row").filter(~bad & pl.col(contract.symbol_column).is_in(suspects))
        rows = rows.sort(*contract.key, "dt")
        usual = rows.filter(pl.col("dt") < CONTEXT_END).group_by(contract.symbol_column).agg(pl.median(rule.column))
        split = pl.lit(1.0) if rule.split_column is None else pl.col(rule.split_column)
        judged = rows.select("row", contract.symbol_column, rule.column, split.alias("split")).rows()
        _judge(rule, judged, dict(usual.iter_rows()), reasons)
    return pl.Series("reason", reasons, dtype=pl.String())


def suspicious_symbols(contract: Contract, frame: pl.DataFrame) -> Sequence[str]:
    """Symbols with a split, or any move beyond the contract's bound between neighbours; most batches have none."""
    move = contract.rules.move
    ratio = pl.col(move.column) / pl.col(move.column).shift(1).over(contract.key, order_by="dt")
    beyond = (ratio > move.max_ratio) | (ratio < 1 / move.max_ratio)
    split = pl.lit(False) if move.split_column is None else pl.col(move.split_column) != 1
    found: list[str] = frame.filter(beyond | split)[contract.symbol_column].unique().sort().to_list()
    return found


def _judge(
    rule: MoveRule,
    rows: list[tuple[int, str, float | None, float]],
    usual: dict[str, float],
    reasons: list[str | None],
) -> None:
    last: float | None = None
    current = ""
    for row, symbol, value, split in rows:
        if symbol != current:
            current, last = symbol, usual.get(symbol)
        if value is None:
            continue
        if last is not None:
            reasons[row] = split_reason(rule, last, value, split) or move_reason(rule, last, value)
        if reasons[row] is None:
            last = value


def move_reason(rule: MoveRule, before: float, now: float) -> str | None:
    """Why the move from ``before`` to ``now`` (both positive) breaks ``rule``, None where it does not."""
    ratio = max(now / before, before / now)
    if ratio <= rule.max_ratio:
        return None
    spread = 1 + rule.unit_tolerance
    if rule.unit_ratio / spread <= ratio <= rule.unit_ratio * spread:
        return f"{rule.column} moved {ratio:.0f}-fold from {before:g} to {now:g}: a unit error, pence for pounds"
    return f"{rule.column} moved {ratio:.1f}-fold from {before:g} to {now:g}, beyond {rule.max_ratio:g}-fold"


def split_reason(rule: MoveRule, before: float, now: float, split: float) -> str | None:
    """Why the move on the day of a split (new shares for each old one) breaks ``rule``, None where it does not."""
    size = max(split, 1 / split) if split > 0 else 1.0
    ratio = max(now / before, before / now)
    spread = 1 + rule.split_tolerance
    if size < SPLIT_WORTH_A_LOOK or not size / spread <= ratio <= size * spread:
        return None
    wrong = "not adjusted" if (now < before) == (split > 1) else "adjusted twice"
    return f"{rule.column} moved {ratio:.1f}-fold from {before:g} to {now:g} with its split: earlier prices are {wrong}"


def repeat_reasons(contract: Contract, frame: pl.DataFrame, bad: pl.Series) -> pl.Series:
    """The reason why each row is a repetition, null where it is not one.

    ``frame`` has ``dt`` and the contract's columns, rows before the batch included; ``bad`` says which rows another
    rule refused already: they are neither judged nor compared with.
    """
    rule = contract.rules.repeat
    good = frame.with_row_index("row").filter(~bad).sort(*contract.key, "dt")
    again = pl.all_horizontal(_as_before(contract, name) for name in rule.columns)
    traded = pl.lit(False) if rule.traded is None else _as_before(contract, rule.traded) & (pl.col(rule.traded) > 0)
    judged = good.with_columns(again=again.fill_null(False), traded=traded.fill_null(False)).with_columns(
        many=(pl.col("again").sum().over("dt") >= rule.min_rows) & (pl.col("again").mean().over("dt") > rule.max_share)
    )
    reason = (
        pl.when("again", "many")
        .then(pl.lit(f"{', '.join(rule.columns)} as the day before, as in most rows of the day: a stale answer"))
        .when("again", "traded")
        .then(pl.lit(f"{', '.join(rule.columns)} and {rule.traded} as the day before: a stale row"))
    )
    found = judged.select("row", reason=reason).sort("row")
    return frame.with_row_index("row").select("row").join(found, on="row", how="left", maintain_order="left")["reason"]


def _as_before(contract: Contract, name: str) -> pl.Expr:
    """Equal to the symbol's last good row; a value that is missing is equal to nothing."""
    return pl.col(name) == pl.col(name).shift(1).over(contract.key)
