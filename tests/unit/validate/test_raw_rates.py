from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import UpstreamMalformed
from marketlake.schemas import polars_schema
from tests.unit.lake import RATES, rates_json
from validate.raw import RawDay, read_raw

DAY = date(2023, 1, 3)
SCHEMA = pl.Schema({"dt": pl.Date(), **polars_schema(RATES)})
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


def read(body: bytes) -> pl.DataFrame:
    return read_raw(RATES, [RawDay(DAY, body)])


def test_one_row_a_currency_sorted_with_the_base() -> None:
    assert read(rates_json(DAY, {"USD": 1.0545, "AUD": 2, "JPY": 137.5})).rows() == [
        (DAY, "EUR", "AUD", 2.0, None),
        (DAY, "EUR", "JPY", 137.5, None),
        (DAY, "EUR", "USD", 1.0545, None),
    ]


@given(st.dictionaries(st.text("ABCDEFG", min_size=3, max_size=3), st.floats(1e-6, 1e6), max_size=8))
def test_rates_come_out_as_they_went_in(rates: dict[str, float]) -> None:
    frame = read(rates_json(DAY, rates))
    assert dict(frame.select("target_currency", "rate").iter_rows()) == rates
    assert frame.schema == SCHEMA


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html></html>",
        b'{"message":"not found"}',
        rates_json(DAY, {"USD": 1.0})[:-9],
        b'{"base":"EUR","rates":null}',
        b'{"base":"EUR","rates":["USD"]}',
        b'{"base":"EUR","rates":{"USD":null}}',
        b'{"base":"EUR","rates":{"USD":"high"}}',
        b'{"base":"EUR","rates":{"USD":[1]}}',
        b'{"base":"EUR","rates":{"USD":' + b"9" * 400 + b"}}",
        b'{"base":{"a":1},"rates":{"USD":1}}',
        b'{"base":"EUR","rates":{"\\ud800":1}}',
        b'{"rates":{"USD":1}}',
        b"[" * 100_000,
        b"\xff\xfe{}",
    ],
    ids=range(18),
)
def test_what_is_not_rates_json_is_malformed_and_names_the_day(body: bytes) -> None:
    with pytest.raises(UpstreamMalformed, match="fx_rates 2023-01-03: the raw object is not rates_json"):
        read(body)


@given(
    st.one_of(
        st.binary(max_size=100),
        JSON_VALUES.map(lambda value: json.dumps(value).encode()),
        JSON_VALUES.map(lambda value: json.dumps({"base": "EUR", "rates": value}).encode()),
        JSON_VALUES.map(lambda value: json.dumps({"base": "EUR", "rates": {"USD": value, "GBP": 1}}).encode()),
        JSON_VALUES.map(lambda value: json.dumps({"base": value, "rates": {"USD": 1, "GBP": 2}}).encode()),
    )
)
def test_any_bytes_are_a_frame_of_the_contract_or_malformed(body: bytes) -> None:
    try:
        frame = read(body)
    except UpstreamMalformed:
        return
    assert frame.schema == SCHEMA


def test_the_hash_is_of_the_bytes_as_received() -> None:
    assert RawDay(DAY, b"").sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert RawDay(DAY, b"a ").sha256 != RawDay(DAY, b"a").sha256


@pytest.mark.parametrize(
    "text",
    [
        '{"base": "EUR", "date": "2023-01-02", "rates": {"USD": 1.1}}',
        '{"base": "EUR", "date": "2023-01-03", "rates": {"USD": true}}',
    ],
)
def test_another_day_s_document_and_rates_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(UpstreamMalformed):
        read_raw(RATES, [RawDay(date(2023, 1, 3), text.encode())])


def test_the_rates_before_a_batch_have_a_date_before_it() -> None:
    day = [RawDay(DAY, rates_json(DAY, {"USD": 1.1}))]
    assert read_raw(RATES, day, rates_json(date(2023, 1, 2), {"USD": 1.2}))["rate"].to_list() == [1.2, 1.1]
    with pytest.raises(UpstreamMalformed, match="fx_rates before 2023-01-03"):
        read_raw(RATES, day, rates_json(DAY, {"USD": 1.2}))
