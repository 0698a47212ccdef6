from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.sources.yahoo_chart import NO_BARS, NO_CURRENCY, QUOTED, Bars, ChartAnswer, read_chart
from infra.sources.prices import stamp
from marketlake.errors import UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable

MONDAY, TUESDAY = date(2022, 3, 28), date(2022, 3, 29)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["chart", "result", "meta", "timestamp"]), inner),
)


def chart(stamps: list[int] | None, **meta: Any) -> str:
    metadata = {"currency": "GBp", "exchangeTimezoneName": "Europe/London", **meta}
    result: dict[str, Any] = {"meta": metadata, "indicators": {"quote": [{}]}}
    if stamps is not None:
        result["timestamp"] = stamps
        result["indicators"]["quote"] = [{name: [1.0] * len(stamps) for name in QUOTED}]
    return json.dumps({"chart": {"result": [result], "error": None}})


def refusal(description: str) -> str:
    return json.dumps({"chart": {"result": None, "error": {"code": "x", "description": description}}})


def test_bars_and_currency_are_read() -> None:
    answer = read_chart(200, chart([stamp(MONDAY), stamp(TUESDAY)], symbol="AZN.L"))
    bars = Bars(MONDAY, repeated=(), without_volume=frozenset(), misdated=frozenset())
    assert answer == ChartAnswer(currency="GBp", symbol="AZN.L", zone="Europe/London", bars=bars)


@pytest.mark.parametrize(
    ("status", "text", "failure", "said"),
    [
        (429, "Too Many Requests", UpstreamThrottled, "429"),
        (500, "", UpstreamUnavailable, "500"),
        (503, "<html>", UpstreamUnavailable, "503"),
        (200, "<html>Will be right back</html>", UpstreamUnavailable, "Will be right back"),
        (401, refusal("Invalid Crumb"), UpstreamUnavailable, "refuses this client"),
        (200, "", UpstreamMalformed, "an empty answer"),
        (200, "<!doctype html>", UpstreamMalformed, "an HTML page"),
        (404, "<!doctype html>", UpstreamMalformed, "an HTML page"),
        (200, chart([1])[:-9], UpstreamMalformed, "truncated"),
        (200, "[1]", UpstreamMalformed, "without a chart"),
        (200, '{"chart":{"result":null,"error":null}}', UpstreamMalformed, "neither result nor error"),
        (200, '{"chart":{"result":[{}],"error":null}}', UpstreamMalformed, "without metadata"),
        (400, refusal("Invalid input"), UpstreamMalformed, "Invalid input"),
        (200, chart([stamp(MONDAY)], currency="G,B\n"), UpstreamMalformed, "the currency"),
        (200, chart([stamp(MONDAY)], currency=3), UpstreamMalformed, "the currency"),
        (200, chart([stamp(MONDAY)], exchangeTimezoneName="Mars/Olympus"), UpstreamMalformed, "time zone"),
        (200, chart([10**30]), UpstreamMalformed, "time stamps"),
        (404, refusal("No data found, symbol may be delisted"), None, "No data found"),
        (400, refusal("Data doesn't exist for startDate = 1, endDate = 2"), None, "Data doesn't exist"),
        (200, chart(None), None, NO_BARS),
        (200, chart([]), None, NO_BARS),
        (200, chart([stamp(MONDAY)], currency=None), None, NO_CURRENCY),
        (200, chart([stamp(MONDAY)], currency=""), None, NO_CURRENCY),
    ],
)
def test_failures_are_distinguished(status: int, text: str, failure: type[Exception] | None, said: str) -> None:
    answer = read_chart(status, text)
    assert answer.failure is failure
    assert said in answer.reason


@settings(deadline=None)
@given(st.sampled_from([200, 400, 404, 500]), st.text() | JSON_VALUES.map(json.dumps))
def test_any_text_is_judged_and_never_taken_for_bars(status: int, text: str) -> None:
    assert read_chart(status, text).reason


@settings(deadline=None)
@given(st.lists(st.dates(date(2000, 1, 1), date(2026, 1, 1)), min_size=1, max_size=20))
def test_repeated_days_are_found(days: list[date]) -> None:
    answer = read_chart(200, chart([stamp(day) for day in days]))
    assert answer.bars is not None
    assert set(answer.bars.repeated) == {day for day in days if days.count(day) > 1}
    assert answer.bars.first == min(days)


def test_the_live_bar_that_yahoo_adds_to_the_current_day_is_no_repetition() -> None:
    live = stamp(TUESDAY) + 3600
    assert repeated([stamp(MONDAY), stamp(TUESDAY), live], live) == ()
    assert repeated([stamp(MONDAY), stamp(TUESDAY), live], live + 1) == (TUESDAY,)
    assert repeated([stamp(MONDAY), live, live], live) == (TUESDAY,), "which of them is the later one, nobody knows"


def repeated(stamps: list[int], traded: int) -> tuple[date, ...]:
    bars = read_chart(200, chart(stamps, regularMarketTime=traded)).bars
    assert bars is not None
    return bars.repeated
