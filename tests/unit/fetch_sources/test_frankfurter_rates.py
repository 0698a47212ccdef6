from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.sources.frankfurter import parse_interval
from fetch.sources.rates import raw_document

DAYS = st.dates(date(1999, 1, 4), date(2030, 1, 1))
CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
DIGITS = st.one_of(
    st.integers(1, 10**9).map(str),
    st.decimals("0.000001", "99999", places=6, allow_nan=False).map(str),
    st.floats(1e-12, 1e12).map(repr),
)
RATES = st.dictionaries(DAYS, st.dictionaries(CODES, DIGITS, max_size=4), max_size=5)


def interval(rates: dict[date, dict[str, str]], base: str = "EUR", amount: str = "1.0") -> str:
    days = ",".join(
        f'"{day}":{{{",".join(f"{json.dumps(code)}:{rate}" for code, rate in quoted.items())}}}'
        for day, quoted in rates.items()
    )
    return f'{{"amount":{amount},"base":"{base}","start_date":"x","end_date":"y","rates":{{{days}}}}}'


@settings(deadline=None)
@given(RATES)
def test_what_was_received_comes_back_to_the_digit(rates: dict[date, dict[str, str]]) -> None:
    parsed = parse_interval(interval(rates), "EUR")
    assert parsed == rates
    for day, quoted in parsed.items():
        raw = raw_document("EUR", day, quoted)
        document = json.loads(raw, parse_float=str, parse_int=str)
        assert document == {"amount": "1.0", "base": "EUR", "date": str(day), "rates": quoted}
        assert list(document["rates"]) == sorted(quoted)


@settings(deadline=None)
@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(ValueError, match=r"empty|HTML|truncated|object with rates|has (NaN|-?Infinity)"):
        parse_interval(text, "EUR")


@settings(deadline=None)
@given(RATES.filter(bool), st.data())
def test_a_cut_answer_is_refused(rates: dict[date, dict[str, str]], data: st.DataObject) -> None:
    text = interval(rates)
    with pytest.raises(ValueError, match=r"empty|truncated"):
        parse_interval(text[: data.draw(st.integers(0, len(text) - 1))], "EUR")


@pytest.mark.parametrize("rate", ["0", "-1.5", "null", '"1.2"', "true", "NaN", "Infinity", "1e999", "{}", "[1]"])
def test_what_is_no_positive_number_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="unusable"):
        parse_interval(interval({date(2023, 1, 2): {"USD": rate}}), "EUR")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (interval({}, base="USD"), "about base 'USD', not 'EUR'"),
        (interval({}, amount="2"), "for the amount '2'"),
        (interval({}, amount="null"), "for the amount None"),
        (interval({}).replace('"rates":{}', '"rates":{"2023-02-30":{}}'), "'2023-02-30' is not a date"),
        (interval({}).replace('"rates":{}', '"rates":{"20230102":{}}'), "'20230102' is not a date"),
        (interval({}).replace('"rates":{}', '"rates":{"2023-01-02":[1]}'), "an object of rates belongs"),
        (interval({date(2023, 1, 2): {"us$": "1"}}), "a currency 'us\\$'"),
        (interval({}).replace('"rates":{}', '"rates":{"2023-01-02":{"USD":1,"USD":2}}'), "'USD' twice"),
        ("[" * 100_000, "nested|truncated"),
    ],
)
def test_what_the_api_does_not_promise_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_interval(text, "EUR")
