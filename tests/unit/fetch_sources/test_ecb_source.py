from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from fetch.sources import Addresses, source_of
from fetch.sources.base import FetchedDays, FetchRequest, Source
from fetch.sources.ecb import EcbSource
from fetch.sources.frankfurter import FrankfurterSource
from fetch.sources.rates import RatesOfDays, ReferenceRates
from infra.sources.server import SourcesServer
from marketlake.calendars import trading_days
from marketlake.errors import InvalidRequest, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable
from tests.inject import Inject
from tests.unit.lake import RATES

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
WEEK = [date(2023, 1, day) for day in (2, 3, 4, 5, 6)]
ECB, FRANKFURTER = "/ecb/", "/frankfurter/"


def fetch(source: Source, days: list[date] = WEEK, symbols: list[str] | None = None) -> FetchedDays:
    return source.fetch(FetchRequest(days, symbols or [], 10))


def ecb(server: SourcesServer) -> EcbSource:
    return EcbSource(server.ecb_url, timeout=0.5)


def frankfurter(server: SourcesServer) -> FrankfurterSource:
    return FrankfurterSource(server.frankfurter_url, timeout=0.5)


def both(server: SourcesServer) -> ReferenceRates:
    return ReferenceRates(ecb(server), frankfurter(server), "EUR")


def test_all_days_since_1999_are_the_same_bytes_from_either(server: SourcesServer) -> None:
    days = trading_days("target", date(1999, 1, 4), date(2023, 12, 31))
    patient = EcbSource(server.ecb_url, timeout=60), FrankfurterSource(server.frankfurter_url, timeout=60)
    first, second = (fetch(source, days[::100]) for source in patient)
    assert first == second
    assert len(first.days) > 60


def test_one_request_where_nothing_is_wrong(server: SourcesServer) -> None:
    assert len(fetch(both(server)).days) == 5
    assert list(server.requests) == [
        "GET /ecb/service/data/EXR/D..EUR.SP00.A?startPeriod=2022-12-23&endPeriod=2023-01-06&format=csvdata"
    ]


def test_symbols_restrict_and_the_base_itself_is_not_asked(server: SourcesServer) -> None:
    fetched = fetch(ecb(server), symbols=["EUR", "USD", "GBP", "HRK"])
    assert json.loads(fetched.days[WEEK[0]])["rates"].keys() == {"USD", "GBP"}
    assert fetched.missing_symbols == {"HRK": "no rate in the days asked for"}
    assert "/D.USD+GBP+HRK.EUR.SP00.A?" in server.requests[0]


def test_no_results_is_no_rates(server: SourcesServer) -> None:
    none = fetch(ecb(server), [date(1998, 6, 1)])
    assert (none.days, none.before) == ({}, None)


@pytest.mark.parametrize(
    ("rule", "error", "said"),
    [
        ({"kind": "status", "status": 429}, UpstreamThrottled, "429"),
        ({"kind": "status", "status": 500}, UpstreamUnavailable, "500"),
        ({"kind": "status", "status": 403}, UpstreamUnavailable, "403"),
        ({"kind": "status", "status": 400}, UpstreamMalformed, "400"),
        ({"kind": "hang", "seconds": 3}, UpstreamUnavailable, "did not answer in 0.5 s"),
        ({"kind": "reset"}, UpstreamUnavailable, "no complete answer"),
        ({"kind": "html"}, UpstreamMalformed, "a page or XML"),
        ({"kind": "truncated"}, UpstreamMalformed, "truncated"),
        ({"kind": "empty"}, UpstreamMalformed, "empty"),
        ({"kind": "nan_bar", "symbol": "USD"}, UpstreamMalformed, "NaN"),
        ({"kind": "duplicate_day"}, UpstreamMalformed, "2023-01-06 twice"),
    ],
)
def test_bad_answers_are_distinguished_and_frankfurter_stands_in(
    server: SourcesServer, inject: Inject, rule: dict[str, Any], error: type[Exception], said: str
) -> None:
    honest = fetch(frankfurter(server))
    inject(match=ECB, **rule)
    with pytest.raises(error, match=f"(?s){said}.*ECB_BASE_URL"):
        fetch(ecb(server))
    assert fetch(both(server)) == honest


def test_where_both_fail_both_reasons_are_told_and_the_first_decides(server: SourcesServer, inject: Inject) -> None:
    inject(kind="status", status=503, match=FRANKFURTER)
    inject(kind="status", status=429, match=ECB)
    with pytest.raises(UpstreamThrottled, match=r"the ECB answered status 429.*in its place: Frankfurter .* 503"):
        fetch(both(server))


def test_a_day_that_the_ecb_lacks_is_asked_of_frankfurter(server: SourcesServer, inject: Inject) -> None:
    honest = fetch(both(server))
    inject(kind="stale", match=ECB)
    assert list(fetch(ecb(server)).days) == WEEK[:-1]
    assert fetch(both(server)) == honest


def test_a_day_that_neither_has_is_late_and_no_failure_of_frankfurter_is_one(
    server: SourcesServer, inject: Inject
) -> None:
    inject(kind="stale", match=ECB)
    inject(kind="status", status=500, match=FRANKFURTER)
    assert list(fetch(both(server)).days) == WEEK[:-1]


class Fixed:
    def __init__(self, rates: RatesOfDays) -> None:
        self.answer, self.asked = rates, 0

    def rates(self, _request: FetchRequest) -> RatesOfDays:
        self.asked += 1
        return self.answer


def test_a_rate_that_differs_is_logged_and_the_ecbs_wins(caplog: pytest.LogCaptureFixture) -> None:
    first = Fixed({WEEK[0]: {"USD": "1.10", "GBP": "0.88"}, WEEK[1]: {}})
    second = Fixed({WEEK[0]: {"USD": "1.20", "GBP": "0.880"}, WEEK[1]: {"USD": "1.3"}})
    found = fetch(ReferenceRates(first, second, "EUR"), WEEK[:2])
    assert [json.loads(raw)["rates"] for raw in found.days.values()] == [{"USD": 1.10, "GBP": 0.88}, {"USD": 1.3}]
    (logged,) = [vars(record) for record in caplog.records if "differs" in record.message]
    assert logged["differing"] == ["2023-01-02 USD 1.10 (other source: 1.20)"]
    assert (first.asked, second.asked) == (1, 1)


def test_arguments_that_are_refused_are_not_retried_elsewhere() -> None:
    class Refusing(Fixed):
        def rates(self, _request: FetchRequest) -> RatesOfDays:
            raise InvalidRequest("no")

    second = Fixed({})
    with pytest.raises(InvalidRequest):
        fetch(ReferenceRates(Refusing({}), second, "EUR"))
    assert second.asked == 0


def test_a_proxy_is_the_way_to_both_unless_they_are_on_this_machine(server: SourcesServer) -> None:
    """The server takes requests as a proxy does: with the whole address in their first line."""
    addresses = Addresses("", "http://ecb.invalid/ecb/service", "http://f.invalid/frankfurter/v1", server.url)
    honest = fetch(both(server))
    server.requests.clear()
    assert fetch(source_of(RATES, addresses, "EUR")) == honest
    assert fetch(source_of(RATES, addresses, "USD")).rows.keys() == honest.rows.keys()
    assert [line.split("/data/")[0].split("/20")[0] for line in server.requests] == [
        "GET http://ecb.invalid/ecb/service",
        "GET http://f.invalid/frankfurter/v1",
    ]
    dead = Addresses("", server.ecb_url, server.frankfurter_url, "http://127.0.0.1:9")
    assert fetch(source_of(RATES, dead, "EUR")) == honest


def test_a_proxy_that_does_not_answer_may_come_back() -> None:
    addresses = Addresses("", "http://ecb.invalid", "http://f.invalid", "http://127.0.0.1:9")
    with pytest.raises(UpstreamUnavailable, match="no complete answer from the ECB"):
        fetch(source_of(RATES, addresses, "EUR"))
