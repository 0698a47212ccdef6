from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import boto3
import pytest

from infra.client.errors import Refusal
from infra.client.lake import Inventory
from infra.client.saved_queries import find_query, literals_of
from infra.client.target import Target
from infra.dashboard.document import SHOWN_ROWS
from infra.dashboard.questions import PRICES, Window, choose_window, questions, year_before
from marketlake.contract import load_contract
from tests.unit.dashboard.made import WINDOW, close, inventory, made


def account(last_day: str = "2026-03-31") -> Target:
    return Target(boto3.Session(region_name="eu-west-2"), "1", "eu-west-2", "p", replay={"last_day": last_day})


def stored(dataset: str, *days: str) -> Inventory:
    held = frozenset(date.fromisoformat(day) for day in days)
    return Inventory(load_contract(dataset), tuple(sorted(held)), frozenset(), held, held)


def test_a_lake_with_nothing_makes_a_whole_document_of_nothing() -> None:
    found = made()
    assert (found["days"], found["tickers"], found["movers"]) == ([], [], [])
    assert found["rates"] == {"days": [], "currencies": []}
    assert found["datasets"][0] | {"description": ""} == {
        "name": PRICES, "description": "", "first": None, "last": None, "last_due": "2026-01-09",
        "due": 5, "complete": 0, "behind": 5,
    }  # fmt: skip
    assert found["simulated"] == "prices are simulated (seed 7), rates are the ECB's own"


def test_one_day_has_a_price_and_no_change() -> None:
    (ticker,) = made(closes_and_averages=[close("AZN.L", "2026-01-05", 100.0)])["tickers"]
    assert ticker["series"]["close"] == [100.0]
    assert ticker["series"]["average_20"] == [None]
    assert (ticker["company"], ticker["sector"], ticker["last_dt"]) == ("AZN.L", "unknown", "2026-01-05")
    assert "one_day" not in ticker


def test_a_missing_day_has_its_place_on_the_axis_between_days_and_not_outside_them() -> None:
    rows = [close("AZN.L", "2026-01-06", 1.0), close("AZN.L", "2026-01-08", 2.0)]
    missing = [{"dataset": PRICES, "missing_day": f"2026-01-0{day}"} for day in (5, 7, 9)]
    other = [{"dataset": "fx_rates", "missing_day": "2026-01-07"}]
    found = made(closes_and_averages=rows, missing_days=missing + other)
    assert found["days"] == ["2026-01-06", "2026-01-07", "2026-01-08"]
    assert found["tickers"][0]["series"]["close"] == [1.0, None, 2.0]
    assert made(closes_and_averages=rows, missing_days=other)["days"] == ["2026-01-06", "2026-01-08"]


def test_a_ticker_that_left_ends_where_it_ends() -> None:
    rows = [close("OLD.L", "2026-01-05", 3.0), *(close("NEW.L", f"2026-01-0{day}", 1.0) for day in (5, 6))]
    new, old = made(closes_and_averages=rows)["tickers"]
    assert (old["ticker"], old["last_dt"], old["series"]["close"]) == ("OLD.L", "2026-01-05", [3.0, None])
    assert new["last_dt"] == "2026-01-06"


def test_numbers_are_short_and_what_json_lacks_is_null() -> None:
    found = made(
        closes_and_averages=[close("AZN.L", "2026-01-05", 123.456789, average_20=math.nan, volume=12_345_678)],
        movers_of_day=[{"ticker": "AZN.L", "change": math.inf}],
        all_rates=[{"dt": "2026-01-05", "base_currency": "EUR", "target_currency": "USD", "rate": 1.23456789}],
    )
    series = found["tickers"][0]["series"]
    assert (series["close"], series["average_20"], series["volume"]) == ([123.457], [None], [12_345_678])
    assert found["movers"] == [{"ticker": "AZN.L", "change": None}]
    assert found["rates"]["currencies"] == [{"symbol": "USD", "base": "EUR", "values": [1.23457]}]


def test_long_lists_are_cut_and_say_how_long_they_are() -> None:
    gaps = [{"dataset": PRICES, "symbol": "AZN.L", "days_without": n} for n in range(SHOWN_ROWS + 5)]
    found = made(symbol_gaps=gaps)["lists"]["symbol_gaps"]
    assert (found["count"], len(found["rows"])) == (SHOWN_ROWS + 5, SHOWN_ROWS)


def test_how_far_a_dataset_is_behind() -> None:
    (found,) = made(inventory(date(2026, 1, 5), date(2026, 1, 7)))["datasets"]
    assert (found["last"], found["last_due"], found["behind"], found["complete"]) == ("2026-01-07", "2026-01-09", 2, 2)


def test_the_window_is_the_year_to_the_last_day_stored() -> None:
    stock = [stored(PRICES, "2022-12-29", "2022-12-30"), stored("fx_rates", "2023-01-02")]
    found = choose_window(account(), stock, None, None)
    assert (found.start, found.end, found.day) == (date(2022, 1, 2), date(2023, 1, 2), date(2022, 12, 30))
    assert choose_window(account(), stock, date(2022, 12, 1), date(2022, 12, 29)).day == date(2022, 12, 29)


def test_a_lake_with_nothing_has_a_window_to_the_last_day_due() -> None:
    nothing = choose_window(account("2024-02-29"), [stored(PRICES)], None, None)
    assert nothing == Window(date(2023, 2, 28), date(2024, 2, 29), None)
    assert year_before(date(2024, 2, 29)) == date(2023, 2, 28)


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(Refusal, match="starts on 2022-02-01 and ends on 2022-01-01"):
        choose_window(account(), [stored(PRICES)], date(2022, 2, 1), date(2022, 1, 1))


@pytest.mark.parametrize("name", questions(WINDOW))
def test_each_question_is_a_saved_query_that_takes_what_it_is_given(name: str) -> None:
    query = find_query(name)
    given = [f"{key}={value}" for key, value in questions(WINDOW)[name].items()]
    assert len(literals_of(query, given)) == len(query.places)


def test_no_section_reads_a_query_that_is_not_asked() -> None:
    folder = Path(questions.__code__.co_filename).parent / "static"
    scripts = "".join(path.read_text("utf-8") for path in folder.glob("*.js"))
    assert [name for name in questions(WINDOW) if f'"{name}"' not in scripts and f"  {name}:" not in scripts] == [
        "highs_and_lows",
        "volatility_and_drawdown",
        "rows_by_month",
    ], "a question whose failure no section shows; two are lines among a ticker's facts, one is what a share is of"


def test_rows_in_doubt_are_listed_beside_the_number_of_all_rows() -> None:
    flagged = {"dataset": PRICES, "dt": "2026-01-05", "symbol": "AZN.L", "flags": "ordered"}
    months = [{"dataset": name, "month": "2026-01", "days": 5, "row_count": 20, "flagged": 1} for name in (PRICES, "x")]
    found = made(flagged_rows=[flagged], rows_by_month=months)
    assert found["lists"]["flagged_rows"] == {"count": 1, "rows": [flagged]}
    assert found["rows"] == 40


def test_a_price_is_in_the_currency_of_its_ticker() -> None:
    companies = [{"ticker": "MTLN.L", "company": "Metlen", "sector": "x", "currency": "EUR"}]
    (ticker,) = made(closes_and_averages=[close("MTLN.L", "2026-01-05", 40.0)], companies=companies)["tickers"]
    assert ticker["currency"] == "EUR"
