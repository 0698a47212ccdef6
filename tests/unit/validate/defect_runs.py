"""A simulated market through Validate's rules, as a backfill of a year and evening after evening; and the tally."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from tests.unit.frames import held
from tests.unit.lake import PRICES
from tests.unit.validate.defect_market import CONTEXT, DAYS, Array, Series, frame_of
from validate.handler import judged_rows

LOOK_BACK = 5
EVENINGS = range(30, 130)
BACKFILL = range(CONTEXT, CONTEXT + 260)
PRICE_COLUMNS = ("open", "high", "low", "close")


class Tally(Counter[str]):
    """Counts of rows, and shares of them."""

    def share(self, part: str, of: str) -> float:
        return self[part] / self[of] if self[of] else 0.0


def as_backfill(series: Series) -> Tally:
    """A year at once into an empty lake, with the days before it as context."""
    frame = frame_of(series).filter(pl.col("day") <= BACKFILL[-1])
    rows = _judged(frame, held(PRICES, [])).filter(pl.col("day") >= BACKFILL[0])
    tally = Tally()
    wrong, hundred = series.wrong, series.hundredfold
    for share, day, reason, flags, dividend in rows.select("share", "day", "reason", "flags", "dividend").iter_rows():
        place, bad = (share, day), reason is not None
        if place in set(series.twice):
            continue
        kind = series.kinds[share]
        _count(tally, kind, bool(wrong[place]), bool(hundred[place]), bad=bad)
        if not wrong[place] and not bad:
            _count_flags(tally, series, place, flags or "", dividend)
    return tally


def _count(tally: Tally, kind: str, wrong: bool, hundred: bool, *, bad: bool) -> None:
    tally["right"] += not wrong
    tally["hundredfold"] += hundred
    tally["wrong"] += wrong
    tally["lost"] += bad and not wrong
    tally["caught"] += bad and hundred
    tally["refused"] += bad and wrong
    if bad and not wrong:
        tally[f"lost {kind}"] += 1
    if hundred and not bad:
        tally[f"missed {kind}"] += 1


def _count_flags(tally: Tally, series: Series, place: tuple[int, int], flags: str, dividend: float | None) -> None:
    if series.spiked[place]:
        tally["spikes"] += 1
        tally["spikes flagged"] += "spike" in flags
    else:
        tally["no spikes"] += 1
        tally["spikes that are none"] += "spike" in flags
    if series.bad_dividend[place]:
        tally["bad dividends"] += 1
        tally["bad dividends flagged"] += "dividend" in flags
    elif series.columns["dividend"][place] > 0:
        tally["right dividends"] += 1
        tally["right dividends lost"] += dividend is None


def evening_by_evening(series: Series) -> Tally:
    """Each evening the new day and the look-back, each with its days before, into a lake that begins without errors."""
    shown = frame_of(series)
    lake = np.where(series.there & ~np.isnan(series.columns["close"]), series.true, np.nan)
    lake[:, EVENINGS[0] :] = np.nan
    came_right, blamed = np.zeros(series.true.shape, bool), np.zeros(series.true.shape, bool)
    in_wrong_unit = np.zeros(series.true.shape, bool)
    for evening in EVENINGS:
        answer = _answer(series, shown, evening)
        for first, last, recheck in ((evening, evening, False), (evening - LOOK_BACK, evening - 1, True)):
            frame = answer.filter(pl.col("day").is_between(first - CONTEXT, last))
            rows = _judged(frame, _lake_frame(series, lake[:, : last + 1 if recheck else first]))
            rows = rows.filter(pl.col("day") >= first)
            for share, day, close, reason in rows.select("share", "day", "close", "reason").iter_rows():
                right = _is_right(series, share, day, close)
                came_right[share, day] |= right
                blamed[share, day] |= right and reason is not None and not recheck
                in_wrong_unit[share, day] |= _is_hundredfold(series, share, day, close)
                if reason is None:
                    lake[share, day] = close
    return _tally(series, lake, came_right, blamed, in_wrong_unit)


def _tally(series: Series, lake: Array, right: Array, blamed: Array, hundred: Array) -> Tally:
    tally = Tally()
    twice = set(series.twice)
    for share, day in np.argwhere(right | hundred):
        place, kind = (int(share), int(day)), series.kinds[share]
        if day not in EVENINGS or place in twice:
            continue
        kept = None if np.isnan(lake[place]) else float(lake[place])
        tally["right"] += bool(right[place])
        tally["blamed"] += bool(blamed[place])
        if right[place] and kept is None:
            tally["lost"] += 1
            tally[f"lost {kind}"] += 1
        if hundred[place]:
            caught = kept is None or not _is_hundredfold(series, *place, kept)
            tally["hundredfold"] += 1
            tally["caught"] += caught
            tally[f"missed {kind}"] += not caught
    return tally


def _answer(series: Series, shown: pl.DataFrame, evening: int) -> pl.DataFrame:
    """What the source shows on an evening: a symbol's whole answer may be in the wrong unit."""
    wrong = [share for share, (start, end) in series.answers.items() if start <= evening < end]
    days = pl.col("day").is_between(evening - LOOK_BACK - CONTEXT, evening)
    factor = pl.when(pl.col("share").is_in(wrong)).then(0.01).otherwise(1.0)
    return shown.filter(days).with_columns(pl.col(name) * factor for name in PRICE_COLUMNS)


def _lake_frame(series: Series, lake: Array) -> pl.DataFrame:
    shares, days = np.nonzero(~np.isnan(lake))
    return (
        held(PRICES, [])
        .clear()
        .vstack(
            pl.DataFrame(
                {
                    "dt": pl.Series(DAYS)[days],
                    "ticker": pl.Series(series.names)[shares],
                    "close": lake[shares, days],
                    "flags": pl.Series([None] * len(days), dtype=pl.String()),
                }
            )
        )
    )


def _judged(frame: pl.DataFrame, lake: pl.DataFrame) -> pl.DataFrame:
    """``frame`` judged, with its places in the arrays; both are by day and key."""
    rows = judged_rows(PRICES, frame.drop("share", "day"), lake)
    return rows.with_columns(frame["share"], frame["day"])


def _is_right(series: Series, share: int, day: int, close: float | None) -> bool:
    spiked = bool(series.spiked[share, day])
    return close is not None and (spiked or abs(np.log(max(close, 1e-12) / series.true[share, day])) < 1e-6)


def _is_hundredfold(series: Series, share: int, day: int, close: float | None) -> bool:
    ratio = abs(np.log(max(close or 1e-12, 1e-12) / series.true[share, day]))
    return (
        close is not None
        and close > 0
        and bool(series.hundredfold[share, day] or share in series.answers)
        and ratio > 3
    )
