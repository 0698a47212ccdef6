from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.frankfurter import FrankfurterSource
from infra.sources.frankfurter import default_path
from infra.sources.server import SourcesServer
from marketlake.calendars import trading_days
from marketlake.errors import InvalidRequest, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from tests.inject import Inject

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
WEEK = [date(2023, 1, day) for day in (2, 3, 4, 5, 6)]


def fetch(
    server: SourcesServer, days: list[date], symbols: list[str] | None = None, base: str = "EUR", timeout: float = 5
) -> FetchedDays:
    return FrankfurterSource(server.frankfurter_url, base, timeout).fetch(FetchRequest(days, symbols or [], 10))


def test_every_rate_of_2023_equals_the_ecb_file(server: SourcesServer) -> None:
    days = trading_days("target", date(2023, 1, 1), date(2023, 12, 31))
    fetched = fetch(server, days)
    with zipfile.ZipFile(default_path()) as archive, archive.open("eurofxref-hist.csv") as raw:
        published = {
            date.fromisoformat(row["Date"]): {
                code: Decimal(rate) for code, rate in row.items() if len(code) == 3 and rate != "N/A"
            }
            for row in csv.DictReader(io.TextIOWrapper(raw, "ascii"))
            if row["Date"].startswith("2023")
        }
    received = {day: json.loads(raw, parse_float=Decimal)["rates"] for day, raw in fetched.days.items()}
    assert received == published
    assert fetched.rows == {day: len(rates) for day, rates in published.items()}
    assert fetched.missing_symbols == {}
    assert len(server.requests) == 1


def test_a_day_is_stored_as_the_api_answers_for_it_alone(server: SourcesServer) -> None:
    fetched = fetch(server, WEEK)
    with httpx.Client(trust_env=False) as client:
        assert fetched.days[WEEK[1]] == client.get(f"{server.frankfurter_url}/2023-01-03").content
        assert fetched.before == client.get(f"{server.frankfurter_url}/2022-12-30").content
    assert fetched.days == fetch(server, WEEK).days


def test_days_that_were_not_published_are_absent(server: SourcesServer) -> None:
    fetched = fetch(server, [date(2023, 4, 6), date(2023, 4, 7), date(2023, 4, 8), date(2023, 4, 11)])
    assert list(fetched.days) == [date(2023, 4, 6), date(2023, 4, 11)]


def test_only_wanted_days_are_given(server: SourcesServer) -> None:
    fetched = fetch(server, [WEEK[0], WEEK[4]])
    assert list(fetched.days) == [WEEK[0], WEEK[4]]


def test_before_the_first_day_there_is_nothing(server: SourcesServer) -> None:
    first = fetch(server, [date(1999, 1, 4)])
    assert (list(first.days), first.before) == ([date(1999, 1, 4)], None)
    none = fetch(server, [date(1998, 6, 1), date(1998, 6, 2)], ["USD"])
    assert (none.days, none.before) == ({}, None)
    assert none.missing_symbols == {"USD": "no rate in the days asked for"}


def test_after_the_last_day_only_the_context_comes(server: SourcesServer) -> None:
    fetched = fetch(server, [date(2026, 11, 2)])
    assert fetched.days == {}
    assert fetched.before is not None
    assert json.loads(fetched.before)["date"] == "2026-10-30"


def test_symbols_restrict_and_the_base_itself_is_not_asked(server: SourcesServer) -> None:
    fetched = fetch(server, WEEK, ["EUR", "USD", "HRK"])
    assert json.loads(fetched.days[WEEK[0]])["rates"].keys() == {"USD"}
    assert fetched.missing_symbols == {"HRK": "no rate in the days asked for"}
    assert server.requests[0].endswith("?base=EUR&symbols=USD%2CHRK")


def test_another_base_is_asked_of_the_service(server: SourcesServer) -> None:
    document = json.loads(fetch(server, WEEK, base="USD").days[WEEK[0]])
    assert document["base"] == "USD"
    assert document["rates"]["EUR"] == 0.93607


@pytest.mark.parametrize(
    ("rule", "error", "said"),
    [
        ({"kind": "status", "status": 429}, UpstreamThrottled, "429"),
        ({"kind": "status", "status": 500}, UpstreamUnavailable, "500"),
        ({"kind": "status", "status": 503}, UpstreamUnavailable, "503"),
        ({"kind": "status", "status": 403}, UpstreamUnavailable, "403"),
        ({"kind": "status", "status": 404}, UpstreamMalformed, "FRANKFURTER_BASE_URL"),
        ({"kind": "status", "status": 418}, UpstreamMalformed, "418"),
        ({"kind": "hang", "seconds": 3}, UpstreamUnavailable, "did not answer in 0.3 s"),
        ({"kind": "reset"}, UpstreamUnavailable, "no complete answer"),
        ({"kind": "html"}, UpstreamMalformed, "an HTML page"),
        ({"kind": "truncated"}, UpstreamMalformed, "truncated"),
        ({"kind": "empty"}, UpstreamMalformed, "empty"),
        ({"kind": "nan_bar"}, UpstreamMalformed, "NaN"),
        ({"kind": "nan_bar", "symbol": "USD"}, UpstreamMalformed, "NaN"),
        ({"kind": "duplicate_day"}, UpstreamMalformed, "'2023-01-06' twice"),
    ],
)
def test_bad_answers_are_distinguished(
    server: SourcesServer, inject: Inject, rule: dict[str, Any], error: type[Exception], said: str
) -> None:
    inject(**rule)
    with pytest.raises(error, match=said) as caught:
        fetch(server, WEEK, timeout=0.3)
    assert len(str(caught.value)) <= 400


def test_arguments_that_the_service_refuses_are_not_retried(server: SourcesServer, inject: Inject) -> None:
    inject(kind="status", status=422)
    with pytest.raises(InvalidRequest, match="422"):
        fetch(server, WEEK)


def test_a_late_day_and_a_shuffled_answer_are_no_errors(server: SourcesServer, inject: Inject) -> None:
    honest = fetch(server, WEEK)
    inject(kind="shuffle")
    assert fetch(server, WEEK) == honest
    inject.clear()
    inject(kind="stale")
    assert list(fetch(server, WEEK).days) == WEEK[:-1]


def test_a_server_that_is_not_there_is_unavailable() -> None:
    source = FrankfurterSource("http://127.0.0.1:9/v1", timeout=1)
    with pytest.raises(UpstreamUnavailable, match="no complete answer"):
        source.fetch(FetchRequest(WEEK, [], 10))


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(fetch(server, WEEK).days) == 5
