"""Answers of Yahoo through the real yfinance: one of our errors, or a batch with the very values of the document."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import defaultdict
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
                    "dividends": {f"{STAMPS[3]}": {"amount": 12.5, "date": STAMPS[3], "currency": "GBp"}},
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


def bars_of(result: dict[str, Any]) -> dict[date, list[Any]]:
    """What the document says of each day, read without yfinance: the cells of its row.

    What is no number is nothing. Of a day with several bars that differ there are none, but of the last day the latest
    with a close counts.
    """
    quote = result["indicators"]["quote"][0]
    adjusted = result["indicators"].get("adjclose", [{"adjclose": quote["close"]}])[0]["adjclose"]
    columns = [[_value(member) for member in quote[name]] for name in ("open", "high", "low", "close")]
    columns += [[_value(member) for member in adjusted], [_count(member) for member in quote["volume"]]]
    by_day: dict[date, list[tuple[int, list[float | None]]]] = defaultdict(list)
    for at, day in enumerate(map(_day, result["timestamp"])):
        if day is not None:
            by_day[day].append((result["timestamp"][at], [column[at] for column in columns]))
    found = {}
    for day, bars in by_day.items():
        if day == max(by_day):
            bars = [bar for bar in bars if bar[1][_CLOSE] is not None] or bars
            bars = [bar for bar in bars if bar[0] == max(stamp for stamp, _ in bars)]
        if all(values == bars[0][1] for _, values in bars):
            found[day] = [*bars[0][1], *_dividend(result, day), _split(result, day)]
    return found


def _events(result: dict[str, Any], kind: str, day: date) -> list[dict[str, Any]]:
    events = result.get("events")
    entries = events.get(kind) if isinstance(events, dict) else None
    every = list(entries.values()) if isinstance(entries, dict) else []
    return [entry for entry in every if isinstance(entry, dict) and _day(entry.get("date")) == day]


def _dividend(result: dict[str, Any], day: date) -> tuple[float | None, str]:
    """Amount and currency: no amount where one cannot be read, or where they are in different currencies."""
    paid = _events(result, "dividends", day)
    names = [entry.get("currency") for entry in paid]
    currencies = {
        name if isinstance(name, str) and re.fullmatch("[A-Za-z]{3}", name) else ""
        for name, entry in zip(names, paid, strict=True)
        if _value(entry.get("amount")) is not None
    }
    amounts = [_value(entry.get("amount")) for entry in paid]
    if None in amounts or len(currencies) > 1:
        return None, ""
    total = sum(amount for amount in amounts if amount is not None)
    return (total if math.isfinite(total) else None), (currencies.pop() if currencies else "")


def _split(result: dict[str, Any], day: date) -> float:
    ratios = []
    for entry in _events(result, "splits", day):
        new, old = _value(entry.get("numerator")), _value(entry.get("denominator"))
        if new is not None and old is not None and new > 0 and old > 0 and 0 < new / old < math.inf:
            ratios.append(new / old)
    return math.prod(ratios) if ratios else 0.0


def _day(at: Any) -> date | None:
    try:
        time = datetime.fromtimestamp(at, LONDON) if type(at) is int else None
    except (ValueError, OverflowError, OSError):
        return None
    return time.date() if time and 1700 < time.year < 2200 else None


def _value(member: Any) -> float | None:
    try:
        number = float(member) if type(member) in (int, float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _count(member: Any) -> float | None:
    number = _value(member)
    return number if number is not None and not number % 1 and abs(member) <= 2**53 else None


TEXTS = ("dt", "ticker", "dividend_currency", "currency")


def rows_of(body: bytes | None) -> list[list[Any]]:
    """The cells of each row: day (of the rows before only), ticker, numbers, dividend currency, split, currency."""
    rows = csv.DictReader(io.StringIO((body or b"").decode(), newline=""))
    return [[cell if name in TEXTS else float(cell) if cell else None for name, cell in row.items()] for row in rows]


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
@example(answer=http(json.dumps(CHART).replace('"numerator": 2.0', '"numerator": 0').encode()))
@example(answer=http(json.dumps(CHART).replace(f"{STAMPS[3]},", f"{STAMPS[2] + 60},", 1).encode()))
@example(answer=http(json.dumps(CHART).replace(f"{STAMPS[4]},", f"{STAMPS[5] - 60},", 1).encode()))
def test_an_answer_is_an_error_of_ours_or_its_values_are_those_of_the_batch(server: Answering, answer: bytes) -> None:
    found = fetched(server, answer)
    event(type(found).__name__)
    if isinstance(found, TransientError) or found.missing_symbols:
        return
    event("with rows")
    document = json.loads(body_of(answer))
    result = document["chart"]["result"][0]
    bars = bars_of(result)
    currency = result["meta"]["currency"]
    assert result["meta"]["symbol"] == "AZN.L"
    closed = sorted(day for day, bar in bars.items() if bar[_CLOSE] is not None)
    assert list(found.days) == [day for day in closed if day in WANTED]
    for day in found.days:
        assert rows_of(found.days[day]) == [["AZN.L", *bars[day], currency]]
    earlier = [day for day in closed if day < WANTED[0]]
    assert rows_of(found.before) == [[f"{day}", "AZN.L", *bars[day], currency] for day in earlier]
    assert found.last_bars == ({"AZN.L": closed[-1]} if closed else {})
