from __future__ import annotations

import csv
import io
import time
from datetime import date
from typing import Any

import pytest

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.yahoo import YahooSource
from fetch.sources.yahoo_chart import NO_CURRENCY
from fetch.sources.yahoo_session import THROTTLED_IN_A_ROW
from infra.sources.server import SourcesServer
from marketlake.calendars import trading_days
from marketlake.errors import InvalidRequest, TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from tests.inject import Inject

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
WEEK = trading_days("london", date(2022, 3, 7), date(2022, 3, 11))
CHARTS = "/v8/finance/chart/"


def fetch(server: SourcesServer, symbols: list[str], timeout: float = 5, concurrency: int = 4) -> FetchedDays:
    source = YahooSource(server.yahoo_url, timeout, concurrency)
    return source.fetch(FetchRequest(WEEK, symbols, 10))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_closed_door_is_left_alone(
    server: SourcesServer, inject: Inject, symbols: list[str], concurrency: int
) -> None:
    inject(kind="status", status=429, match=CHARTS)
    with pytest.raises(UpstreamThrottled) as caught:
        fetch(server, symbols, concurrency=concurrency)
    message = str(caught.value)
    assert "failed for 9 of 9 symbols (9 UpstreamThrottled)" in message
    assert "AZN.L, BARC.L, BP.L, BT-A.L, ..." in message
    assert len(message) <= 400
    assert len(server.requests) <= THROTTLED_IN_A_ROW + concurrency - 1


BAD_ANSWERS: list[tuple[dict[str, Any], type[TransientError], str]] = [
    ({"kind": "status", "status": 500}, UpstreamUnavailable, "status 500"),
    ({"kind": "status", "status": 503}, UpstreamUnavailable, "status 503"),
    ({"kind": "reset"}, UpstreamUnavailable, "no complete answer"),
    ({"kind": "hang", "seconds": 4}, UpstreamUnavailable, "no answer in time"),
    ({"kind": "html"}, UpstreamMalformed, "an HTML page"),
    ({"kind": "truncated"}, UpstreamMalformed, "truncated"),
    ({"kind": "empty"}, UpstreamMalformed, "an empty answer"),
]


@pytest.mark.parametrize(("rule", "error", "said"), BAD_ANSWERS)
def test_a_source_that_fails_costs_the_batch(
    server: SourcesServer, inject: Inject, symbols: list[str], rule: dict[str, Any], error: Any, said: str
) -> None:
    inject(**rule, match=CHARTS)
    started = time.monotonic()
    with pytest.raises(error, match=said) as caught:
        fetch(server, symbols, timeout=0.4)
    assert time.monotonic() - started < 6
    assert "failed for 9 of 9 symbols" in str(caught.value)
    assert "AZN.L, BARC.L" in str(caught.value)
    assert len(server.requests) <= 8, "more failed than a batch may lose: nothing to win by asking on"


@pytest.mark.parametrize(("rule", "error", "said"), BAD_ANSWERS)
def test_a_symbol_that_fails_costs_itself(
    server: SourcesServer, inject: Inject, symbols: list[str], rule: dict[str, Any], error: Any, said: str
) -> None:
    inject(**rule, match=f"{CHARTS}BP.L")
    fetched = fetch(server, symbols, timeout=0.4)
    assert list(fetched.failed_symbols) == ["BP.L"]
    assert said in fetched.failed_symbols["BP.L"]
    assert fetched.missing_symbols == {}
    assert fetched.rows == dict.fromkeys(WEEK, len(symbols) - 1)
    asked = len([line for line in server.requests if "BP.L" in line])
    # Where a connection that was kept is closed without an answer, curl asks once more by itself, over a new one
    # (https://github.com/curl/curl/pull/18417).
    assert asked in ((2, 3, 4) if rule["kind"] == "reset" else (2,))
    with pytest.raises(error, match=said):
        fetch(server, ["BP.L"], timeout=0.4)


def test_a_bar_that_comes_twice_with_the_same_values_is_one(
    server: SourcesServer, inject: Inject, symbols: list[str]
) -> None:
    honest = fetch(server, symbols)
    inject(kind="duplicate_day", dates=["2022-03-09"])
    assert fetch(server, symbols) == honest


@pytest.mark.parametrize("kind", ["html", "truncated", "empty", "reset", "duplicate_day", "no_currency"])
def test_what_heals_when_asked_again_is_complete(
    server: SourcesServer, inject: Inject, symbols: list[str], kind: str
) -> None:
    honest = fetch(server, symbols)
    inject(kind=kind, match=f"{CHARTS}BP.L", times=1)
    assert fetch(server, symbols) == honest
    assert inject.switch.injected() == {("upstream", kind): 1}


def test_the_error_that_most_asks_for_patience_is_raised(
    server: SourcesServer, inject: Inject, symbols: list[str]
) -> None:
    inject(kind="html", match="chart/BP.L")
    inject(kind="status", status=429, match="chart/VOD.L")
    with pytest.raises(UpstreamThrottled, match=r"2 of 2 symbols \(1 UpstreamThrottled, 1 UpstreamMalformed\)"):
        fetch(server, ["BP.L", "VOD.L"])
    fetched = fetch(server, symbols)
    assert sorted(fetched.failed_symbols) == ["BP.L", "VOD.L"]
    assert fetched.rows == dict.fromkeys(WEEK, len(symbols) - 2)


def test_a_retry_in_the_same_process_does_not_see_the_old_answer(
    server: SourcesServer, inject: Inject, symbols: list[str]
) -> None:
    inject(kind="html", match=CHARTS)
    with pytest.raises(UpstreamMalformed):
        fetch(server, symbols)
    inject.clear()
    assert fetch(server, symbols).rows == dict.fromkeys(WEEK, len(symbols))


def test_a_symbol_without_a_currency_is_refused(server: SourcesServer, inject: Inject, symbols: list[str]) -> None:
    inject(kind="no_currency", match="chart/BP.L")
    fetched = fetch(server, symbols)
    assert fetched.missing_symbols == {"BP.L": NO_CURRENCY}
    assert fetched.rows == dict.fromkeys(WEEK, len(symbols) - 1)
    assert b"BP.L" not in b"".join([*fetched.days.values(), fetched.before or b""])


def test_bars_without_a_close_are_left_out(server: SourcesServer, inject: Inject, symbols: list[str]) -> None:
    honest = fetch(server, symbols)
    inject(kind="nan_bar", match="chart/BP.L", dates=["2022-03-04", "2022-03-09"])
    fetched = fetch(server, symbols)
    assert b"BP.L" not in fetched.days[date(2022, 3, 9)]
    assert fetched.rows[date(2022, 3, 9)] == len(symbols) - 1
    assert [day for day in WEEK if fetched.days[day] != honest.days[day]] == [date(2022, 3, 9)]
    # The bar before without a close is not a context either: the last one with a close is.
    before = {row["ticker"]: row for row in csv.DictReader(io.StringIO((fetched.before or b"").decode()))}
    assert before["BP.L"].pop("dt") == "2022-03-03"
    thursday = YahooSource(server.yahoo_url).fetch(FetchRequest([date(2022, 3, 3)], ["BP.L"], 0))
    assert before["BP.L"] == next(csv.DictReader(io.StringIO(thursday.days[date(2022, 3, 3)].decode())))


def test_a_late_day_is_missing_and_a_shuffled_answer_is_not(
    server: SourcesServer, inject: Inject, symbols: list[str]
) -> None:
    honest = fetch(server, symbols)
    inject(kind="shuffle")
    assert fetch(server, symbols) == honest
    inject.clear()
    inject(kind="stale")
    assert list(fetch(server, symbols).days) == WEEK[:-1]


def test_unit_errors_pass_as_received_for_validation_to_find(server: SourcesServer, inject: Inject) -> None:
    honest = fetch(server, ["BP.L"])
    inject(kind="scale100", dates=[str(WEEK[2])])
    scaled = fetch(server, ["BP.L"])
    inject.clear()
    inject(kind="pence_for_pounds")
    assert [day for day in WEEK if scaled.days[day] != honest.days[day]] == [WEEK[2]]
    assert fetch(server, ["BP.L"]).days[WEEK[0]].endswith(b",GBP\n")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    source = YahooSource("http://127.0.0.1:9/yahoo", timeout=1)
    with pytest.raises(UpstreamUnavailable, match="failed for 2 of 2 symbols"):
        source.fetch(FetchRequest(WEEK, ["BP.L", "VOD.L"], 10))


@pytest.mark.parametrize("proxy", ["proxy:3128", "ftp://proxy:21", "http://", "http://proxy:port", "http://[::1"])
def test_a_proxy_that_is_none_is_refused(proxy: str) -> None:
    with pytest.raises(InvalidRequest, match="accepted are http://, https://, socks4://"):
        YahooSource(proxy=proxy)


def test_a_given_proxy_is_not_used_for_this_machine(server: SourcesServer) -> None:
    source = YahooSource(server.yahoo_url, proxy="http://127.0.0.1:9")
    assert source.fetch(FetchRequest(WEEK, ["BP.L"], 0)).rows == dict.fromkeys(WEEK, 1)
