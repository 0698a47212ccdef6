"""Answers of the ECB through the real HTTP client: one of our errors, or days whose raw objects are JSON of rates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.ecb import EcbSource
from marketlake.errors import TransientError
from tests.unit.hostile.answering import Answering, http
from tests.unit.hostile.envelopes import enveloped
from tests.unit.hostile.outcome import outcome
from tests.unit.hostile.profile import EXAMPLES

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WANTED = [date(2023, 1, 3), date(2023, 1, 4)]
HEADER = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,TITLE_COMPL,UNIT_MULT"
TABLE = "\r\n".join(
    [
        HEADER,
        *(
            f'EXR.D.{code}.EUR.SP00.A,D,{code},EUR,SP00,A,{day},{rate},A,"ECB reference exchange rate, 2:15 pm",0'
            for code, rate in (("GBP", "0.88693"), ("JPY", "140.66"), ("USD", "1.0666"))
            for day in ("2023-01-02", "2023-01-03", "2023-01-04")
        ),
        "",
    ]
)
PIECES = st.sampled_from(["", ",", '"', "\r", "\n", "\0", "NaN", "1e400", "-", "<html>", "H", "2023-01-03", "USD", "é"])


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """The table with some stretches replaced."""
    text = TABLE
    for _ in range(draw(st.integers(0, 3))):
        start, length = draw(st.integers(0, len(text))), draw(st.integers(0, 40))
        text = text[:start] + draw(PIECES | st.text(max_size=5)) + text[start + length :]
    return text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with Answering() as running:
        yield running


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(answer=enveloped(torn()))
@example(answer=http(TABLE.encode()))
@example(answer=http(b"No results found.", "404 Not Found"))
@example(answer=http(b"", "302 Found", ("Location: /again",)))
def test_an_answer_is_an_error_of_ours_or_rates(server: Answering, answer: bytes) -> None:
    server.answer = answer
    source = EcbSource(server.url, timeout=2)
    found = outcome(lambda: source.fetch(FetchRequest(WANTED, [], 10)))
    event(type(found).__name__)
    assert isinstance(found, FetchedDays | TransientError)
    if isinstance(found, FetchedDays):
        assert found.days.keys() <= set(WANTED)
        for day, raw in found.days.items():
            document = json.loads(raw)
            assert (document["base"], document["date"]) == ("EUR", f"{day}")
            assert document["rates"]
            assert all(rate > 0 for rate in document["rates"].values())
