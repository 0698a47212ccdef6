"""The live path as it runs live: the real session, over TLS, with cookie, crumb and consent, on the loopback."""

from __future__ import annotations

import csv
import io
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yfinance.cache import get_cookie_cache, get_tz_cache, set_tz_cache_location

from fetch.sources import yahoo_client
from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.yahoo import RETRIES_LAST, YahooSource
from fetch.sources.yahoo_session import LONGEST_WAIT, seconds_to_wait
from infra.client.machine import shipped_machine
from marketlake.errors import UpstreamThrottled, UpstreamUnavailable
from tests.unit.fetch_sources.yahoo_hosts import Reply, YahooHosts, certificate, serving

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
LONDON = ZoneInfo("Europe/London")
DAYS = [date(2023, 1, 4), date(2023, 1, 5), date(2023, 1, 6)]
OPENED = [int(datetime(day.year, day.month, day.day, 8, tzinfo=LONDON).timestamp()) for day in DAYS]
SYMBOLS = [f"S{number:02}.L" for number in range(40)]
CHART = "/v8/finance/chart/"
COOKIE = {"Set-Cookie": "A3=given; Domain=.yahoo.com; Path=/; Expires=Fri, 01 Jan 2038 00:00:00 GMT"}
THROTTLED = Reply("Edge: Too Many Requests", 429)
FORM = (
    '<html><form method="post" action="https://consent.yahoo.com/v2/collectConsent?sessionId=1">'
    '<input name="csrfToken" value="t"/><input name="sessionId" value="1"/></form></html>'
)


def chart(symbol: str, stamps: list[int] = OPENED, closes: list[float | None] | None = None, **meta: Any) -> str:
    bars = [1.0 * (1 + at) for at in range(len(stamps))]
    quote = dict.fromkeys(("open", "high", "low"), bars) | {"close": closes or bars, "volume": [1] * len(stamps)}
    metadata = {
        "currency": "GBp",
        "symbol": symbol,
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "Europe/London",
        "validRanges": [],
        **meta,
    }
    result = {"meta": metadata, "timestamp": stamps, "indicators": {"quote": [quote]}}
    return json.dumps({"chart": {"result": [result], "error": None}})


class Yahoo:
    """Well-behaved hosts; tests change them."""

    def __init__(self) -> None:
        self.charts: dict[str, Reply] = {}
        self.cookie = Reply("", 404, COOKIE)
        self.crumb = Reply("crumb")
        self.wall: Reply | None = None
        self.consents = False

    def __call__(self, host: str, path: str, cookies: str) -> Reply:
        if self.wall:
            return self.wall
        where = urlsplit(path).path
        if host == "fc.yahoo.com":
            return self.cookie
        if where.endswith("/getcrumb"):
            return self.crumb
        if host == "guce.yahoo.com" or where == "/page":
            return Reply(FORM)
        if host == "consent.yahoo.com":
            agreed = {"Set-Cookie": "agreed=1; Domain=.yahoo.com; Path=/"}
            return Reply("", 302, {**agreed, "Location": f"https://query2.finance.yahoo.com{CHART}S00.L?x=1"})
        if self.consents and "agreed=1" not in cookies:
            return Reply("", 302, {"Location": "https://consent.yahoo.com/page"})
        symbol = unquote(where.removeprefix(CHART))
        return self.charts.get(symbol) or Reply(chart(symbol))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def yahoo() -> Yahoo:
    return Yahoo()


@pytest.fixture
def hosts(yahoo: Yahoo, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[YahooHosts]:
    # A new process has no cookie from an earlier one.
    set_tz_cache_location(yahoo_client._cache_directory().name)
    get_cookie_cache().store("curlCffi", None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[1]))
    with serving(yahoo, tls[0]) as running:
        yield running


def fetch(hosts: YahooHosts, symbols: list[str], **options: Any) -> FetchedDays:
    return YahooSource(proxy=hosts.proxy, **{"timeout": 5.0, **options}).fetch(FetchRequest(DAYS, symbols, 0))


def closes(fetched: FetchedDays) -> dict[date, list[str]]:
    rows = {day: csv.DictReader(io.StringIO(body.decode())) for day, body in fetched.days.items()}
    return {day: [row["close"] for row in found] for day, found in rows.items()}


def charts(hosts: YahooHosts) -> list[str]:
    return sorted(unquote(line.rsplit("/", 1)[1]) for line in hosts.requests if CHART in line)


def test_each_chart_is_asked_for_once_after_one_cookie_and_one_crumb(hosts: YahooHosts) -> None:
    fetched = fetch(hosts, [*SYMBOLS, "^FTSE"])
    assert fetched.rows == dict.fromkeys(DAYS, 41)
    assert charts(hosts) == sorted([*SYMBOLS, "^FTSE"])
    asides = [line for line in hosts.requests if CHART not in line]
    assert asides == ["GET fc.yahoo.com/", "GET query1.finance.yahoo.com/v1/test/getcrumb"]


@pytest.mark.parametrize("concurrency", [1, 4, 8])
def test_a_wall_of_429_gets_at_most_twelve_requests(hosts: YahooHosts, yahoo: Yahoo, concurrency: int) -> None:
    yahoo.wall = THROTTLED
    with pytest.raises(UpstreamThrottled, match="failed for 40 of 40 symbols"):
        fetch(hosts, SYMBOLS, concurrency=concurrency)
    assert 0 < len(hosts.requests) <= 12


def test_charts_alone_that_are_throttled_get_at_most_twelve_requests(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.charts = dict.fromkeys(SYMBOLS, THROTTLED)
    with pytest.raises(UpstreamThrottled):
        fetch(hosts, SYMBOLS)
    assert len(hosts.requests) <= 12


@pytest.mark.parametrize(
    ("retry_after", "said"),
    [
        ("60", "asks to wait 60 s (Retry-After); the batch is retried over 35 minutes"),
        ("7200", "asks to wait 7200 s (Retry-After), longer than the batch is retried: run it again after 2"),
        ("soon", "The batch is retried; if it stays so, run it again later"),
    ],
)
def test_retry_after_is_told(hosts: YahooHosts, yahoo: Yahoo, retry_after: str, said: str) -> None:
    yahoo.wall = Reply("", 429, {"Retry-After": retry_after})
    with pytest.raises(UpstreamThrottled) as caught:
        fetch(hosts, SYMBOLS)
    assert said in str(caught.value)


NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("Tue, 24 Nov 2026 18:30:00 GMT", 1800),
        ("Tue, 24 Nov 2026 17:30:00 GMT", None),
        ("Tue, 24 Nov 2026 18:30:00 -0000", None),
        ("-1", None),
        ("9" * 20, None),
        ("99999999", None),
        ("\u00bd", None),
        ("Wed, 32 Foo 9999 99:99:99 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, NOW) == seconds


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} (GMT|[+-][0-9]{4})\Z"))
def test_any_retry_after_is_read_or_not_believed(header: str) -> None:
    wait = seconds_to_wait(header, NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


def test_the_retries_last_as_long_as_the_definition_says() -> None:
    retrier = next(
        one for one in shipped_machine().state("Fetch").body["Retry"] if "UpstreamThrottled" in one["ErrorEquals"]
    )
    waits = [
        min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** number, retrier["MaxDelaySeconds"])
        for number in range(retrier["MaxAttempts"])
    ]
    assert sum(waits) == RETRIES_LAST.total_seconds()


def test_a_few_throttled_symbols_cost_themselves_and_are_not_asked_for_again(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.charts = {"S07.L": THROTTLED, "S23.L": THROTTLED}
    fetched = fetch(hosts, SYMBOLS)
    assert sorted(fetched.failed_symbols) == ["S07.L", "S23.L"]
    assert fetched.rows == dict.fromkeys(DAYS, 38)
    assert charts(hosts) == SYMBOLS


def test_a_throttled_crumb_is_no_obstacle(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.crumb = THROTTLED
    assert fetch(hosts, SYMBOLS).rows == dict.fromkeys(DAYS, 40)
    assert charts(hosts) == SYMBOLS


def test_a_cookie_host_that_hangs_costs_one_short_timeout(
    hosts: YahooHosts, yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetch.sources.yahoo_session.ASIDE_SECONDS", 0.4)
    yahoo.cookie = Reply(hang=True)
    started = time.monotonic()
    assert fetch(hosts, SYMBOLS).rows == dict.fromkeys(DAYS, 40)
    assert time.monotonic() - started < 4
    assert [line for line in hosts.requests if CHART not in line] == ["GET fc.yahoo.com/"]


def test_a_cookie_that_never_comes_does_not_double_the_requests(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.cookie = Reply("")
    assert fetch(hosts, SYMBOLS).rows == dict.fromkeys(DAYS, 40)
    assert len([line for line in hosts.requests if CHART not in line]) <= 12


def test_the_chart_after_the_consent_page_counts(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.consents = True
    fetched = fetch(hosts, ["S00.L"])
    assert fetched.rows == dict.fromkeys(DAYS, 1)
    assert "POST consent.yahoo.com/v2/collectConsent" in hosts.requests


def test_a_crumb_behind_the_consent_page_is_fetched_by_the_other_way(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.crumb = Reply("<html>consent</html>")
    assert fetch(hosts, SYMBOLS).rows == dict.fromkeys(DAYS, 40)
    assert charts(hosts) == SYMBOLS
    assert len(hosts.requests) - len(SYMBOLS) <= 12


def test_renamed_and_dead_symbols_are_told_apart(hosts: YahooHosts, yahoo: Yahoo) -> None:
    dead = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found, delisted"}}}
    yahoo.charts = {"S01.L": Reply(chart("NEW.L")), "S02.L": Reply(json.dumps(dead), 404)}
    fetched = fetch(hosts, SYMBOLS)
    assert fetched.missing_symbols == {
        "S01.L": "Yahoo answers for 'NEW.L' instead",
        "S02.L": "No data found, delisted",
    }
    assert fetched.rows == dict.fromkeys(DAYS, 38)
    assert fetched.last_bars == dict.fromkeys(sorted({*SYMBOLS} - {"S01.L", "S02.L"}), DAYS[-1])
    assert len([line for line in hosts.requests if CHART not in line]) == 2


@pytest.mark.parametrize("traded", [OPENED[-1] + 30_600, OPENED[-1] + 30_607])
def test_of_the_last_day_the_live_bar_counts_whatever_its_stamp(hosts: YahooHosts, yahoo: Yahoo, traded: int) -> None:
    stamps = [*OPENED, OPENED[-1] + 30_600]
    yahoo.charts = {"S00.L": Reply(chart("S00.L", stamps, regularMarketTime=traded))}
    fetched = fetch(hosts, ["S00.L"])
    assert closes(fetched) == {DAYS[0]: ["1.0"], DAYS[1]: ["2.0"], DAYS[2]: ["4.0"]}
    assert len(charts(hosts)) == 1


def test_a_bar_that_never_gets_its_close_is_left_out(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.charts = {"S00.L": Reply(chart("S00.L", closes=[1.0, 2.0, None]))}
    fetched = fetch(hosts, ["S00.L"])
    assert list(fetched.days) == DAYS[:2]
    assert fetched.last_bars == {"S00.L": DAYS[1]}


def test_two_bars_of_a_past_day_cost_that_day_when_asked_again_too(hosts: YahooHosts, yahoo: Yahoo) -> None:
    yahoo.charts = {"S00.L": Reply(chart("S00.L", [*OPENED, OPENED[1] + 60]))}
    fetched = fetch(hosts, SYMBOLS)
    assert fetched.rows == {DAYS[0]: 40, DAYS[1]: 39, DAYS[2]: 40}
    assert fetched.lost == {"S00.L": f"more than one bar on {DAYS[1]}"}
    assert charts(hosts).count("S00.L") == 2


def test_an_exception_inside_yfinance_is_named(
    hosts: YahooHosts, yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    yahoo.charts = {"S00.L": Reply(chart("S00.L").replace('"instrumentType": "EQUITY", ', ""))}
    fetched = fetch(hosts, SYMBOLS)
    assert "yfinance could not read (KeyError: 'instrumentType')" in fetched.missing_symbols["S00.L"]

    def broken(*_: Any, **__: Any) -> None:
        raise TypeError("a surprise")

    monkeypatch.setattr("yfinance.data.YfData._get_cookie_basic", broken)
    with pytest.raises(UpstreamUnavailable, match=r"before the chart was asked for \(TypeError: a surprise\)"):
        fetch(hosts, SYMBOLS)


def test_a_symbol_of_another_exchange_is_asked_for_in_its_own_time(hosts: YahooHosts, yahoo: Yahoo) -> None:
    opened = [at + 23_400 for at in OPENED]
    yahoo.charts = {"MSFT": Reply(chart("MSFT", opened, currency="USD", exchangeTimezoneName="America/New_York"))}
    assert fetch(hosts, ["MSFT"]).rows == dict.fromkeys(DAYS, 1)
    assert get_tz_cache().lookup("MSFT") == "America/New_York"


def test_an_untrusted_certificate_is_named(hosts: YahooHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with pytest.raises(UpstreamUnavailable, match="CertificateVerifyError"):
        fetch(hosts, ["S00.L"])
