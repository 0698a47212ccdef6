from __future__ import annotations

import hashlib
import random
from collections import Counter
from datetime import date, time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.sources.companies import EPOCH, company, company_symbols, last_level_day
from infra.sources.contract_lists import Constituent, load_constituents
from infra.sources.frankfurter import EcbRates
from infra.sources.prices import Series, closing, is_half_day
from infra.sources.simulated import INDICES, OUTSIDE, SimulatedPrices
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
    assert (bar, digest[:16]) == ([330.37, 331.76, 320.74, 322.09, 37809694], "84d7b22a8024b679")


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
    assert (series.low <= series.open).all()
    assert (series.open <= series.high).all()
    outside = (series.low > bottom) | (top > series.high)
    assert outside.mean() == pytest.approx(0 if symbol in INDICES else OUTSIDE, abs=0.0012)
    assert bool(outside.any()) == (symbol not in INDICES)
    apart = np.maximum(series.low - bottom, top - series.high)[outside] / series.close[outside]
    assert (apart < 0.01).all()
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
    members = dict.fromkeys(("TSCO.L", "LLOY.L", "ULVR.L", "MTLN.L", "BARC.L", "T.L"), MEMBERS["BP.L"])
    prices = SimulatedPrices(members, 1, date(2024, 12, 31), trading_days)
    for series in (series_of(prices, symbol) for symbol in members):
        last = max(series.dividends)
        assert series.adj_close[last:].tolist() == pytest.approx(series.close[last:].tolist())
        named = series.dividend_currencies[last]
        in_pence = {"GBP": 100, "EUR": 82.74 if series.currency == "GBp" else 1, "GBp": 1}[named]
        factor = 1 - series.dividends[last] * in_pence / series.close[last - 1]
        assert series.adj_close[last - 1] == pytest.approx(series.close[last - 1] * factor, rel=1e-3)
        assert factor < 0.995
    assert {series_of(prices, symbol).dividend_currencies[last_of(prices, symbol)] for symbol in members} == {
        "GBp",
        "GBP",
        "EUR",
    }


def last_of(prices: SimulatedPrices, symbol: str) -> int:
    return max(series_of(prices, symbol).dividends)


def test_a_dollar_dividend_is_worth_what_the_ecb_said_the_day_before(rates: EcbRates) -> None:
    series = series_of(SimulatedPrices(MEMBERS, 1, date(2024, 12, 31), trading_days), "BP.L")
    at = last_of(SimulatedPrices(MEMBERS, 1, date(2024, 12, 31), trading_days), "BP.L")
    assert series.dividend_currencies[at] == "USD"
    published = rates.on(series.timeline.days[at - 1])
    in_pence = series.dividends[at] * 100 * float(published["GBP"]) / float(published["USD"])
    step = series.adj_close[at - 1] / series.adj_close[at] * series.close[at] / series.close[at - 1]
    assert step == pytest.approx(1 - in_pence / series.close[at - 1], rel=1e-6)


@pytest.mark.parametrize(("symbol", "a_year"), [("BP.L", 4), ("BARC.L", 2), ("MTLN.L", 1), ("BRBY.L", 0)])
def test_dividends_are_on_thursdays_as_often_a_year_as_the_company_pays(symbol: str, a_year: int) -> None:
    series = series_of(SimulatedPrices({symbol: MEMBERS["BP.L"]}, 1, date(2025, 12, 31), trading_days), symbol)
    days = [series.timeline.days[at] for at in series.dividends]
    assert Counter(day.year for day in days) == (dict.fromkeys(range(2000, 2026), a_year) if a_year else {})
    assert sum(day.weekday() == 3 for day in days) >= 0.95 * len(days)


def test_closes_pass_through_the_levels_of_a_company_and_of_the_index() -> None:
    prices = SimulatedPrices({**MEMBERS, "AAL.L": MEMBERS["BP.L"]}, 7, date(2026, 10, 30), trading_days)
    for symbol, day, level in (
        ("AAL.L", date(2022, 12, 30), 3240),
        ("AAL.L", date(2026, 9, 30), 3500),
        ("^FTSE", date(2022, 12, 30), 7450),
        ("^FTSE", date(2026, 9, 30), 10600),
        ("BP.L", date(2026, 9, 30), 487),
    ):
        series = series_of(prices, symbol)
        assert series.close[series.timeline.since(day)] == pytest.approx(level, abs=0.011), symbol


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), symbol=st.sampled_from(["AAL.L", "LLOY.L", "^FTSE", "BARC.L", "VOD.L"]))
def test_the_last_month_is_near_the_level_whatever_the_seed(seed: int, symbol: str) -> None:
    level = {"AAL.L": 3500, "LLOY.L": 100, "^FTSE": 10600, "BARC.L": 432, "VOD.L": 108}[symbol]
    prices = SimulatedPrices({symbol: MEMBERS["BP.L"]}, seed, date(2026, 10, 30), trading_days)
    assert series_of(prices, symbol).close[-25:] == pytest.approx(level, rel=0.5)


def test_companies_differ_in_volume_and_volatility_and_move_with_the_market() -> None:
    members = dict.fromkeys(("LLOY.L", "GAW.L", "CCL.L", "ULVR.L"), MEMBERS["BP.L"])
    prices = SimulatedPrices(members, 1, date(2026, 10, 30), trading_days)
    volumes = {symbol: float(series_of(prices, symbol).volume.mean()) for symbol in members}
    assert volumes["LLOY.L"] == pytest.approx(130e6, rel=0.05)
    assert volumes["GAW.L"] == pytest.approx(90e3, rel=0.05)
    returns = {
        symbol: np.diff(close) / close[:-1]
        for symbol in (*members, "^FTSE")
        for close in [series_of(prices, symbol).close[-1000:]]
    }
    yearly = {symbol: float(moves.std()) * 252**0.5 for symbol, moves in returns.items()}
    assert yearly["CCL.L"] == pytest.approx(0.48, rel=0.15)
    assert yearly["ULVR.L"] == pytest.approx(0.18, rel=0.15)
    for symbol in members:
        assert np.corrcoef(returns[symbol], returns["^FTSE"])[0, 1] == pytest.approx(0.5, abs=0.15)


def test_volumes_are_small_on_half_days(prices: SimulatedPrices) -> None:
    series = series_of(prices, "BP.L")
    half = np.asarray([is_half_day(day) for day in series.timeline.days])
    assert series.volume[half].mean() == pytest.approx(0.35 * series.volume[~half].mean(), rel=0.2)


@pytest.mark.parametrize(
    ("year", "days"), [(2020, (24, 31)), (2021, (24, 31)), (2022, (23, 30)), (2023, (22, 29)), (2024, (24, 31))]
)
def test_half_days_are_the_last_before_christmas_and_the_new_year(year: int, days: tuple[int, ...]) -> None:
    found = [day for day in trading_days("london", date(year, 1, 1), date(year, 12, 31)) if is_half_day(day)]
    assert found == [date(year, 12, day) for day in days]
    assert {closing(day) for day in found} == {time(12, 30)}
    assert closing(date(year, 12, 1)) == time(16, 30)


def test_every_constituent_has_a_level_and_a_character() -> None:
    known = company_symbols()
    assert set(load_constituents(None)) <= known
    assert {"BBOX.L", "BGEO.L", "BLND.L", "IGG.L", "MTLN.L", "SDLF.L", *INDICES} <= known
    for symbol in known:
        found = company(symbol, random.Random(1))
        assert found.volume > 0
        assert 0.1 < found.volatility < 0.6
        assert (found.payments in (1, 2, 4)) == (found.dividend_yield > 0) == bool(found.dividend_currency)
        assert found.levels[0][0] == EPOCH
        assert found.levels[-1][0] == last_level_day()
        assert all(level > 0 for _, level in found.levels)


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
    abroad = SimulatedPrices({"MTLN.L": MEMBERS["BP.L"], "IHG.L": MEMBERS["BP.L"]}, 1, prices.last_day, trading_days)
    assert [series_of(abroad, symbol).currency for symbol in ("MTLN.L", "IHG.L")] == ["EUR", "USD"]
    assert prices.series("NOPE.L") is None
    assert prices.kind == "simulated"
