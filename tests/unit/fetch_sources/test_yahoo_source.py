from __future__ import annotations

import csv
import io
import math
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from curl_cffi import requests as curl
from hypothesis import example, given
from hypothesis import strategies as st

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.yahoo import DEFAULT_BASE_URL, YahooSource, written
from fetch.sources.yahoo_client import YahooClient
from fetch.sources.yahoo_session import chart_symbol, retarget
from infra.sources.server import SourcesServer
from marketlake.calendars import trading_days

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
MARCH = trading_days("london", date(2022, 3, 1), date(2022, 3, 31))


def fetch(server: SourcesServer, days: list[date], symbols: list[str], **options: Any) -> FetchedDays:
    return YahooSource(server.yahoo_url, timeout=5, **options).fetch(FetchRequest(days, symbols, 10))


def rows_of(raw: bytes | None) -> list[dict[str, str]]:
    assert raw is not None
    return list(csv.DictReader(io.StringIO(raw.decode())))


def test_every_bar_comes_as_quoted(server: SourcesServer, symbols: list[str]) -> None:
    fetched = fetch(server, MARCH, symbols)
    assert list(fetched.days) == MARCH
    assert fetched.rows == dict.fromkeys(MARCH, len(symbols))
    assert fetched.missing_symbols == {}
    for day in MARCH:
        rows = rows_of(fetched.days[day])
        assert [row["ticker"] for row in rows] == symbols
        for row in rows:
            series = server.app.prices.series(row["ticker"])
            assert series is not None
            at = series.timeline.since(day)
            for name in ("open", "high", "low", "close", "adj_close"):
                assert row[name] == repr(float(getattr(series, name)[at])), (day, name)
            assert row["volume"] == str(series.volume[at])
            assert row["currency"] == "GBp"
            assert row["dividend"] == repr(float(series.dividends.get(at, 0.0)))


def test_dividends_and_splits_are_on_their_day(server: SourcesServer, symbols: list[str]) -> None:
    paid = [(symbol, at) for symbol in symbols if (s := server.app.prices.series(symbol)) for at in s.dividends]
    split = [(symbol, at) for symbol in symbols if (s := server.app.prices.series(symbol)) for at in s.splits]
    assert paid
    assert split
    for symbol, at in (paid[0], split[0]):
        series = server.app.prices.series(symbol)
        assert series is not None
        day = series.timeline.days[at]
        (row,) = rows_of(fetch(server, [day], [symbol]).days[day])
        assert float(row["dividend"]) == series.dividends.get(at, 0.0)
        ratio = series.splits[at].numerator / series.splits[at].denominator if at in series.splits else 0.0
        assert float(row["split_ratio"]) == ratio


def test_the_bars_before_are_the_context_in_their_order(server: SourcesServer, symbols: list[str]) -> None:
    fetched = fetch(server, MARCH[3:], symbols)
    earlier = YahooSource(server.yahoo_url, timeout=5).fetch(FetchRequest(MARCH[:3], symbols, 0))
    found = [row for row in rows_of(fetched.before) if row["ticker"] == "BP.L"]
    bars = [{"dt": f"{day}", **row} for day in MARCH[:3] for row in rows_of(earlier.days[day])]
    assert found[-3:] == [row for row in bars if row["ticker"] == "BP.L"]
    assert len(found) == len(trading_days("london", date(2022, 2, 22), MARCH[2]))
    assert [row["ticker"] for row in rows_of(fetched.before)] == [t for t in symbols for _ in found]
    assert set(fetched.days).isdisjoint(MARCH[:3])


def test_bytes_depend_on_nothing_but_the_data(server: SourcesServer, symbols: list[str]) -> None:
    one_by_one = fetch(server, MARCH, symbols, concurrency=1)
    together = fetch(server, MARCH, symbols[::-1], concurrency=4)
    assert one_by_one == together
    assert fetch(server, MARCH[3:5], symbols).days == {day: one_by_one.days[day] for day in MARCH[3:5]}


def test_one_request_a_symbol(server: SourcesServer, symbols: list[str]) -> None:
    # RR.L is in no other test: nothing is known of it yet.
    asked = sorted([*symbols, "RR.L"])
    fetch(server, MARCH, asked)
    charts = sorted(line.split("?")[0] for line in server.requests if "/chart/" in line)
    assert charts == [f"GET /yahoo/v8/finance/chart/{symbol}" for symbol in asked]
    server.requests.clear()
    fetch(server, MARCH, asked)
    assert len(server.requests) == len(asked)


def test_nothing_is_asked_of_any_other_host(
    server: SourcesServer, symbols: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, asked = curl.Session.request, []

    def noted(session: Any, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(url)
        return request(session, method, url, *args, **kwargs)

    monkeypatch.setattr(curl.Session, "request", noted)
    # A refused symbol would make yfinance ask for a new crumb, for which it has other hosts.
    fetch(server, MARCH, ["NOPE.L", *symbols])
    assert {url.rsplit("/", 1)[0] for url in asked} == {f"{server.yahoo_url}/v8/finance/chart"}
    assert len(server.requests) == len(asked)


def test_unwanted_days_are_not_given_and_missing_days_are_absent(server: SourcesServer) -> None:
    days = [date(2022, 4, 14), date(2022, 4, 15), date(2022, 4, 20)]
    fetched = fetch(server, days, ["BP.L"])
    assert list(fetched.days) == [days[0], days[2]]


@given(
    st.lists(
        st.floats()
        | st.floats(-1e6, 1e6)
        | st.floats(5e-5, 2e-4)
        | st.floats(9e15, 2e16)
        | st.integers(-(2**53), 2**53)
    )
)
@example([0.0001, 0.00009999999999999999, -0.0, 9999999999999998.0])
@example([1e16])
@example([math.nan])
def test_values_are_written_by_repr(values: list[float]) -> None:
    assert written(values) == [repr(value) if math.isfinite(value) else "" for value in values]


def test_without_symbols_or_trading_there_is_nothing(server: SourcesServer) -> None:
    assert fetch(server, MARCH[:2], []).days == {}
    weekend = FetchRequest([date(2022, 1, 8)], ["BP.L"], 0)
    fetched = YahooSource(server.yahoo_url).fetch(weekend)
    assert (fetched.days, fetched.before) == ({}, None)
    assert fetched.missing_symbols == {"BP.L": "no bar in the days asked for"}


def test_unknown_and_unlisted_symbols_are_asked_again_and_named(server: SourcesServer, symbols: list[str]) -> None:
    days = trading_days("london", date(2015, 3, 2), date(2015, 3, 6))
    fetched = fetch(server, days, ["NOPE.L", "AAF.L", *symbols])
    assert sorted(fetched.missing_symbols) == ["AAF.L", "NOPE.L"]
    assert fetched.missing_symbols["NOPE.L"] == "No data found, symbol may be delisted"
    assert fetched.missing_symbols["AAF.L"].startswith("Data doesn't exist for startDate")
    assert fetched.rows == dict.fromkeys(days, len(symbols))
    assert len([line for line in server.requests if "chart/NOPE.L" in line]) == 2


def test_indices_come_in_points(server: SourcesServer) -> None:
    (row,) = rows_of(fetch(server, MARCH[:1], ["^FTSE"]).days[MARCH[0]])
    assert (row["ticker"], row["currency"]) == ("^FTSE", "GBP")


def test_the_home_directory_is_left_alone(server: SourcesServer, tmp_path: Path) -> None:
    program = (
        "from datetime import date; from fetch.sources.base import FetchRequest as R;"
        "from fetch.sources.yahoo import YahooSource as S;"
        f"print(S({server.yahoo_url!r}).fetch(R([date(2022, 3, 1)], ['BP.L'], 0)).rows)"
    )
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment |= {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "{datetime.date(2022, 3, 1): 1}\n"
    assert done.stderr == ""
    assert (os.listdir(home), os.listdir(temporary)) == ([], [])


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(fetch(server, MARCH[:2], ["BP.L"]).days) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://query2.finance.yahoo.com/v8/finance/chart/BP.L", "http://h:1/yahoo/v8/finance/chart/BP.L"),
        ("https://fc.yahoo.com", "http://h:1/yahoo"),
        ("https://consent.yahoo.com/v2/collectConsent?sessionId=1", "http://h:1/yahoo/v2/collectConsent?sessionId=1"),
    ],
)
def test_all_hosts_of_yahoo_are_mapped(url: str, expected: str) -> None:
    assert retarget(url, "http://h:1/yahoo/") == expected


def test_chart_requests_are_recognised() -> None:
    assert chart_symbol("https://query2.finance.yahoo.com/v8/finance/chart/%5Eftse?x=1") == "^FTSE"
    assert chart_symbol("https://query1.finance.yahoo.com/v1/test/getcrumb") is None


@pytest.mark.parametrize("url", [DEFAULT_BASE_URL, DEFAULT_BASE_URL + "/"])
def test_the_default_address_is_not_rewritten(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str | None, int]] = []
    monkeypatch.setattr(YahooClient, "__init__", lambda _, target, __, threads, *___: made.append((target, threads)))
    YahooSource(url)
    YahooSource("http://mirror.example/yahoo")
    YahooSource("http://localhost:8130/yahoo")
    assert made == [(None, 4), ("http://mirror.example/yahoo", 4), ("http://localhost:8130/yahoo", 1)]
