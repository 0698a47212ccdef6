"""The rules on a row and its neighbours in time that need no more than both: the stale repetition, and the spike."""

from __future__ import annotations

import polars as pl

from marketlake.contract import Contract


def repeat_reasons(contract: Contract, frame: pl.DataFrame, bad: pl.Series) -> pl.Series:
    """The reason why each row is a repetition, null where it is not one.

    ``frame`` has ``dt`` and the contract's columns, rows before the batch included; ``bad`` says which rows another
    rule refused already: they are neither judged nor compared with.
    """
    rule = contract.rules.repeat
    good = frame.with_row_index("row").filter(~bad).sort(*contract.key, "dt")
    again = pl.all_horizontal(_as_before(contract, name) for name in rule.columns)
    traded = pl.lit(False) if rule.traded is None else _as_before(contract, rule.traded) & (pl.col(rule.traded) > 0)
    # A few trades at one price, of a round number of shares, do come again from one day to the next.
    moved = pl.max_horizontal(rule.columns) > pl.min_horizontal(rule.columns)
    judged = good.with_columns(again=again.fill_null(False), traded=(traded & moved).fill_null(False)).with_columns(
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


def spikes(contract: Contract, rows: pl.DataFrame) -> pl.Series:
    """Whether each of the good ``rows`` (by day and key) is a one-day spike between two neighbours that agree."""
    rule, value = contract.rules.spike, pl.col(contract.rules.move.column)
    before, after = (value.shift(days).over(contract.key) for days in (1, -1))
    up, down = pl.max_horizontal(before, after), pl.min_horizontal(before, after)
    beyond = (value > up * rule.min_ratio) | (value * rule.min_ratio < down)
    # A neighbour that does not exist must not count as one that agrees.
    agree = before.is_not_null() & after.is_not_null() & (up <= down * rule.max_return)
    return rows.select((beyond & agree).fill_null(False).alias("spike")).to_series()
