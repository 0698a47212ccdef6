"""Answers of Yahoo through the real yfinance: one of our errors, or a batch with the very values of the document."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.yahoo import YahooSource
from marketlake.errors import TransientError
from tests.unit.hostile.answering import Answering, http
from tests.unit.hostile.envelopes import body_of, enveloped
from tests.unit.hostile.json_changes import changed
from tests.unit.hostile.outcome import outcome
from tests.unit.hostile.profile import EXAMPLES

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

_CLOSE = 3
LONDON = ZoneInfo("Europe/London")
CONTEXT = [date(2022, 12, 29), date(2022, 12, 30)]
WANTED = [date(2023, 1, 3), date(2023, 1, 4), date(2023, 1, 5), date(2023, 1, 6)]
STAMPS = [int(datetime(day.year, day.month, day.day, 8, tzinfo=LONDON).timestamp()) for day in (*CONTEXT, *WANTED)]
CHART: dict[str, Any] = {
    "chart": {
        "result": [
            {
                "meta": {
                    "currency": "GBp",
                    "symbol": "AZN.L",
                    "exchangeName": "LSE",
                    "instrumentType": "EQUITY",
                    "firstTradeDate": 736243200,
                    "regularMarketTime": STAMPS[-1] + 30600,
                    "gmtoffset": 0,
                    "timezone": "GMT",
                    "exchangeTimezoneName": "Europe/London",
                    "dataGranularity": "1d",
                    "validRanges": ["1d", "max"],
                },
                "timestamp": STAMPS,
                "events": {
                    "dividends": {f"{STAMPS[3]}": {"amount": 12.5, "date": STAMPS[3]}},
                    "splits": {
                        f"{STAMPS[4]}": {"date": STAMPS[4], "numerator": 2.0, "denominator": 1.0, "splitRatio": "2:1"}
                    },
                },
                "indicators": {
                    "quote": [
                        {
                            "open": [500.0, 501.5, 502.25, 503.0, 504.0, 505.0],
                            "high": [510.0, 511.5, 512.25, 513.0, 514.0, 515.0],
                            "low": [490.0, 491.5, 492.25, 493.0, 494.0, 495.0],
                            "close": [505.0, 506.5, 507.25, 508.0, 509.0, 510.0],
                            "volume": [1000, 2000, 3000, 4000, 5000, 6000],
                        }
                    ],
                    "adjclose": [{"adjclose": [480.0, 481.5, 482.25, 508.0, 509.0, 510.0]}],
                },
            }
        ],
        "error": None,
    }
}


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with Answering() as running:
        yield running


def fetched(server: Answering, answer: bytes) -> FetchedDays | TransientError:
    server.answer = answer
    source = YahooSource(server.url, timeout=2, concurrency=1)
    found = outcome(lambda: source.fetch(FetchRequest(WANTED, ["AZN.L"], 10)))
    assert isinstance(found, FetchedDays | TransientError)
    return found


def bars_of(result: dict[str, Any]) -> dict[date, list[float | None]]:
    """What the document says of each day, read without yfinance: the cells of its rows, the later of two last.

    A bar before a dividend or split of a day that has none has no close here: yfinance would give it that event.
    """
    assert all(type(at) is int for at in result["timestamp"])
    days = [datetime.fromtimestamp(at, LONDON).date() for at in result["timestamp"]]
    quote = {**result["indicators"]["quote"][0]}
    adjusted = result["indicators"].get("adjclose", [{"adjclose": quote["close"]}])[0]["adjclose"]
    events = result.get("events", {})
    columns = [quote["open"], quote["high"], quote["low"], quote["close"], adjusted, quote["volume"]]
    found = {}
    for at, day in enumerate(days):
        paid = [e["amount"] for e in events.get("dividends", {}).values() if _day(e) == day]
        split = [e["numerator"] / e["denominator"] for e in events.get("splits", {}).values() if _day(e) == day]
        found[day] = [*(_value(column[at]) for column in columns), sum(paid), math.prod(split) if split else 0.0]
    every = [_day(entry) for kind in ("dividends", "splits") for entry in events.get(kind, {}).values()]
    for stray in (day for day in every if day not in found and min(found) < day < max(found)):
        found[max(day for day in found if day < stray)][_CLOSE] = None
    return found


def _day(entry: dict[str, Any]) -> date:
    return datetime.fromtimestamp(entry["date"], LONDON).date()


def _value(member: Any) -> float | None:
    assert member in ("Infinity", "-Infinity", "NaN") or not isinstance(member, bool | str), "no number of JSON"
    number = float(member) if member is not None else math.nan
    return number if math.isfinite(number) else None


def rows_of(body: bytes | None) -> list[list[Any]]:
    """Ticker, numbers and currency of each row."""
    rows = list(csv.reader(io.StringIO((body or b"").decode(), newline="")))
    return [[row[0], *(float(cell) if cell else None for cell in row[1:-1]), row[-1]] for row in rows[1:]]


BODIES = st.one_of(
    changed(CHART), changed(CHART), changed(CHART), changed({"chart": {"result": None, "error": {"code": "x"}}})
).map(str.encode)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(answer=enveloped(BODIES))
@example(answer=http(json.dumps(CHART).encode()))
@example(answer=http(json.dumps(CHART).replace(f"{STAMPS[3]},", "0,", 1).encode()))
@example(answer=http(json.dumps(CHART).replace("[1000, 2000, 3000,", "[1000, null, null,").encode()))
@example(answer=http(json.dumps(CHART).replace("AZN.L", "BP.L").encode()))
@example(answer=http(json.dumps(CHART).replace("501.5", '"501.5"').encode()))
@example(answer=http(json.dumps(CHART).replace("501.5", "true").encode()))
@example(answer=http(json.dumps(CHART).replace("3000,", "3000.5,").encode()))
@example(answer=http(json.dumps(CHART).replace("3000,", f"{2**53 + 1},").encode()))
@example(answer=http(json.dumps(CHART).replace(f"{STAMPS[2]},", f"{STAMPS[2]}.5,", 1).encode()))
@example(answer=http(json.dumps(CHART).replace("510.0]", '"Infinity"]').encode()))
def test_an_answer_is_an_error_of_ours_or_its_values_are_those_of_the_batch(server: Answering, answer: bytes) -> None:
    found = fetched(server, answer)
    event(type(found).__name__)
    if isinstance(found, TransientError) or found.missing_symbols:
        return
    event("with rows")
    document = json.loads(body_of(answer))
    result = document["chart"]["result"][0]
    bars = bars_of(result)
    assert result["meta"]["symbol"] == "AZN.L"
    closed = [day for day in WANTED if day in bars and bars[day][_CLOSE] is not None]
    assert list(found.days) == closed
    for day in closed:
        assert rows_of(found.days[day]) == [["AZN.L", *bars[day], result["meta"]["currency"]]]
    earlier = sorted(day for day, bar in bars.items() if day < WANTED[0] and bar[_CLOSE] is not None)
    assert rows_of(found.before) == [["AZN.L", *bars[day], result["meta"]["currency"]] for day in earlier]
