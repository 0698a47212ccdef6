from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.sources.app import SourcesApp
from infra.sources.closes_file import FilePrices, PriceFileError
from infra.sources.frankfurter import EcbRates
from infra.sources.http_messages import Request, Response
from infra.sources.prices import stamp


def chart(app: SourcesApp, symbol: str, start: date, end: date, **more: str) -> Response:
    query = "&".join(f"{name}={value}" for name, value in more.items())
    target = f"/yahoo/v8/finance/chart/{symbol}?period1={stamp(start)}&period2={stamp(end)}&interval=1d&{query}"
    return app.handle(Request("GET", target))


def result_of(response: Response) -> dict[str, Any]:
    assert response.status == 200, response.body
    result: dict[str, Any] = json.loads(response.body)["chart"]["result"][0]
    return result


def test_a_window_is_half_open_and_bars_open_at_eight_in_london(app: SourcesApp) -> None:
    result = result_of(chart(app, "BP.L", date(2022, 3, 25), date(2022, 3, 30)))
    assert result["timestamp"] == [stamp(day) for day in (date(2022, 3, 25), date(2022, 3, 28), date(2022, 3, 29))]
    # The clocks went forward on the 27th: the same local time is an hour less in UTC.
    assert [at % 86400 // 3600 for at in result["timestamp"]] == [8, 7, 7]
    quote = result["indicators"]["quote"][0]
    assert sorted(quote) == ["close", "high", "low", "open", "volume"]
    assert {len(values) for values in quote.values()} == {3}


def test_metadata_is_what_yfinance_needs_and_says_simulated(app: SourcesApp) -> None:
    response = chart(app, "BP.L", date(2022, 1, 4), date(2022, 2, 4))
    meta = result_of(response)["meta"]
    assert response.source == "simulated"
    assert meta["longName"] == "BP (simulated)"
    assert (meta["currency"], meta["exchangeTimezoneName"], meta["instrumentType"]) == (
        "GBp",
        "Europe/London",
        "EQUITY",
    )
    assert meta["firstTradeDate"] == stamp(date(2000, 1, 4))
    assert meta["chartPreviousClose"] > 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    start=st.dates(date(2000, 1, 4), date(2025, 12, 1)),
    days=st.integers(1, 400),
    inner=st.tuples(st.integers(0, 300), st.integers(1, 100)),
)
def test_a_bar_does_not_depend_on_the_window(app: SourcesApp, start: date, days: int, inner: tuple[int, int]) -> None:
    def bars(first: int, last: int) -> dict[int, tuple[float, ...]]:
        begin, end = (date.fromordinal(start.toordinal() + offset) for offset in (first, last))
        result = result_of(chart(app, "BP.L", begin, end))
        if "timestamp" not in result:
            return {}
        columns = [*result["indicators"]["quote"][0].values(), result["indicators"]["adjclose"][0]["adjclose"]]
        return dict(zip(result["timestamp"], zip(*columns, strict=True), strict=True))

    narrow, wide = bars(inner[0], sum(inner)), bars(0, days + sum(inner))
    assert narrow.items() <= wide.items()


def test_events_are_those_of_the_window(app: SourcesApp) -> None:
    whole = result_of(chart(app, "AAF.L", date(2000, 1, 1), date(2026, 10, 31)))["events"]["dividends"]
    day = date.fromtimestamp(int(sorted(whole)[5]))
    part = result_of(chart(app, "AAF.L", day, date.fromordinal(day.toordinal() + 1)))["events"]["dividends"]
    assert part == {str(stamp(day)): whole[str(stamp(day))]}
    assert part[str(stamp(day))]["amount"] > 0


def test_no_answer_is_given_as_yahoo_gives_it(app: SourcesApp) -> None:
    unknown = chart(app, "NOPE.L", date(2022, 1, 1), date(2022, 2, 1))
    assert unknown.status == 404
    assert json.loads(unknown.body) == {
        "chart": {
            "result": None,
            "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
        }
    }
    early = chart(app, "AAF.L", date(2010, 1, 1), date(2010, 2, 1))
    assert early.status == 400
    assert json.loads(early.body)["chart"]["error"]["description"].startswith("Data doesn't exist for startDate")
    weekend = result_of(chart(app, "BP.L", date(2022, 1, 8), date(2022, 1, 10)))
    assert "timestamp" not in weekend
    assert weekend["indicators"]["quote"] == [{}]


@pytest.mark.parametrize("query", ["interval=1h", "range=2w", "period1=x&interval=1d"])
def test_arguments_that_make_no_sense_are_refused(app: SourcesApp, query: str) -> None:
    response = app.handle(Request("GET", f"/yahoo/v8/finance/chart/BP.L?{query}"))
    assert response.status == 400
    assert json.loads(response.body)["chart"]["error"]["code"] == "Bad Request"


@pytest.mark.parametrize(("asked", "bars"), [("1d", 1), ("5d", 5), ("1y", 253)])
def test_a_range_counts_back_from_the_last_day(app: SourcesApp, asked: str, bars: int) -> None:
    result = result_of(app.handle(Request("GET", f"/yahoo/v8/finance/chart/%5EFTSE?range={asked}&interval=1d")))
    assert len(result["timestamp"]) == pytest.approx(bars, abs=2)
    assert result["timestamp"][-1] == stamp(date(2026, 10, 30))


def test_closes_of_a_file_are_served_as_flat_bars(tmp_path: Path, rates: EcbRates) -> None:
    path = tmp_path / "closes.csv.gz"
    path.write_bytes(gzip.compress(b"Date,BARC,BP.L,^FTSE\n2023-05-31,151.34,453.3,7446.14\n2023-05-30,155.8,,\n"))
    app = SourcesApp(FilePrices(path, {"BP.L": "BP"}), rates)
    response = chart(app, "BARC.L", date(2023, 5, 1), date(2023, 6, 30))
    result = result_of(response)
    assert response.source == "file"
    quote = result["indicators"]["quote"][0]
    assert quote["open"] == quote["high"] == quote["low"] == quote["close"] == [155.8, 151.34]
    assert quote["volume"] == [0, 0]
    assert result["indicators"]["adjclose"] == [{"adjclose": [155.8, 151.34]}]
    assert result["meta"]["longName"] == "BARC.L (closes of closes.csv.gz)"
    assert result_of(chart(app, "BP.L", date(2023, 5, 1), date(2023, 6, 30)))["timestamp"] == [stamp(date(2023, 5, 31))]
    index = result_of(chart(app, "^FTSE", date(2023, 5, 1), date(2023, 6, 30)))
    quoted = [(shown["meta"]["currency"], shown["meta"]["instrumentType"]) for shown in (result, index)]
    assert quoted == [("GBp", "EQUITY"), ("GBP", "INDEX")]
    health = app.health()
    assert health["prices"] == {
        "source": "file",
        "simulated": False,
        "file": "closes.csv.gz",
        "symbols": 3,
        "first_day": "2023-05-30",
        "last_day": "2023-05-31",
    }
    assert health["last_day"] == "2023-05-31"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "header needs a date column"),
        ("Date,A,A.L\n2023-01-03,1,1\n", "each once"),
        ("Date,A\n", "no lines below the header"),
        ("Date,A\nyesterday,1\n", "line 2: 'yesterday' is not an ISO date"),
        ("Date,A\n2023-01-03,1\n2023-01-03,2\n", "a date twice"),
        ("Date,A\n2023-01-03,one\n", "line 2"),
        ("Date,A\n2023-01-03,-1\n", "A.L: -1.0 is not a price"),
        ("Date,A\n2023-01-03,1,2\n", "3 cells where the header has 2"),
    ],
)
def test_a_bad_file_of_closes_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "closes.csv"
    path.write_text(text)
    with pytest.raises(PriceFileError, match=said):
        FilePrices(path)


def test_a_missing_file_of_closes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match="cannot read the prices"):
        FilePrices(tmp_path / "none.csv")
