"""The day-on-day rule: each value against the last good one before it, symbol by symbol.

Comparing neighbours alone would blame the good day after a bad one, so this goes through the days in order and leaves
bad ones out of the comparison.
"""

from __future__ import annotations

import polars as pl

from marketlake.contract import Contract, MoveRule
from validate.rules import suspicious_symbols


def move_reasons(contract: Contract, frame: pl.DataFrame, bad: pl.Series) -> pl.Series:
    """The reason why each row's move is too large, null where it is not.

    ``frame`` has ``dt`` and the contract's columns, rows before the batch included as the first good values; ``bad``
    says which rows another rule refused already: they are neither judged nor compared with.
    """
    reasons: list[str | None] = [None] * frame.height
    suspects = suspicious_symbols(contract, frame.filter(~bad))
    if suspects:
        rows = frame.with_row_index("row").filter(~bad & pl.col(contract.symbol_column).is_in(suspects))
        rows = rows.sort(*contract.key, "dt")
        _judge(
            contract.rules.move, rows.select("row", contract.symbol_column, contract.rules.move.column).rows(), reasons
        )
    return pl.Series("reason", reasons, dtype=pl.String())


def _judge(rule: MoveRule, rows: list[tuple[int, str, float | None]], reasons: list[str | None]) -> None:
    last: float | None = None
    current = ""
    for row, symbol, value in rows:
        if symbol != current:
            current, last = symbol, None
        if value is None:
            continue
        reason = move_reason(rule, last, value) if last is not None else None
        reasons[row] = reason
        if reason is None:
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
