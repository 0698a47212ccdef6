from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from infra.sources.app import SourcesApp
from infra.sources.frankfurter import EcbRates, default_path
from infra.sources.http_messages import Request, Response
from marketlake.calendars import trading_days


def get(app: SourcesApp, path: str) -> Response:
    return app.handle(Request("GET", f"/frankfurter/v1{path}"))


def document(app: SourcesApp, path: str) -> Any:
    response = get(app, path)
    assert response.status == 200, response.body
    return json.loads(response.body, parse_float=Decimal, parse_int=Decimal)


def ecb_file(year: str) -> dict[str, dict[str, Decimal]]:
    """The ECB file, read in another way than the server reads it."""
    with zipfile.ZipFile(default_path()) as archive, archive.open("eurofxref-hist.csv") as raw:
        rows = list(csv.DictReader(io.TextIOWrapper(raw, "ascii")))
    return {
        row["Date"]: {code: Decimal(rate) for code, rate in row.items() if len(code) == 3 and rate != "N/A"}
        for row in rows
        if row["Date"].startswith(year)
    }


@pytest.mark.parametrize("year", ["1999", "2023"])
def test_an_interval_has_every_rate_of_the_ecb_file_and_none_else(app: SourcesApp, year: str) -> None:
    start = f"{year}-01-02" if year == "2023" else f"{year}-01-04"
    answer = document(app, f"/{start}..{year}-12-31")
    assert answer["rates"] == ecb_file(year)
    assert (answer["amount"], answer["base"]) == (1, "EUR")
    assert (answer["start_date"], answer["end_date"]) == (min(answer["rates"]), max(answer["rates"]))


def test_the_days_of_2023_are_the_target_days(app: SourcesApp) -> None:
    days = document(app, "/2023-01-02..2023-12-31")["rates"]
    assert list(days) == [str(day) for day in trading_days("target", date(2023, 1, 1), date(2023, 12, 31))]


def test_digits_are_those_of_the_file(app: SourcesApp) -> None:
    body = get(app, "/1999-01-04").body.decode()
    assert body.startswith('{"amount":1.0,"base":"EUR","date":"1999-01-04","rates":{"AUD":1.91,"CAD":1.8004,')
    assert '"ITL"' not in body


def test_an_interval_begins_on_the_nearest_day_before_its_start(app: SourcesApp) -> None:
    assert list(document(app, "/2023-01-01..2023-01-03")["rates"]) == ["2022-12-30", "2023-01-02", "2023-01-03"]
    assert document(app, "/2023-01-01")["date"] == "2022-12-30"
    assert list(document(app, "/2026-10-29..")["rates"]) == ["2026-10-29", "2026-10-30"]
    assert document(app, "/latest")["date"] == "2026-10-30"


@pytest.mark.parametrize("path", ["/1998-01-01..1998-12-31", "/1998-12-31", "/2999-01-01..2999-01-31", "/nothing"])
def test_where_there_is_nothing_the_answer_is_not_found(app: SourcesApp, path: str) -> None:
    response = get(app, path)
    assert (response.status, response.body) == (404, b'{"message":"not found"}')


@pytest.mark.parametrize(
    "path",
    ["/2023-13-01", "/2023-01-01..2023-02-30", "/latest?base=EUR&symbols=EUR", "/latest?amount=-1", "/latest?amount=x"],
)
def test_arguments_that_make_no_sense_are_unprocessable(app: SourcesApp, path: str) -> None:
    response = get(app, path)
    assert response.status == 422
    assert json.loads(response.body)["message"]


def test_symbols_restrict_and_another_base_is_computed(app: SourcesApp) -> None:
    euro = document(app, "/2023-06-01?symbols=USD,GBP")["rates"]
    assert list(euro) == ["GBP", "USD"]
    dollar = document(app, "/2023-06-01?base=USD")
    assert dollar["base"] == "USD"
    assert "USD" not in dollar["rates"]
    assert dollar["rates"]["EUR"] == round(1 / euro["USD"], 5)
    assert dollar["rates"]["GBP"] == round(euro["GBP"] / euro["USD"], 5)
    assert get(app, "/2023-06-01?base=XXX").status == 404


def test_currencies_are_named(app: SourcesApp) -> None:
    names = document(app, "/currencies")
    assert names["USD"] == "US dollar"
    assert "EUR" in names
    assert "HRK" not in names


def test_every_day_of_the_file_is_known(rates: EcbRates) -> None:
    assert rates.days == sorted(set(rates.days))
    assert rates.days[0] == date(1999, 1, 4)
    assert all(rates.on(day) for day in rates.days)
