"""What each saved query over prices must answer, computed by Polars from the lake's frames, without SQL.

A function has the name of its query; it takes the lake's frames and the parameters as text.
"""

from __future__ import annotations

import math
from datetime import date, timedelta

import polars as pl

from marketlake.contract import CONTRACTS
from tests.e2e.saved_frames import Asked, Frames, before, window


def last_close(frame: pl.DataFrame, first: str, last: str, name: str) -> pl.DataFrame:
    """Each ticker's last close in a window, as column ``name``."""
    return window(frame, first, last).group_by("ticker").agg(pl.col("close").last().alias(name))


def latest_prices(lake: Frames, p: Asked) -> pl.DataFrame:
    found = window(lake.adjusted, p["start"], p["end"]).unique("ticker", keep="last", maintain_order=True)
    return found.select("dt", "ticker", "close", "currency", "adj_close", "volume").sort("ticker")


def movers(lake: Frames, p: Asked) -> pl.DataFrame:
    first, last = (lake.prices.filter(pl.col("dt") == p[day]) for day in ("from_day", "to_day"))
    both = first.join(last, on="ticker").select("ticker", before_close="close", after_close="close_right")
    changed = both.with_columns(change=pl.col("after_close") / pl.col("before_close") - 1)
    return changed.sort("change", "ticker", descending=[True, False])


def movers_of_day(lake: Frames, p: Asked) -> pl.DataFrame:
    earlier = window(lake.prices, before(p["day"], 10), before(p["day"], 1)).unique("ticker", keep="last")
    known = earlier.select("ticker", before_dt="dt", before_close="close")
    today = lake.prices.filter(pl.col("dt") == p["day"]).select("ticker", "close")
    found = known.join(today, on="ticker").with_columns(change=pl.col("close") / pl.col("before_close") - 1)
    best = found.sort("change", "ticker", descending=[True, False])
    ends = pl.concat([best.head(int(p["places"])), found.sort("change", "ticker").head(int(p["places"]))])
    return best.filter(pl.col("ticker").is_in(ends["ticker"].to_list()))


def returns(lake: Frames, p: Asked) -> pl.DataFrame:
    day = date.fromisoformat(p["day"])
    month, year = (pl.select(pl.lit(day).dt.offset_by(back)).item() for back in ("-1mo", "-1y"))
    marks = {"one_week": day - timedelta(7), "one_month": month, "one_year": year}
    seen = window(lake.prices, before(f"{year}", 7), p["day"])
    found = seen.group_by("ticker").agg(pl.col("dt", "close").last())
    found = found.join(last_close(seen, before(p["day"], 7), p["day"], "now"), on="ticker", how="left")
    for name, mark in marks.items():
        base = last_close(seen, before(f"{mark}", 7), f"{mark}", "base")
        found = found.join(base, on="ticker", how="left").with_columns((pl.col("now") / pl.col("base") - 1).alias(name))
        found = found.drop("base")
    return found.drop("now").sort("ticker")


def moving_averages(lake: Frames, p: Asked) -> pl.DataFrame:
    rows = window(lake.prices, before(p["start"], 320), p["end"]).filter(ticker=p["ticker"]).select("dt", "close")
    lengths = (20, 50, 200)
    for length in lengths:
        mean = pl.col("close").rolling_mean(length, min_samples=length).round(8)
        rows = rows.with_columns(mean.alias(f"average_{length}"))
    for short, long in ((20, 50), (50, 200)):
        side = (pl.col(f"average_{short}") - pl.col(f"average_{long}")).sign()
        above = pl.when(side > 0, side.shift(1) <= 0).then(pl.lit("above"))
        crossed = above.when(side < 0, side.shift(1) >= 0).then(pl.lit("below"))
        rows = rows.with_columns(crossed.otherwise(None).alias(f"crossing_{short}_{long}"))
    return rows.filter(pl.col("dt") >= p["start"])


def closes_and_averages(lake: Frames, p: Asked) -> pl.DataFrame:
    rows = window(lake.prices, before(p["start"], 320), p["end"]).sort("ticker", "dt")
    for length in (20, 50, 200):
        mean = pl.col("close").rolling_mean(length, min_samples=length).over("ticker")
        rows = rows.with_columns(mean.alias(f"average_{length}"))
    shown = rows.filter(pl.col("dt") >= p["start"])
    return shown.select("dt", "ticker", "close", "volume", "average_20", "average_50", "average_200")


def companies(lake: Frames, p: Asked) -> pl.DataFrame:
    listed = pl.read_csv(CONTRACTS / "constituents.csv").select("ticker", "company", "sector")
    seen = window(lake.prices, p["start"], p["end"]).group_by("ticker")
    found = seen.agg(
        pl.col("currency").last(), first_day=pl.col("dt").first(), last_day=pl.col("dt").last(), days=pl.len()
    )
    named = found.join(listed, on="ticker", how="left").with_columns(
        pl.col("company").fill_null(pl.col("ticker")), pl.col("sector").fill_null("unknown")
    )
    return named.select("ticker", "company", "sector", "currency", "first_day", "last_day", "days").sort("ticker")


def highs_and_lows(lake: Frames, p: Asked) -> pl.DataFrame:
    seen = window(lake.prices, before(p["day"], 364), p["day"])
    high, low = pl.coalesce("high", "close"), pl.coalesce("low", "close")
    found = seen.group_by("ticker").agg(
        pl.col("dt", "close").last(),
        days=pl.len(),
        high=high.max(),
        high_dt=pl.col("dt").filter(high == high.max()).last(),
        low=low.min(),
        low_dt=pl.col("dt").filter(low == low.min()).last(),
    )
    several = pl.col("days") > 1
    new_high = pl.when(several, pl.col("high_dt") == pl.col("dt")).then(pl.lit("new high"))
    mark = new_high.when(several, pl.col("low_dt") == pl.col("dt")).then(pl.lit("new low"))
    return found.with_columns(
        from_high=pl.col("close") / pl.col("high") - 1,
        from_low=pl.col("close") / pl.col("low") - 1,
        mark=mark.otherwise(None),
    ).sort("ticker")


def volatility_and_drawdown(lake: Frames, p: Asked) -> pl.DataFrame:
    adjusted = pl.col("adj_close")
    fall = adjusted / adjusted.cum_max() - 1
    seen = window(lake.adjusted, p["start"], p["end"])
    found = seen.group_by("ticker").agg(
        days=pl.len(),
        first_day=pl.col("dt").first(),
        last_day=pl.col("dt").last(),
        volatility=adjusted.log().diff().std() * math.sqrt(252),
        max_drawdown=fall.min(),
        trough_day=pl.col("dt").filter((fall == fall.min()) & (fall < 0)).first(),
    )
    return found.sort("ticker")


def volume_spikes(lake: Frames, p: Asked) -> pl.DataFrame:
    usual = pl.col("volume").rolling_mean(20, min_samples=20).shift(1).over("ticker")
    rows = window(lake.prices, before(p["start"], 45), p["end"]).select(
        "dt", "ticker", "volume", average_20=usual, change=pl.col("close").pct_change().over("ticker")
    )
    found = rows.with_columns(times_average=pl.col("volume") / pl.col("average_20")).filter(
        pl.col("dt") >= p["start"], pl.col("times_average") >= float(p["times"])
    )
    found = found.sort("times_average", "dt", "ticker", descending=[True, False, False])
    return found.select("dt", "ticker", "volume", "average_20", "times_average", "change")


def sector_performance(lake: Frames, p: Asked) -> pl.DataFrame:
    listed = pl.read_csv(CONTRACTS / "constituents.csv").select("ticker", "sector")
    first = last_close(lake.prices, before(p["from_day"], 7), p["from_day"], "first")
    last = last_close(lake.prices, before(p["to_day"], 7), p["to_day"], "last")
    rows = first.join(last, on="ticker", how="left").join(listed, on="ticker", how="left")
    change = pl.col("last") / pl.col("first") - 1
    found = rows.group_by(pl.col("sector").fill_null("unknown")).agg(
        tickers=pl.len(),
        left_before_to_day=pl.col("last").null_count(),
        mean_change=change.mean(),
        worst_change=change.min(),
        best_change=change.max(),
    )
    return found.sort("mean_change", "sector", descending=[True, False], nulls_last=True)


def total_return(lake: Frames, p: Asked) -> pl.DataFrame:
    close, paid = pl.col("close"), pl.col("dividend_paid").fill_null(0.0)
    # A share bought at the close before the ex-day for what was paid: no adjusted close is needed for that.
    bought = close.shift(1) / (close.shift(1) - paid)
    found = (
        window(lake.adjusted, p["start"], p["end"])
        .group_by("ticker")
        .agg(
            first_day=pl.col("dt").first(),
            last_day=pl.col("dt").last(),
            dividends=paid.slice(1).sum(),
            price_return=close.last() / close.first() - 1,
            total_return=close.last() / close.first() * bought.slice(1).product() - 1,
        )
    )
    return found.sort("ticker")


def dividends_and_splits(lake: Frames, p: Asked) -> pl.DataFrame:
    rows = window(lake.prices, p["start"], p["end"])
    paid = rows.filter(pl.col("dividend").ne_missing(0.0))
    split = rows.filter(pl.col("split_ratio") != 1.0)
    found = pl.concat(
        [
            paid.select("dt", "ticker", kind=pl.lit("dividend"), amount="dividend", currency="dividend_currency"),
            split.select(
                "dt", "ticker", kind=pl.lit("split"), amount="split_ratio", currency=pl.lit(None, pl.String())
            ),
        ]
    )
    changed = found.rename({"dt": "ex_dt"}).with_columns(changed=pl.lit(None, pl.String()))
    return changed.sort("ex_dt", "ticker", "kind")


def correlation(lake: Frames, p: Asked) -> pl.DataFrame:
    seen = window(lake.adjusted, p["start"], p["end"])
    one, other = (seen.filter(ticker=p[name]).select("dt", "adj_close") for name in ("ticker", "other_ticker"))
    both = one.join(other, on="dt").sort("dt")
    x, y = (both[name].log().diff().drop_nulls() for name in ("adj_close", "adj_close_right"))
    enough = len(x) > 1
    return pl.DataFrame(
        {
            "returns": [len(x)],
            "first_day": [both["dt"].min()],
            "last_day": [both["dt"].max()],
            "correlation": [pl.select(pl.corr(x, y)).item() if enough else None],
            "beta": [pl.select(pl.cov(x, y)).item() / y.var() if enough else None],
        }
    )


def index_members(lake: Frames, p: Asked) -> pl.DataFrame:
    listed = pl.read_csv(CONTRACTS / "membership.csv").select("ticker", "joined", "left")
    today = pl.read_csv(CONTRACTS / "constituents.csv").select("ticker").unique()
    first = last_close(lake.prices, before(p["from_day"], 7), p["from_day"], "first")
    last = last_close(lake.prices, before(p["to_day"], 7), p["to_day"], "last")
    changes = first.join(last, on="ticker").select("ticker", change=pl.col("last") / pl.col("first") - 1)
    parts = []
    for name, day in (("first day", p["from_day"]), ("last day", p["to_day"])):
        known = day >= str(listed["joined"].min())
        inside = listed.filter(pl.col("joined") <= day, pl.col("left").is_null() | (pl.col("left") > day))
        members = (inside.select("ticker") if known else today).join(changes, on="ticker", how="left")
        parts.append(
            members.select(
                members_of=pl.lit(name),
                known_from=pl.lit("membership" if known else "constituents of today"),
                members=pl.len(),
                priced=pl.col("change").count(),
                mean_change=pl.col("change").mean(),
            )
        )
    return pl.concat(parts).filter(pl.col("priced") > 0)
