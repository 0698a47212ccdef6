"""Each saved query on the emulator's Athena, its whole answer held against Polars over the very files that it read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from infra.client.saved_queries import find_query, saved_queries
from infra.pages.queries import read_answers
from tests.e2e import saved_prices, saved_rates
from tests.e2e.pipeline import Pipeline
from tests.e2e.queries_page import answers_from
from tests.e2e.saved_frames import Asked, Frames
from tests.e2e.saved_lakes import Lake, left, load_year, mixed, small_lake, some, unlisted

NAMES = [query.name for query in saved_queries()]
MORE = [
    # whole year: few rows at first, crossings, days on which London is open and the ECB closed and the other way round
    ("moving_averages", {"ticker": "BARC.L", "start": "2021-12-20", "end": "2022-12-31"}),
    ("closes_and_averages", {"start": "2022-10-03", "end": "2022-12-31"}),
    ("prices_in_currencies", {"ticker": "AZN.L", "start": "2021-12-20", "end": "2022-12-31"}),
    ("cross_rates", {"from_currency": "EUR", "to_currency": "JPY", "start": "2022-01-01", "end": "2022-12-31"}),
    ("cross_rates", {"from_currency": "USD", "to_currency": "EUR", "start": "2022-01-01", "end": "2022-12-31"}),
    ("correlation", {"ticker": "BP.L", "other_ticker": "BP.L", "start": "2022-01-01", "end": "2022-12-31"}),
    # 31 March less a month, and days that are no trading days
    ("returns", {"day": "2022-03-31"}),
    ("returns", {"day": "2022-10-30"}),
    ("highs_and_lows", {"day": "2022-06-12"}),
    ("movers_of_day", {"day": "2022-06-06", "places": "3"}),
    ("movers_of_day", {"day": "2022-12-30", "places": "999"}),
    ("volume_spikes", {"start": "2022-03-01", "end": "2022-12-30", "times": "2"}),
    # nothing there can be, in any lake
    ("movers", {"from_day": "2022-06-04", "to_day": "2022-06-05"}),
    ("latest_prices", {"start": "2031-01-01", "end": "2031-12-31"}),
    ("correlation", {"ticker": "NO.L", "other_ticker": "BP.L", "start": "2022-12-31", "end": "2022-01-01"}),
    ("missing_days", {"start": "2021-12-13", "end": "2021-12-17"}),
    ("missing_days", {"start": "2021-12-19", "end": "2022-12-31"}),
    ("missing_days", {"start": "2022-12-31", "end": "2022-01-01"}),
]


def expected(name: str, frames: Frames, asked: Asked) -> pl.DataFrame:
    answer: Callable[[Frames, Asked], pl.DataFrame] = getattr(saved_prices, name, None) or getattr(saved_rates, name)
    return answer(frames, asked)


def check(lake: Lake, name: str, asked: dict[str, str] | None = None) -> pl.DataFrame:
    """Hold the answer to a saved query, asked with its examples by default, against Polars."""
    query = find_query(name)
    given = query.examples if asked is None else [f"{key}={value}" for key, value in asked.items()]
    found = lake.ask(query, given)
    wanted = expected(name, lake.frames, dict(text.split("=", 1) for text in given))
    if not found.height:
        # The types of an empty answer are nobody's.
        assert (wanted.height, found.columns) == (0, wanted.columns)
        return found
    assert_frame_equal(found, wanted, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-12)
    return found


@pytest.fixture(scope="module")
def loaded(shared_pipeline: Pipeline) -> tuple[Lake, dict[str, dict[str, pl.DataFrame]]]:
    return load_year(shared_pipeline)


@pytest.fixture(scope="module")
def year(loaded: Any) -> Lake:
    lake: Lake = loaded[0]
    return lake


@pytest.fixture(scope="module")
def lakes(shared_pipeline: Pipeline, loaded: Any) -> dict[str, Lake]:
    """Small lakes with what can be wrong, all in the last months of the year."""
    _, days = loaded
    late = {name: some(of_dataset, lambda day: day >= "2022-11-21") for name, of_dataset in days.items()}
    prices, rates = late["ftse100_prices"], late["fx_rates"]
    config = shared_pipeline.config
    gap = some(prices, lambda day: not "2022-12-05" <= day <= "2022-12-16")
    unpublished = some(rates, lambda day: not "2022-12-19" <= day <= "2022-12-21")
    gone = unlisted(left(left(prices, "BP.L", "2022-12-02"), "AZN.L", "2022-12-28"), "SHEL.L", "GONE.L")
    return {
        "nothing": small_lake(config, "nothing", {}),
        "one day": small_lake(config, "one-day", {name: some(late[name], "2022-12-30".__eq__) for name in late}),
        "a gap": small_lake(config, "gap", {**late, "ftse100_prices": gap, "fx_rates": unpublished}),
        "tickers left": small_lake(config, "left", {**late, "ftse100_prices": gone}),
        "currencies": small_lake(config, "mixed", {**late, "ftse100_prices": mixed(prices)}),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_over_a_year_is_what_polars_computes(year: Lake, name: str) -> None:
    assert check(year, name).height, "an example that finds nothing shows nothing"


@pytest.mark.parametrize(("name", "asked"), MORE, ids=lambda value: value if isinstance(value, str) else "")
def test_other_questions_too(year: Lake, name: str, asked: dict[str, str]) -> None:
    check(year, name, asked)


@pytest.mark.parametrize("kind", ["nothing", "one day", "a gap", "tickers left", "currencies"])
def test_no_query_breaks_on_a_lake_with(lakes: dict[str, Lake], kind: str) -> None:
    heights = {name: check(lakes[kind], name).height for name in NAMES}
    if kind == "nothing":
        # Two queries speak of what is not there; all others answer with no rows.
        spoken = {"correlation", "missing_days"}
        assert {name for name, height in heights.items() if height} == spoken


def test_a_euro_line_is_not_pounds_and_a_dollar_dividend_is_paid_in_pounds(lakes: dict[str, Lake]) -> None:
    lake = lakes["currencies"]
    window = {"start": "2022-11-21", "end": "2022-12-30"}
    (first, *_) = check(lake, "prices_in_currencies", {"ticker": "AZN.L", **window}).rows(named=True)
    assert first["close_eur"] == first["close"]
    assert first["close_gbp"] == pytest.approx(first["close"] * 0.87, rel=0.02), "pounds for a euro in that month"
    returns = check(lake, "total_return", window).row(by_predicate=pl.col("ticker") == "BP.L", named=True)
    paid = check(lake, "dividends_and_splits", window).filter(ticker="BP.L")
    assert set(paid["currency"]) == {"USD"}
    assert returns["dividends"] == pytest.approx(sum(paid["amount"]) * 0.83, rel=0.02), "pounds for a dollar then"
    assert set(check(lake, "flagged_rows", window).filter(symbol="SHEL.L")["flags"]) == {"ordered"}
    months = check(lake, "rows_by_month", window).filter(dataset="ftse100_prices")
    assert (months["flagged"] >= months["days"]).all()


def test_the_page_shows_what_the_queries_answer(year: Lake) -> None:
    assert read_answers() == answers_from(year), "write them again: python -m tests.e2e.queries_page && make docs"


def test_a_correlation_of_nothing_says_that_there_are_no_returns(lakes: dict[str, Lake]) -> None:
    asked = find_query("correlation")
    assert lakes["nothing"].ask(asked, asked.examples).rows() == [(0, None, None, None, None)]
    assert lakes["one day"].ask(asked, asked.examples).rows() == [(0, "2022-12-30", "2022-12-30", None, None)]


def test_a_ticker_that_left_shows_where_it_ended(lakes: dict[str, Lake]) -> None:
    lake = lakes["tickers left"]

    def row(name: str, asked: dict[str, str], ticker: str) -> dict[str, Any]:
        return check(lake, name, asked).row(by_predicate=pl.col("ticker") == ticker, named=True)

    day = {"day": "2022-12-30"}
    assert row("returns", day, "BP.L") | {"close": 0} == {
        "ticker": "BP.L", "dt": "2022-12-02", "close": 0, "one_week": None, "one_month": None, "one_year": None
    }  # fmt: skip
    assert row("returns", {"day": "2022-12-12"}, "BP.L")["one_week"] is None  # its last close is ten days old
    assert row("returns", day, "AZN.L")["dt"] == "2022-12-28"
    assert row("returns", day, "AZN.L")["one_month"] is not None
    assert row("highs_and_lows", day, "BP.L")["dt"] == "2022-12-02"
    window = {"start": "2022-11-21", "end": "2022-12-30"}
    assert row("total_return", window, "BP.L")["last_day"] == "2022-12-02"
    gaps = check(lake, "symbol_gaps", window).filter(dataset="ftse100_prices").rows()
    assert gaps == [
        ("ftse100_prices", "AZN.L", "2022-12-28", None, 2),
        ("ftse100_prices", "BP.L", "2022-12-02", None, 18),
    ]
    sectors = check(lake, "sector_performance", {"from_day": "2022-11-30", "to_day": "2022-12-30"})
    assert dict(sectors.select("sector", "tickers").rows())["unknown"] == 1
    assert dict(sectors.select("sector", "left_before_to_day").rows())["Energy"] == 1


def test_a_quarantined_row_is_listed_with_its_reason_and_its_gap(year: Lake) -> None:
    (row,) = check(year, "quarantined_rows").filter(symbol="AZN.L").rows(named=True)
    assert (row["dataset"], row["dt"], row["times"], row["in_lake_now"]) == ("ftse100_prices", "2022-06-15", 1, "no")
    assert "unit error" in row["reason"]
    assert ("ftse100_prices", "AZN.L", "2022-06-14", "2022-06-16", 1) in check(year, "symbol_gaps").rows()


def test_rates_of_the_last_day_published_serve_until_ten_days_later(lakes: dict[str, Lake]) -> None:
    asked = {"ticker": "AZN.L", "start": "2022-12-19", "end": "2022-12-30"}
    found = check(lakes["a gap"], "prices_in_currencies", asked)
    assert dict(found.select("dt", "rate_dt").rows())["2022-12-21"] == "2022-12-16"
