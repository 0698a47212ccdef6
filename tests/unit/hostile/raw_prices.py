"""Raw objects of prices that no source should write, and what they say when read by the book."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.unit.lake import HEADER, TEN, at, prices_csv

GOOD = prices_csv([at(ticker, 500.25) for ticker in TEN])
COLUMNS = HEADER.split(",")
PENCE = {"GBp": 100, "GBX": 100, "GBP": 1, "EUR": 1, "USD": 1}
NAMES = {"GBp": "GBP", "GBX": "GBP"}
IN_POUNDS = ("open", "high", "low", "close")
DOUBTFUL = ("open", "high", "low", "volume", "dividend")
"""What may be null in the lake although it is there in the object."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-0.0", "-1", "1e999", "-1e999", "1e-999", "inf", "-Infinity", "nan", "NaN", "null", "None"]
    ),
    st.sampled_from(
        ["1,234.5", '"1,234.5"', "1 234", "1_234", "1.234,5", "0x1F", "1e3", "+500", "500.", ".5", "\u0665\u0660\u0660"]
    ),
    st.sampled_from(
        ["=1+1", "@SUM(A1)", "-2+3", "2023-01-03", "true", "500p", "£5", "\x00", "\ufeff500", "\uff15\uff10\uff10"]
    ),
    st.sampled_from(["9" * 30, "9" * 400, "x" * 70_000, '"', '""', "'500'", "GBp", "GBP", "USD", "gbp", "A.L", "1e18"]),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.text(max_size=8),
)
NUMBERS = st.one_of(st.floats(0, 2000).map(repr), st.floats(490, 510).map(repr), st.integers(0, 2000).map(str))


@st.composite
def _cell_replaced(draw: st.DrawFn, body: bytes) -> bytes:
    rows = [line.split(",") for line in body.decode("utf-8", "replace").split("\n")]
    row = draw(st.sampled_from(rows))
    row[draw(st.integers(0, len(row) - 1))] = draw(st.one_of(CELLS, NUMBERS))
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")


@st.composite
def _columns_changed(draw: st.DrawFn, body: bytes) -> bytes:
    """One column left out, doubled or moved, in all rows or in one."""
    rows = [line.split(",") for line in body.decode("utf-8", "replace").split("\n")]
    at, to = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    kind = draw(st.sampled_from(["drop", "double", "move"]))
    for row in rows if draw(st.booleans()) else [draw(st.sampled_from(rows))]:
        if at < len(row):
            cell = row[at] if kind == "double" else row.pop(at)
            if kind != "drop":
                row.insert(to, cell)
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")


@st.composite
def _lines_changed(draw: st.DrawFn, body: bytes) -> bytes:
    """A line left out, doubled, moved, or put in."""
    lines = body.split(b"\n")
    at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines)))
    kind = draw(st.sampled_from(["drop", "double", "move", "junk"]))
    line = lines[at] if kind in ("double", "junk") else lines.pop(at)
    if kind == "junk":
        line = draw(st.sampled_from([b"", b",,,,,,,,,,", b"# note", b"<html>", b'"', b"A.L", b"\x00"]))
    if kind != "drop":
        lines.insert(to, line)
    return b"\n".join(lines)


@st.composite
def _bytes_changed(draw: st.DrawFn, body: bytes) -> bytes:
    """Cut off, or some bytes overwritten, put in or taken out."""
    at, width = draw(st.integers(0, len(body))), draw(st.integers(0, 3))
    if draw(st.booleans()):
        return body[:at]
    return body[:at] + draw(st.binary(max_size=4)) + body[at + width :]


def _recoded(body: bytes) -> st.SearchStrategy[bytes]:
    def to(codec: str) -> bytes:
        return body.decode("utf-8", "replace").encode(codec, "replace")

    restated: list[Callable[[], bytes]] = [
        lambda: to("utf-16"),
        lambda: to("utf-16-le"),
        lambda: to("utf-8-sig"),
        lambda: to("utf-32"),
        lambda: to("cp037"),
        lambda: body.replace(b"\n", b"\r\n"),
        lambda: body.replace(b"\n", b"\r"),
        lambda: body.replace(b",", b";"),
        lambda: body.replace(b",", b"\t"),
        lambda: body.replace(b",", b", "),
        lambda: body.replace(b".L,", b".l,"),
        lambda: body + b"\x1a",
        lambda: body * 2,
        lambda: b"\n\n" + body,
        lambda: body.replace(b"A.L", b'"A.L"'),
        lambda: body.replace(b"B.L", "B\u00e9.L".encode("latin-1")),
        lambda: body.replace(b"C.L,500.25", b'C.L,"500.25"'),
        lambda: body.replace(b"D.L", b'"D.L'),
        lambda: body.replace(b"E.L", b'"E\n.L"'),
    ]
    return st.sampled_from(restated).map(lambda restate: restate())


MUTATIONS: list[Callable[[bytes], st.SearchStrategy[bytes]]] = [
    _cell_replaced,
    _cell_replaced,
    _columns_changed,
    _lines_changed,
    _bytes_changed,
    _recoded,
]


@st.composite
def _spoiled(draw: st.DrawFn) -> bytes:
    body = GOOD
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3)):
        body = draw(mutate(body))
    return body


RUBBISH = st.one_of(st.binary(max_size=300), st.just(b"<html>Too many requests</html>"), st.text().map(str.encode))
PRICE_OBJECTS = st.one_of(
    _spoiled(), _spoiled(), _spoiled(), RUBBISH.map(lambda rest: HEADER.encode() + b"\n" + rest), RUBBISH
)


def cells_by_ticker(body: bytes) -> dict[str, dict[str, str]]:
    """The rows of ``body`` as Python's own csv module reads them: ticker -> column -> text."""
    reader = csv.DictReader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
    return {row["ticker"]: row for row in reader}


def in_pounds(row: dict[str, str]) -> dict[str, Any]:
    """What ``row`` says, by decimal arithmetic, as columns of the clean table.

    Raises:
        ValueError: a cell of a number column is neither blank nor a plain number, spaces before it aside.
    """
    assert sorted(row) == sorted(COLUMNS), "columns too many or too few"
    per_pound = PENCE.get(row["currency"], 1)
    paid_in = row["dividend_currency"] or row["currency"]
    numbers: dict[str, Any] = {}
    for name in (column for column in COLUMNS if column not in ("ticker", "dividend_currency", "currency")):
        text = row[name].lstrip(" \t")
        number = float(_number(text)) if text else None
        numbers[name] = number if number is None or name not in IN_POUNDS else number / per_pound
    volume = row["volume"].strip()
    numbers["volume"] = int(volume) if volume else None
    numbers["dividend"] = (numbers["dividend"] or 0.0) / PENCE.get(paid_in, 1)
    numbers["split_ratio"] = numbers["split_ratio"] or 1.0
    del numbers["adj_close"]
    return {
        "ticker": row["ticker"],
        **numbers,
        "currency": NAMES.get(row["currency"], row["currency"]),
        "dividend_currency": NAMES.get(paid_in, paid_in) if numbers["dividend"] else None,
        "quoted_currency": row["currency"],
    }


def _number(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)
