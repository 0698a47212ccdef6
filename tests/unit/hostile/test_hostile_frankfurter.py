"""Answers of Frankfurter through the real HTTP client: one of our errors, or a batch with the very digits received."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.frankfurter import FrankfurterSource
from marketlake.errors import InvalidRequest, TransientError
from tests.unit.hostile.answering import Answering, http
from tests.unit.hostile.envelopes import body_of, enveloped
from tests.unit.hostile.json_changes import changed
from tests.unit.hostile.outcome import outcome
from tests.unit.hostile.profile import EXAMPLES

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WANTED = [date(2023, 1, 3), date(2023, 1, 4), date(2023, 1, 5)]
RATES: dict[str, Any] = {
    "amount": 1.0,
    "base": "EUR",
    "start_date": "2022-12-30",
    "end_date": "2023-01-05",
    "rates": {
        day: {"GBP": 0.88693, "JPY": 140.66, "USD": 1.0666}
        for day in ("2022-12-30", "2023-01-02", "2023-01-03", "2023-01-04", "2023-01-05")
    },
}
BODIES = st.one_of(changed(RATES), changed(RATES), changed(RATES), changed({"message": "not found"})).map(str.encode)


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with Answering() as running:
        yield running


def exact(text: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return document


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(answer=enveloped(BODIES))
@example(answer=http(json.dumps(RATES).encode()))
@example(answer=http(json.dumps(RATES).encode(), headers=("Content-Type: application/json; charset=utf-16",)))
@example(answer=http(b"", "302 Found", ("Location: /again",)))
@example(answer=http(b"", "302 Found", ("Location: http://[::1",)))
@example(answer=http(b'{"message":"not found"}', "404 Not Found"))
@example(answer=http(json.dumps(RATES).replace("1.0666", "1" + "0" * 5000, 1).encode()))
def test_an_answer_is_an_error_of_ours_or_its_digits_are_those_of_the_batch(server: Answering, answer: bytes) -> None:
    server.answer = answer
    source = FrankfurterSource(server.url, "EUR", timeout=2)
    found = outcome(lambda: source.fetch(FetchRequest(WANTED, [], 10)))
    event(type(found).__name__)
    assert isinstance(found, FetchedDays | TransientError | InvalidRequest)
    if not isinstance(found, FetchedDays):
        return
    received = exact(body_of(answer)).get("rates", {})
    expected = {day: rates for day in WANTED if (rates := received.get(f"{day}"))}
    assert {day: exact(raw)["rates"] for day, raw in found.days.items()} == expected
    assert all(exact(raw)["date"] == f"{day}" for day, raw in found.days.items())
    earlier = [day for day, rates in received.items() if day < f"{WANTED[0]}" and rates]
    before = exact(found.before) if found.before else {}
    assert (before.get("date"), before.get("rates")) == (
        (max(earlier), received[max(earlier)]) if earlier else (None, None)
    )
