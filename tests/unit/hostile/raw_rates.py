"""Raw objects of rates that no source should write, and what they say when read by the book."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

CODES = ["USD", "JPY", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF"]
QUOTED = ",".join(f'"{code}":1.0545' for code in CODES)
GOOD = f'{{"amount":1.0,"base":"EUR","date":"2023-01-03","rates":{{{QUOTED}}}}}'

VALUES = st.one_of(
    st.sampled_from(["null", "true", "false", '"1.05"', "[]", "[1.05]", "{}", '""', "NaN", "Infinity", "-Infinity"]),
    st.sampled_from(
        ["0", "-0.0", "-1.05", "1e999", "-1e999", "1e-999", "1E3", "9" * 400, "9" * 5000, "01", "1.", ".5"]
    ),
    st.sampled_from(
        ["1,05", "1_000", "0x1F", "'1.05'", "1.0545" + "0" * 500 + "1", "5e-324", "1.7976931348623157e308"]
    ),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=6).map(json.dumps),
)
NAMES = st.one_of(
    st.sampled_from(["EUR", "usd", "", "US", "USDX", "\u0000", "USD", "JPY", "rates", "date"]), st.text(max_size=4)
)


@st.composite
def _value_replaced(draw: st.DrawFn, text: str) -> str:
    old = draw(st.sampled_from([":1.0545", ":1.0,", ':"EUR"', ':"2023-01-03"', '"rates":{', ":1.0545}"]))
    return text.replace(old, f":{draw(VALUES)}{old[-1] if old[-1] in ',}' else ''}", 1)


@st.composite
def _name_replaced(draw: st.DrawFn, text: str) -> str:
    """Often a name that is there already."""
    old = draw(st.sampled_from([*CODES, "amount", "base", "date", "rates"]))
    return text.replace(f'"{old}":', f"{json.dumps(draw(NAMES))}:", 1)


@st.composite
def _bytes_cut(draw: st.DrawFn, text: str) -> str:
    at, width = draw(st.integers(0, len(text))), draw(st.integers(0, 40))
    return text[:at] + draw(st.text(max_size=3)) + text[at + width :]


def _changed(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            text + text,
            f"[{text}]",
            f'{{"rates":{text}}}',
            text.replace('"rates":', '"rates":' + '{"x":' * 2000, 1),
            "[" * 100_000,
            text.replace(",", " , ").replace(":", " :\t"),
            text.replace("{", '{"amount":100,', 1),
            text.replace("}}", '},"rates":{"USD":7}}'),
            text.replace("}}", ',"USD":7}}'),
            text.replace('"base":"EUR"', '"base":"USD"'),
            text.replace("2023-01-03", "2023-01-04"),
            "<html>" + text,
        ]
    )


MUTATIONS: list[Callable[[str], st.SearchStrategy[str]]] = [
    _value_replaced,
    _value_replaced,
    _name_replaced,
    _bytes_cut,
    _changed,
]


@st.composite
def _spoiled(draw: st.DrawFn) -> bytes:
    text = GOOD
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3)):
        text = draw(mutate(text))
    codec = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp037"]))
    return text.encode(codec, "replace")


RATE_OBJECTS = st.one_of(_spoiled(), _spoiled(), _spoiled(), st.binary(max_size=200))


def rates_by_the_book(body: bytes) -> tuple[str, dict[str, float]]:
    """Base and rates of ``body``, by the json module and decimal arithmetic; a name given twice says nothing."""
    document = json.loads(body, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=_said_once)
    assert (document["date"], document.get("amount", Decimal(1))) == ("2023-01-03", Decimal(1))
    return document["base"], {code: float(rate) for code, rate in document["rates"].items()}


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a name is given twice"
    return dict(pairs)
