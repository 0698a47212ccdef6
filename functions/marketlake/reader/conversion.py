"""Currencies, by the lake's own reference rates: those of the day, or the last published in the ten days before it."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

MOST_DAYS = 10
"""As in the view of adjusted closes and in the saved queries: longer ago, a rate does not serve."""

NO_WORTH = pl.DataFrame(
    schema={"dt": pl.Date(), "base_currency": pl.String(), "currency": pl.String(), "rate": pl.Float64()}
)
"""What ``worth_of`` answers to no rates."""


def worth_of(rates: pl.DataFrame) -> pl.DataFrame:
    """Units of each currency for one of its base, by day, whatever the base, which is worth 1 of itself.

    ``rates`` have the columns of ``fx_rates`` and ``dt`` as a date.
    """
    of_others = rates.select("dt", "base_currency", pl.col("target_currency").alias("currency"), "rate")
    of_base = rates.select("dt", "base_currency", pl.col("base_currency").alias("currency"), rate=1.0).unique()
    return pl.concat([of_others, of_base])


def cross_rates(worth: pl.DataFrame, pairs: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Of each pair, on each day on which both are published, units of the second currency for one of the first.

    Columns ``own``, ``other``, ``rate_dt``, ``rate``, sorted by ``rate_dt``. A day that has the pair by two bases has
    it by the last of them.
    """
    wanted = pl.DataFrame(list(pairs), schema={"own": pl.String(), "other": pl.String()}, orient="row")
    first = wanted.join(worth, left_on="own", right_on="currency")
    both = first.join(worth, left_on=["other", "dt", "base_currency"], right_on=["currency", "dt", "base_currency"])
    ratio = pl.when(pl.col("own") == pl.col("other")).then(1.0).otherwise(pl.col("rate_right") / pl.col("rate"))
    rated = both.select("own", "other", "base_currency", pl.col("dt").alias("rate_dt"), rate=ratio)
    return (
        rated.sort("rate_dt", "base_currency")
        .unique(["own", "other", "rate_dt"], keep="last")
        .sort("rate_dt")
        .drop("base_currency")
    )


def with_rates(rows: pl.DataFrame, own: str, other: pl.Expr, worth: pl.DataFrame) -> pl.DataFrame:
    """``rows`` (with ``dt``) with ``rate``, units of the currency ``other`` for one of the column ``own``, and with
    ``rate_dt``, the day of it. Both null where there was none in ``MOST_DAYS`` days; 1 and the day itself where the two
    currencies are the same.
    """
    asked = rows.with_columns(_place=pl.int_range(pl.len()), _other=other).sort("dt")
    pairs = asked.select(own, "_other").drop_nulls().unique().rows()
    rates = cross_rates(worth, pairs)
    found = asked.join_asof(
        rates,
        left_on="dt",
        right_on="rate_dt",
        by_left=[own, "_other"],
        by_right=["own", "other"],
        tolerance=f"{MOST_DAYS}d",
        coalesce=False,
        check_sortedness=False,
    )
    same = pl.col(own) == pl.col("_other")
    return (
        found.with_columns(
            rate=pl.when(same).then(1.0).otherwise("rate"), rate_dt=pl.when(same).then("dt").otherwise("rate_dt")
        )
        .sort("_place")
        .drop("_place", "_other", "own", "other", strict=False)
    )
