from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.sources.base import NO_BARS
from fetch.sources.yahoo_chart import (
    NO_CURRENCY,
    QUOTED,
    Bars,
    ChartAnswer,
    are_counts,
    are_numbers,
    is_count,
    is_number,
    read_chart,
)
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


def handed(answer: ChartAnswer) -> dict[str, Any]:
    """The result that yfinance is to read."""
    assert answer.document is not None
    result = answer.document["chart"]["result"][0]
    assert isinstance(result, dict)
    return result


def column(result: dict[str, Any], name: str) -> list[float | None]:
    values = result["indicators"]["quote"][0][name].tolist()
    return [None if math.isnan(value) else value for value in values]


def refusal(description: str) -> str:
    return json.dumps({"chart": {"result": None, "error": {"code": "x", "description": description}}})


def test_bars_and_currency_are_read() -> None:
    answer = read_chart(200, chart([stamp(MONDAY), stamp(TUESDAY)], symbol="AZN.L"))
    bars = Bars(MONDAY)
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
        (200, chart([10**30]), UpstreamMalformed, "time stamp"),
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
def test_of_a_day_with_several_bars_none_is_kept(days: list[date]) -> None:
    text = json.loads(chart([stamp(day) for day in days]))
    text["chart"]["result"][0]["indicators"]["quote"][0]["close"] = [float(at) for at in range(len(days))]
    answer = read_chart(200, json.dumps(text))
    once = sorted(day for day in days if days.count(day) == 1)
    assert (answer.bars is None) == (not once)
    if answer.bars:
        assert answer.bars.first == once[0]
        assert len(answer.bars.losses) == len(set(days)) - len(once)
        assert handed(answer)["timestamp"].date.tolist() == once


def test_of_the_bars_of_the_last_day_the_latest_with_a_close_is_kept() -> None:
    """With whatever stamp the live one comes."""
    live = stamp(TUESDAY) + 3600
    stamps = [stamp(MONDAY), stamp(TUESDAY), live]
    for traded in (live, live + 1):
        assert left([1.0, 2.0, 3.0], stamps, traded) == {MONDAY: 1.0, TUESDAY: 3.0}
    assert left([1.0, 2.0, None], stamps, live) == {MONDAY: 1.0, TUESDAY: 2.0}
    assert left([1.0, None, None], stamps, live) == {MONDAY: 1.0, TUESDAY: None}
    assert left([1.0, 2.0, 3.0], [stamp(MONDAY), live, live], live) == {MONDAY: 1.0}, "which is later?"
    assert left([1.0, 2.0, 2.0], [stamp(MONDAY), live, live], live) == {MONDAY: 1.0, TUESDAY: 2.0}


def left(closes: list[float | None], stamps: list[int], traded: int) -> dict[date, float | None]:
    document = json.loads(chart(stamps, regularMarketTime=traded))
    document["chart"]["result"][0]["indicators"]["quote"][0]["close"] = closes
    result = handed(read_chart(200, json.dumps(document)))
    return dict(zip(result["timestamp"].date, column(result, "close"), strict=True))


def test_yfinance_gets_days_instead_of_times_and_of_the_metadata_what_it_reads() -> None:
    """A bar that a change of clocks put before midnight is the next day's; an event is its own day's."""
    late = datetime(2022, 3, 28, 23, tzinfo=ZoneInfo("Europe/London"))
    text = json.loads(chart([int(late.timestamp())], symbol="AZN.L", instrumentType="EQUITY", firstTradeDate="x"))
    text["chart"]["result"][0]["events"] = {"dividends": {"k": paid(5.0, stamp(TUESDAY), currency="USD")}}
    result = handed(read_chart(200, json.dumps(text)))
    assert result["meta"] == {"currency": "GBp", "instrumentType": "EQUITY", "exchangeTimezoneName": "UTC"}
    assert result["timestamp"].tolist() == [datetime(2022, 3, 29)]
    assert result["events"] == {"dividends": {"k": {"amount": 5.0, "date": 1648512000}}, "splits": {}}


def test_an_answer_with_bytes_that_are_no_text_is_left_to_yfinance_to_refuse() -> None:
    assert read_chart(200, chart([stamp(MONDAY)], symbol="A\ufffd")).document is not None, "escaped"
    text = chart([stamp(MONDAY)]).replace("GBp", 'GBp", "longName": "\ufffd')
    assert read_chart(200, text).document is None


NUMBERS = st.none() | st.floats() | st.integers() | st.booleans() | st.text(max_size=3)
ODD = [10**400, -(10**400), 2**53, 2**53 + 1, -(2**53) - 1, 1e308, -1e308, True, 2.5, "", [], {}]


@given(st.lists(st.none() | st.floats()) | st.lists(NUMBERS | st.sampled_from(ODD)))
def test_columns_are_found_good_at_once_only_if_each_value_is(values: list[Any]) -> None:
    if are_numbers(values):
        assert all(value is None or is_number(value) for value in values)
    if are_counts(values):
        assert all(value is None or is_count(value) for value in values)


@given(st.lists(st.none() | st.floats(-1e9, 1e9)), st.lists(st.none() | st.integers(-(2**53), 2**53)))
def test_good_columns_are_found_good_at_once(floats: list[float | None], counts: list[int | None]) -> None:
    assert are_numbers(floats)
    assert are_counts(counts)


WEEKS = [stamp(MONDAY), stamp(TUESDAY), stamp(date(2022, 3, 31))]


def with_events(**events: Any) -> tuple[Bars, dict[str, Any]]:
    document = json.loads(chart(WEEKS))
    document["chart"]["result"][0]["events"] = events
    answer = read_chart(200, json.dumps(document))
    assert answer.bars is not None
    return answer.bars, handed(answer)["events"]


def paid(amount: Any, at: Any = WEEKS[1], **more: Any) -> dict[str, Any]:
    return {"amount": amount, "date": at, **more}


def test_each_dividend_has_the_currency_that_yahoo_names() -> None:
    bars, events = with_events(dividends={"1": paid(5.0, WEEKS[0], currency="USD"), "2": paid(7.0, currency="GBp")})
    assert bars.dividend_currencies == {MONDAY: "USD", TUESDAY: "GBp"}
    assert len(events["dividends"]) == 2
    for unnamed in ("", None, "pence", 3, "G,P"):
        bars, _ = with_events(dividends={"1": paid(5.0, currency=unnamed)})
        assert (bars.dividend_currencies, bars.doubtful_dividends) == ({}, frozenset())


def test_dividends_of_one_day_in_different_currencies_are_in_doubt() -> None:
    bars, events = with_events(dividends={"1": paid(5.0, currency="USD"), "2": paid(7.0, currency="GBp")})
    assert bars.doubtful_dividends == {TUESDAY}
    assert (bars.dividend_currencies, events["dividends"]) == ({}, {})
    bars, events = with_events(dividends={"1": paid(5.0, currency="USD"), "2": paid(7.0, currency="USD")})
    assert bars.dividend_currencies == {TUESDAY: "USD"}
    assert len(events["dividends"]) == 2


@pytest.mark.parametrize(
    ("kind", "event", "said"),
    [
        ("splits", {"date": WEEKS[1], "numerator": 0, "denominator": 1}, "a split of 0:1 on 2022-03-29"),
        ("splits", {"date": WEEKS[1], "numerator": 1, "denominator": 0}, "a split of 1:0 on 2022-03-29"),
        ("splits", {"date": WEEKS[1], "numerator": 1}, "a split of 1:None on 2022-03-29"),
        ("splits", {"date": stamp(date(2022, 3, 30)), "numerator": 2, "denominator": 1}, "which has no bar"),
        ("dividends", paid("5"), "a dividend of '5' on 2022-03-29"),
        ("dividends", paid(5.0, stamp(date(2022, 3, 30))), "which has no bar"),
        ("dividends", paid(5.0, "x"), "which names no day"),
        ("dividends", [5.0], "which names no day"),
    ],
)
def test_an_odd_event_costs_itself(kind: str, event: Any, said: str) -> None:
    bars, events = with_events(**{kind: {"1": event}})
    assert said in bars.losses[0]
    assert events[kind] == {}
    assert bars.doubtful_dividends == ({TUESDAY} if event == paid("5") else frozenset())


@pytest.mark.parametrize("value", ["1.5", True, 10**400, "Infinity", [], {}])
@pytest.mark.parametrize("name", [*QUOTED])
def test_an_odd_value_costs_itself(name: str, value: Any) -> None:
    document = json.loads(chart(WEEKS))
    document["chart"]["result"][0]["indicators"]["quote"][0][name][1] = value
    answer = read_chart(200, json.dumps(document))
    quote = {other: column(handed(answer), other) for other in QUOTED}
    assert quote == {other: [1.0, None if other == name else 1.0, 1.0] for other in QUOTED}
    assert answer.bars is not None
    assert answer.lost.startswith(f"{name} ")


def test_a_fractional_volume_is_no_volume() -> None:
    document = json.loads(chart(WEEKS))
    document["chart"]["result"][0]["indicators"]["quote"][0]["volume"] = [1, 2.5, 2**53 + 1]
    bars = read_chart(200, json.dumps(document)).bars
    assert bars is not None
    assert bars.without_volume == {TUESDAY, date(2022, 3, 31)}
