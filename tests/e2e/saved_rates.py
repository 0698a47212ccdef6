"""What each saved query over rates or about quality must answer, computed by Polars from the frames, without SQL.

A function has the name of its query; it takes the lake's frames and the parameters as text.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from marketlake.contract import load_contract
from tests.e2e.saved_frames import DATASETS, Asked, Frames, window


def per_euro(lake: Frames, *codes: str) -> pl.DataFrame:
    """Rate of each of ``codes`` on each day of the lake, whose base is the euro; columns dt and the codes."""
    assert set(lake.rates["base_currency"]) <= {"EUR"}
    found = lake.rates.select("dt").unique().sort("dt")
    for code in codes:
        rate = lake.rates.filter(target_currency=code).select("dt", pl.col("rate").alias(code))
        own = found.select("dt", pl.lit(1.0).alias(code)) if code == "EUR" else rate
        found = found.join(own, on="dt", how="left")
    return found


def prices_in_currencies(lake: Frames, p: Asked) -> pl.DataFrame:
    def dated(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(day=pl.col("dt").str.to_date()).sort("day")

    prices = dated(window(lake.prices, p["start"], p["end"]).filter(ticker=p["ticker"]))
    rates = dated(per_euro(lake, "GBP", "EUR", "USD")).rename({"dt": "rate_dt"})
    found = prices.join_asof(rates, on="day", strategy="backward", tolerance="10d")
    codes = ("GBP", "EUR", "USD")
    own = pl.coalesce(pl.when(currency=code).then(pl.col(code)) for code in codes)
    closes = [
        pl.when(currency=code)
        .then("close")
        .otherwise(pl.col("close") / own * pl.col(code))
        .alias(f"close_{code.lower()}")
        for code in codes
    ]
    return found.select("dt", "ticker", "close", "currency", "rate_dt", *closes)


def currency_history(lake: Frames, p: Asked) -> pl.DataFrame:
    found = window(lake.rates, p["start"], p["end"]).filter(target_currency=p["currency"])
    return found.select("dt", "base_currency", "target_currency", "rate")


def all_rates(lake: Frames, p: Asked) -> pl.DataFrame:
    found = window(lake.rates, p["start"], p["end"]).sort("target_currency", "dt")
    return found.select("dt", "base_currency", "target_currency", "rate")


def cross_rates(lake: Frames, p: Asked) -> pl.DataFrame:
    one, other = p["from_currency"], p["to_currency"]
    found = window(per_euro(lake, one, other), p["start"], p["end"]).drop_nulls()
    found = found.select("dt", rate=pl.col(other) / pl.col(one))
    return found.with_columns(change=pl.col("rate").pct_change())


def missing_days(lake: Frames, p: Asked) -> pl.DataFrame:
    first, last = date.fromisoformat(p["start"]), date.fromisoformat(p["end"])
    rows = []
    for dataset in DATASETS:
        there = set(lake.symbols(dataset)["dt"])
        rows += [(dataset, f"{day}") for day in load_contract(dataset).days(first, last) if f"{day}" not in there]
    return pl.DataFrame(rows, schema=["dataset", "missing_day"], orient="row")


def symbol_gaps(lake: Frames, p: Asked) -> pl.DataFrame:
    rows: list[tuple[str, str, str, str | None, int]] = []
    for dataset in DATASETS:
        seen = window(lake.symbols(dataset), p["start"], p["end"])
        days = sorted(set(seen["dt"]))
        for (symbol,), of_symbol in sorted(seen.group_by("symbol")):
            there, last = set(of_symbol["dt"]), of_symbol["dt"][0]
            without = 0
            for day in [*days[days.index(last) :], None]:
                if day in there or day is None:
                    if without:
                        rows.append((dataset, str(symbol), last, day, without))
                    last, without = str(day), 0
                else:
                    without += 1
    return pl.DataFrame(rows, schema=["dataset", "symbol", "last_before", "first_after", "days_without"], orient="row")


def quarantined_rows(lake: Frames, p: Asked) -> pl.DataFrame:
    seen = window(lake.quarantine, p["start"], p["end"])
    counted = seen.group_by("dataset", "dt", "symbol", "reason").agg(times=pl.len())
    present = {(name, *row) for name in DATASETS for row in lake.symbols(name).rows()}
    there = ["yes" if row in present else "no" for row in counted.select("dataset", "dt", "symbol").rows()]
    return counted.with_columns(in_lake_now=pl.Series(there, dtype=pl.String)).sort("dataset", "dt", "symbol", "reason")


def flagged_rows(lake: Frames, p: Asked) -> pl.DataFrame:
    flagged = [
        window(lake.datasets[name], p["start"], p["end"])
        .filter(pl.col("flags").is_not_null())
        .select("dt", "flags", dataset=pl.lit(name), symbol=load_contract(name).symbol_column)
        for name in DATASETS
    ]
    return pl.concat(flagged).select("dataset", "dt", "symbol", "flags").sort("dataset", "dt", "symbol")


def rows_by_month(lake: Frames, p: Asked) -> pl.DataFrame:
    counted = [
        window(lake.datasets[name], p["start"], p["end"])
        .group_by(dataset=pl.lit(name), month=pl.col("dt").str.slice(0, 7))
        .agg(days=pl.col("dt").n_unique(), row_count=pl.len(), flagged=pl.col("flags").count())
        for name in DATASETS
    ]
    return pl.concat(counted).sort("dataset", "month")
