"""Simulated London shares, large and small, with defects of every kind put in: what is shown, and what is true.

Series have fat tails, auction closes outside of the day's range, days without trade, gaps, dividends and splits. All
arrays are symbols by days; prices in pounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tests.unit.lake import PRICES
from validate.raw import raw_schema

DAYS = PRICES.days(date(2021, 9, 1), date(2022, 12, 30))
CONTEXT = 20
Array = npt.NDArray[Any]


@dataclass
class Series:
    """What the source shows on ``DAYS``, by column; ``wrong`` marks closes that are not the true ones.

    ``hundredfold``: wrong by the unit. ``answers``: symbol -> evenings (numbers of days) on which its whole answer is
    in the wrong unit. ``twice``: places that are listed twice. ``bad_dividend``: places whose dividend is wrong.
    """

    names: list[str]
    columns: dict[str, Array]
    true: Array
    kinds: list[str]
    wrong: Array
    hundredfold: Array
    there: Array
    spiked: Array
    bad_dividend: Array
    answers: dict[int, tuple[int, int]] = field(default_factory=dict)
    twice: list[tuple[int, int]] = field(default_factory=list)


def _closes(random: np.random.Generator, size: int, small: bool) -> Array:
    moves = random.standard_t(3 if small else 4, size) * (0.02 if small else 0.011)
    if small:
        moves[random.random(size) < 0.02] *= 8  # days of 30 % and more
        moves[random.random(size) < 0.15] = 0
    start = np.exp(random.uniform(np.log(0.05), np.log(5))) if small else np.exp(random.uniform(np.log(1), np.log(100)))
    return np.asarray(start * np.exp(np.cumsum(np.clip(moves, -1.1, 1.1))))


def market(seed: int, kinds: list[str]) -> Series:
    """One symbol for each of ``kinds``, the names of ``DEFECTS``; half of them small caps."""
    random = np.random.default_rng(seed)
    size, shares = len(DAYS), len(kinds)
    true = np.array([_closes(random, size, small=bool(number % 2)) for number in range(shares)])
    small = (np.arange(shares) % 2 == 1)[:, None]
    width = np.where(small, 0.03, 0.008)
    middle = true * np.exp(random.normal(0, width / 3, true.shape))
    high, low = (middle * np.exp(sign * np.abs(random.normal(0, width, true.shape))) for sign in (1, -1))
    opened = low + (high - low) * random.random(true.shape)
    # The closing auction: outside of the range of the day for two in five rows of small caps, rarely for large ones.
    outside = random.random(true.shape) < np.where(small, 0.4, 0.002)
    high, low = (np.where(outside, value, edge(value, true)) for value, edge in ((high, np.maximum), (low, np.minimum)))
    volume = np.round(np.exp(random.normal(np.where(small, 8, 14), 1, true.shape))).astype(np.int64)
    volume[np.diff(true, axis=1, prepend=0) == 0] = 0
    columns = {
        "open": opened, "high": high, "low": low, "close": true.copy(), "volume": volume.astype(float),
        "dividend": np.zeros(true.shape), "split_ratio": np.ones(true.shape),
    }  # fmt: skip
    no = np.zeros(true.shape, bool)
    names = [f"{kind}-{number}" for number, kind in enumerate(kinds)]
    series = Series(names, columns, true, kinds, no.copy(), no.copy(), ~no, no.copy(), no.copy())
    _pay(series, random)
    for share, kind in enumerate(kinds):
        DEFECTS[kind](series, share, random)
    return series


def _pay(series: Series, random: np.random.Generator) -> None:
    """Two dividends a year, and the adjusted closes that follow from them, as shares of the close."""
    for share in range(len(series.kinds)):
        for day in (int(random.integers(25, 60)), int(random.integers(150, 200)), int(random.integers(260, 300))):
            before = series.true[share, day - 1]
            series.columns["dividend"][share, day] = random.uniform(0.005, 0.04) * before
    part = np.ones(series.true.shape)
    part[:, 1:] = 1 - series.columns["dividend"][:, 1:] / series.true[:, :-1]
    later = np.cumprod(part[:, ::-1], axis=1)[:, ::-1]
    series.columns["adjustment"] = np.concatenate([later[:, 1:], np.ones((len(later), 1))], axis=1)


def _scale(series: Series, share: int, days: slice | list[int], factor: float) -> None:
    for name in ("open", "high", "low", "close"):
        series.columns[name][share, days] *= factor
    series.wrong[share, days] = series.hundredfold[share, days] = True


def _factor(random: np.random.Generator) -> float:
    return 0.01 if random.random() < 0.75 else 100.0


def _unit_bars(series: Series, share: int, random: np.random.Generator) -> None:
    days = random.choice(np.arange(CONTEXT, len(DAYS)), int(random.integers(1, 6)), replace=False)
    _scale(series, share, sorted(map(int, days)), _factor(random))


def _unit_run(series: Series, share: int, random: np.random.Generator) -> None:
    """A stretch of up to six months, which may begin before the days that are judged, or end after them."""
    length = int(np.exp(random.uniform(np.log(2), np.log(125))))
    start = int(random.integers(CONTEXT - 10, len(DAYS) - 2))
    _scale(series, share, slice(start, start + length), _factor(random))


def _unit_answers(series: Series, share: int, random: np.random.Generator) -> None:
    start = int(random.integers(30, 100))
    series.answers[share] = (start, start + int(np.exp(random.uniform(0, np.log(120)))))


def _edges(series: Series, share: int, random: np.random.Generator) -> None:
    for day in random.choice(len(DAYS), 8, replace=False):
        name = ("open", "high", "low")[int(random.integers(3))]
        series.columns[name][share, day] *= (0.0, 0.01, 100.0, -1.0)[int(random.integers(4))]


def _no_close(value: float) -> Callable[[Series, int, np.random.Generator], None]:
    def spoil(series: Series, share: int, random: np.random.Generator) -> None:
        days = random.choice(len(DAYS), 5, replace=False)
        for name in ("open", "high", "low", "close"):
            series.columns[name][share, days] = value
        series.wrong[share, days] = True

    return spoil


def _stale(series: Series, share: int, _random: np.random.Generator) -> None:
    # Away from dividends, which would go with the row.
    for day in (80, 110, 230):
        for name in ("open", "high", "low", "close", "volume"):
            series.columns[name][share, day] = series.columns[name][share, day - 1]
        series.wrong[share, day] = series.columns["volume"][share, day] > 0


def _twice(series: Series, share: int, random: np.random.Generator) -> None:
    series.twice += [(share, int(day)) for day in random.choice(len(DAYS), 3, replace=False)]


def _dividend(factor: float) -> Callable[[Series, int, np.random.Generator], None]:
    def spoil(series: Series, share: int, _random: np.random.Generator) -> None:
        paid = series.columns["dividend"][share]
        series.bad_dividend[share] = paid > 0
        paid *= factor

    return spoil


def _split(series: Series, share: int, random: np.random.Generator) -> None:
    """Earlier prices are not adjusted for it, and never will be."""
    day, ratio = int(random.integers(60, 300)), float(random.choice([2, 3, 5, 10, 0.1, 0.2, 100]))
    for name in ("open", "high", "low", "close", "dividend"):
        series.columns[name][share, :day] *= ratio
    series.columns["split_ratio"][share, day] = ratio
    series.true[share, :day] *= ratio  # what the lake had of them before the split


def _spike(series: Series, share: int, random: np.random.Generator) -> None:
    calm = np.abs(np.log(series.true[share, 2:] / series.true[share, :-2])) < 0.05
    for day in random.choice(np.flatnonzero(calm[40:-2]) + 41, 2, replace=False):
        factor = float(np.exp(random.choice([-1, 1]) * random.uniform(np.log(1.6), np.log(3))))
        for name in ("open", "high", "low", "close"):
            series.columns[name][share, day] *= factor
        series.spiked[share, day] = True


def _new_level(series: Series, share: int, random: np.random.Generator) -> None:
    """A ticker of another company, or a share that is worth another price: real, and stays."""
    factor = float(np.exp(random.choice([-1, 1]) * random.uniform(np.log(5), np.log(50))))
    day = int(random.integers(60, 300))
    for name in ("open", "high", "low", "close"):
        series.columns[name][share, day:] *= factor
    series.true[share, day:] *= factor
    series.columns["dividend"][share] = 0
    series.columns["adjustment"][share] = 1


def _gaps(series: Series, share: int, random: np.random.Generator) -> None:
    for day in random.choice(len(DAYS) - 40, 3, replace=False):
        series.there[share, day : day + int(random.integers(1, 40))] = False


def _none(_series: Series, _share: int, _random: np.random.Generator) -> None:
    pass


DEFECTS: dict[str, Callable[[Series, int, np.random.Generator], None]] = {
    "none": _none,
    "small": _none,
    "unit_bars": _unit_bars,
    "unit_run": _unit_run,
    "unit_answers": _unit_answers,
    "edges": _edges,
    "zero": _no_close(0.0),
    "null": _no_close(np.nan),
    "stale": _stale,
    "twice": _twice,
    "dividend_hundredfold": _dividend(100.0),
    "dividend_hundredth": _dividend(0.01),
    "dividend_doubled": _dividend(2.0),
    "dividend_missing": _dividend(0.0),
    "split": _split,
    "spike": _spike,
    "new_level": _new_level,
    "gaps": _gaps,
}


def joined(markets: list[Series]) -> Series:
    """``markets`` as one: to judge many symbols at once costs little more than to judge one."""
    kinds = [kind for one in markets for kind in one.kinds]
    starts = np.cumsum([0, *(len(one.kinds) for one in markets[:-1])]).tolist()
    placed = list(zip(starts, markets, strict=True))

    def whole(part: Callable[[Series], Array]) -> Array:
        return np.concatenate([part(one) for one in markets])

    return Series(
        names=[f"{kind}-{number}" for number, kind in enumerate(kinds)],
        columns={name: whole(lambda one, name=name: one.columns[name]) for name in markets[0].columns},  # type: ignore[misc]
        true=whole(lambda one: one.true),
        kinds=kinds,
        wrong=whole(lambda one: one.wrong),
        hundredfold=whole(lambda one: one.hundredfold),
        there=whole(lambda one: one.there),
        spiked=whole(lambda one: one.spiked),
        bad_dividend=whole(lambda one: one.bad_dividend),
        answers={start + share: evenings for start, one in placed for share, evenings in one.answers.items()},
        twice=[(start + share, day) for start, one in placed for share, day in one.twice],
    )


def frame_of(series: Series) -> pl.DataFrame:
    """All that is shown, in ``raw_schema`` and with ``share`` and ``day``, the places in the arrays; by day and key."""
    shares, size = series.true.shape
    share, day = np.repeat(np.arange(shares), size), np.tile(np.arange(size), shares)
    shown = {name: pl.Series(name, values.ravel(), nan_to_null=True) for name, values in series.columns.items()}
    frame = pl.DataFrame({**shown, "share": share, "day": day, "there": series.there.ravel()}).filter("there")
    frame = pl.concat([frame, *(frame.filter((pl.col("share") == s) & (pl.col("day") == d)) for s, d in series.twice)])
    paid = pl.when(pl.col("dividend") != 0).then(pl.lit("GBP"))
    whole = frame.with_columns(
        pl.Series("dt", [DAYS[number] for number in frame["day"]], pl.Date()),
        pl.Series("ticker", [series.names[number] for number in frame["share"]], pl.String()),
        pl.col("volume").cast(pl.Int64),
        currency=pl.lit("GBP"),
        dividend_currency=paid,
        quoted_currency=pl.lit("GBp"),
        flags=pl.lit(None, pl.String()),
    )
    return whole.select(*raw_schema(PRICES).names(), "share", "day").sort("dt", "ticker")
