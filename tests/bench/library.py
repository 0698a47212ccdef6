"""The ten-year questions to the library for readers and to the emulator's Athena, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import polars as pl

from marketlake import Lake
from marketlake.layout import year_table
from tests.bench.output import row, spread, title
from tests.bench.years import FIRST, LAST, QUESTIONS, YEARS
from tests.e2e.pipeline import Pipeline

REPEATS = 15

ADJUSTED = f"SELECT dt, adj_close FROM ftse100_prices_adjusted WHERE {YEARS} AND ticker = 'AZN.L' ORDER BY dt"  # noqa: S608


def total_return(lake: Lake) -> pl.DataFrame:
    """Of one ticker, as the question puts it."""
    rows = lake.scan("ftse100_prices", FIRST, LAST).filter(ticker="AZN.L")
    grown = (pl.col("close") + pl.col("dividend")) / pl.col("close").shift(1)
    return rows.select(grown.log().sum().exp() - 1).collect()


def yearly_averages(lake: Lake) -> pl.DataFrame:
    """Of all tickers."""
    rows = lake.scan("ftse100_prices", FIRST, LAST)
    return rows.group_by("ticker", "year").agg(pl.col("close").mean(), pl.col("volume").mean()).collect()


OWN: dict[str, Callable[[Lake], pl.DataFrame]] = {
    "prices, all columns, gaps looked for": lambda lake: lake.prices("AZN.L", FIRST, LAST, adjusted=False),
    "scan": total_return,
    "scan of all tickers": yearly_averages,
    "rates, gaps looked for": lambda lake: lake.rates("GBP", FIRST, LAST),
    "prices adjusted, all columns, gaps looked for": lambda lake: lake.prices("AZN.L", FIRST, LAST),
}
"""What a reader asks the library for each of ``questions``, in their order."""


def questions() -> dict[str, str]:
    """The SQL of each question, by what it asks."""
    asked = {q.text: q.sql.format(table=year_table(q.dataset), window=YEARS) for q in QUESTIONS}
    return asked | {"adjusted closes of one ticker": ADJUSTED}


def library(pipeline: Pipeline) -> None:
    """Ask each question of Athena by year, of ``Lake.sql`` in the same words, and of the library's own methods."""
    lake = Lake.local(pipeline.config.root)
    for (text, sql), (way, own) in zip(questions().items(), OWN.items(), strict=True):
        assert lake.sql(sql).height == len(pipeline.query(sql)) == own(lake).height > 0
        asks = partial(pipeline.query, sql), partial(lake.sql, sql), partial(own, lake)
        athena, ratios = [], []
        for _ in range(REPEATS):
            seconds = [_seconds(ask) for ask in asks]
            athena.append(seconds[0])
            ratios.append([seconds[0] / other for other in seconds[1:]])
        title(text, "asked by", "times as fast as the emulated Athena")
        row("the emulated Athena, s", f"{statistics.median(athena):.2f}")
        for what, found in zip(("Lake.sql", way), zip(*ratios, strict=True), strict=True):
            row(what, spread(found, 0))


def _seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began
