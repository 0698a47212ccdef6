from __future__ import annotations

import hashlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.sources.contract_lists import Constituent
from infra.sources.prices import Series
from infra.sources.simulated import EPOCH, INDICES, SimulatedPrices
from marketlake.calendars import trading_days

MEMBERS = {
    "BP.L": Constituent("BP.L", "BP", date(2000, 1, 1)),
    "BT-A.L": Constituent("BT-A.L", "BT Group", date(2000, 1, 1)),
    "AAF.L": Constituent("AAF.L", "Airtel Africa", date(2019, 6, 28)),
}
OHLC = ("open", "high", "low", "close")


def series_of(prices: SimulatedPrices, symbol: str) -> Series:
    series = prices.series(symbol)
    assert series is not None
    return series


def test_the_bars_of_a_seed_are_the_same_on_every_machine() -> None:
    prices = SimulatedPrices(MEMBERS, 1, date(2024, 12, 31), trading_days)
    series = series_of(prices, "BP.L")
    at = series.timeline.since(date(2022, 1, 4))
    bar = [float(getattr(series, name)[at]) for name in OHLC] + [int(series.volume[at])]
    digest = hashlib.sha256(b"".join(getattr(series, name).tobytes() for name in OHLC)).hexdigest()
    assert (bar, digest[:16]) == ([369.21, 370.62, 360.02, 361.38, 8049441], "78e05467f4a3ec74")


@settings(max_examples=10, deadline=None)
@given(last=st.dates(date(2020, 1, 1), date(2024, 12, 30)))
def test_a_bar_does_not_depend_on_the_last_day_known(last: date) -> None:
    longer = series_of(SimulatedPrices(MEMBERS, 1, date(2024, 12, 31), trading_days), "AAF.L")
    shorter = series_of(SimulatedPrices(MEMBERS, 1, last, trading_days), "AAF.L")
    known = len(shorter.timeline.days)
    for name in (*OHLC, "volume"):
        assert np.array_equal(getattr(longer, name)[:known], getattr(shorter, name)), name
    assert {at: paid for at, paid in longer.dividends.items() if at < known} == shorter.dividends


@pytest.mark.parametrize("symbol", [*MEMBERS, *INDICES])
def test_bars_are_plausible(prices: SimulatedPrices, symbol: str) -> None:
    series = series_of(prices, symbol)
    top, bottom = np.maximum(series.open, series.close), np.minimum(series.open, series.close)
    assert (series.low <= bottom).all()
    assert (top <= series.high).all()
    assert (series.low > 0).all()
    assert (series.volume > 0).all()
    assert (series.adj_close > 0).all()
    assert np.abs(np.diff(series.close) / series.close[:-1]).max() < 0.25


def test_bars_are_on_the_trading_days_from_the_day_the_symbol_was_listed(prices: SimulatedPrices) -> None:
    aaf, ftse = series_of(prices, "AAF.L"), series_of(prices, "^FTSE")
    assert aaf.timeline.days == trading_days("london", date(2019, 6, 28), prices.last_day)
    assert ftse.timeline.days == trading_days("london", EPOCH, prices.last_day)
    assert prices.first_day == date(2000, 1, 4)


def test_seed_and_symbol_change_the_prices(prices: SimulatedPrices) -> None:
    other = SimulatedPrices(MEMBERS, 2, prices.last_day, trading_days)
    closes = [series_of(source, symbol).close for source in (prices, other) for symbol in ("BP.L", "BT-A.L")]
    assert len({close.tobytes() for close in closes}) == 4


def test_adjusted_closes_differ_from_closes_by_the_dividends_still_to_come() -> None:
    prices = SimulatedPrices(
        {**MEMBERS, **{f"T{n}.L": MEMBERS["BP.L"] for n in range(9)}}, 1, date(2024, 12, 31), trading_days
    )
    paying = [series for n in range(9) if (series := series_of(prices, f"T{n}.L")).dividends]
    assert len(paying) >= 5
    for series in paying:
        last = max(series.dividends)
        assert series.adj_close[last:].tolist() == pytest.approx(series.close[last:].tolist())
        factor = 1 - series.dividends[last] / series.close[last - 1]
        assert series.adj_close[last - 1] == pytest.approx(series.close[last - 1] * factor, rel=1e-4)
        gaps = np.diff(sorted(series.dividends))
        assert gaps.min() > 50


def test_splits_leave_no_jump_in_the_adjusted_bars() -> None:
    members = {f"T{n}.L": MEMBERS["BP.L"] for n in range(40)}
    prices = SimulatedPrices(members, 1, date(2025, 12, 31), trading_days)
    found = [(series, at) for symbol in members for series in [series_of(prices, symbol)] for at in series.splits]
    assert found
    for series, at in found:
        assert series.close[at] == pytest.approx(series.close[at - 1], rel=0.2)


def test_names_say_simulated_and_units_are_quoted(prices: SimulatedPrices) -> None:
    assert series_of(prices, "BP.L").name == "BP (simulated)"
    assert series_of(prices, "BP.L").currency == "GBp"
    assert series_of(prices, "^FTSE").currency == "GBP"
    assert prices.series("NOPE.L") is None
    assert prices.kind == "simulated"
