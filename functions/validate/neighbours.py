"""The rules on a row and its neighbours in time that need no more than both: the stale repetition, and the spike."""

from __future__ import annotations

import polars as pl

from marketlake.contract import Contract


def beside(contract: Contract, column: str, rows: int = 1) -> pl.Expr:
    """The value of ``column`` so many ``rows`` before the symbol's own (after it, where negative), else null.

    For frames by key and day: a shift costs a tenth of a window.
    """
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(rows) for name in contract.key)
    return pl.when(same).then(pl.col(column).shift(rows))


def repeat_reasons(contract: Contract, frame: pl.DataFrame, bad: pl.Series) -> pl.Series:
    """The reason why each row is a repetition, null where it is not one.

    ``frame`` has ``dt`` and the contract's columns, by key and day, rows before the batch included; ``bad`` says which
    rows another rule refused already: they are neither judged nor compared with.
    """
    rule = contract.rules.repeat
    good = frame.with_row_index("row").filter(~bad)
    again = pl.all_horizontal(_as_before(contract, name) for name in rule.columns)
    traded = pl.lit(False) if rule.traded is None else _as_before(contract, rule.traded) & (pl.col(rule.traded) > 0)
    # A few trades at one price, of a round number of shares, do come again from one day to the next.
    moved = pl.max_horizontal(rule.columns) > pl.min_horizontal(rule.columns)
    judged = good.select("row", "dt", again=again.fill_null(False), traded=(again & traded & moved).fill_null(False))
    many = (pl.col("again").sum() >= rule.min_rows) & (pl.col("again").mean() > rule.max_share)
    days = judged.group_by("dt").agg(many).filter("again")["dt"]
    stale = judged.filter(pl.col("again") & (pl.col("dt").is_in(days.implode()) | pl.col("traded")))
    prices = ", ".join(rule.columns)
    reason = (
        pl.when(pl.col("dt").is_in(days.implode()))
        .then(pl.lit(f"{prices} as the day before, as in most rows of the day: a stale answer"))
        .otherwise(pl.lit(f"{prices} and {rule.traded} as the day before: a stale row"))
    )
    found = pl.Series("reason", [None], pl.String()).new_from_index(0, frame.height)
    return found if stale.is_empty() else found.scatter(stale["row"], stale.select(reason).to_series())


def _as_before(contract: Contract, name: str) -> pl.Expr:
    """Equal to the symbol's last good row; a value that is missing is equal to nothing."""
    return pl.col(name) == beside(contract, name)


def spikes(contract: Contract, rows: pl.DataFrame) -> pl.Series:
    """Whether each of the good ``rows`` (by key and day) is a one-day spike between two neighbours that agree."""
    rule, column = contract.rules.spike, contract.rules.move.column
    value, before, after = pl.col(column), beside(contract, column), beside(contract, column, -1)
    up, down = pl.max_horizontal(before, after), pl.min_horizontal(before, after)
    beyond = (value > up * rule.min_ratio) | (value * rule.min_ratio < down)
    # A neighbour that does not exist must not count as one that agrees.
    agree = before.is_not_null() & after.is_not_null() & (up <= down * rule.max_return)
    return rows.select((beyond & agree).fill_null(False).alias("spike")).to_series()
