from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import UpstreamMalformed
from tests.unit.lake import HEADER, PRICES, Bar, before_csv, prices_csv
from validate.raw import RawDay, raw_schema, read_raw

DAY = date(2023, 1, 3)


def read(body: bytes) -> pl.DataFrame:
    return read_raw(PRICES, [RawDay(DAY, body)])


def row(bar: Bar) -> dict[str, object]:
    return read(prices_csv([bar])).row(0, named=True)


@pytest.mark.parametrize("pence", ["GBp", "GBX"])
def test_pence_become_pounds_and_shares_stay(pence: str) -> None:
    bar = Bar("BP.L", 450.5, 449, 452.25, 448, 440.0, 123456, 5.5, "", 0.0, pence)
    assert row(bar) == {
        "dt": DAY,
        "ticker": "BP.L",
        "open": 4.49,
        "high": 4.5225,
        "low": 4.48,
        "close": 4.505,
        "volume": 123456,
        "currency": "GBP",
        "dividend": 0.055,
        "dividend_currency": "GBP",
        "split_ratio": 1.0,
        "quoted_currency": pence,
        "flags": None,
        "adjustment": 440.0 / 450.5,
    }


def test_pounds_stay_pounds() -> None:
    found = row(Bar("X.L", 450.5, dividend=1.5, currency="GBP"))
    assert (found["close"], found["dividend"], found["quoted_currency"]) == (450.5, 1.5, "GBP")


@pytest.mark.parametrize(
    ("paid", "amount", "currency"),
    [("GBp", 0.05, "GBP"), ("GBP", 5.0, "GBP"), ("USD", 5.0, "USD"), ("ZAR", 5.0, "ZAR"), ("", 0.05, "GBP")],
)
def test_a_dividend_has_a_currency_of_its_own(paid: str, amount: float, currency: str) -> None:
    found = row(Bar("X.L", 450.5, dividend=5.0, dividend_currency=paid))
    assert (found["dividend"], found["dividend_currency"], found["currency"]) == (amount, currency, "GBP")
    assert row(Bar("X.L", 450.5, dividend=0, dividend_currency=paid))["dividend_currency"] is None


@pytest.mark.parametrize("unit", ["JPY", "gbp", "GBp ", "AUD"])
def test_an_unknown_unit_gives_no_price_at_all(unit: str) -> None:
    found = row(Bar("X.L", 450.5, currency=unit))
    assert [found[name] for name in ("open", "high", "low", "close", "currency")] == [None] * 5
    assert found["quoted_currency"] == unit


def test_no_currency_gives_no_price_either() -> None:
    found = row(Bar("X.L", 450.5, currency=""))
    assert (found["close"], found["quoted_currency"]) == (None, None)


def test_what_is_missing_is_null_no_dividend_is_zero_and_no_split_is_one() -> None:
    found = row(Bar("X.L", open=None, volume=None, dividend=None, split_ratio=None))
    assert (found["open"], found["volume"], found["dividend"], found["split_ratio"]) == (None, None, 0.0, 1.0)
    assert row(Bar("X.L", split_ratio=0.0))["split_ratio"] == 1.0
    assert row(Bar("X.L", split_ratio=0.25))["split_ratio"] == 0.25


def test_columns_are_known_by_their_names() -> None:
    swapped = HEADER.replace("open,high", "high,open") + "\nA.L,300,200,100,250,250,5,0,,0,GBp\n"
    found = read(swapped.encode()).row(0, named=True)
    assert (found["high"], found["open"], found["low"]) == (3.0, 2.0, 1.0)


def test_rows_are_sorted_by_day_and_ticker_whatever_their_order() -> None:
    days = [
        RawDay(date(2023, 1, 4), prices_csv([Bar("B.L"), Bar("A.L")])),
        RawDay(date(2023, 1, 3), prices_csv([Bar("C.L")])),
    ]
    frame = read_raw(PRICES, days)
    assert frame.select("dt", "ticker").rows() == [
        (date(2023, 1, 3), "C.L"),
        (date(2023, 1, 4), "A.L"),
        (date(2023, 1, 4), "B.L"),
    ]


def test_no_days_and_a_day_without_rows_have_the_columns_all_the_same() -> None:
    schema = raw_schema(PRICES)
    assert read_raw(PRICES, []).schema == schema
    empty = read(f"{HEADER}\n".encode())
    assert (empty.schema, empty.height) == (schema, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"<html><body>Too many requests</body></html>",
        b"<!doctype html>\n<html>\n<p>a,b</p>\n",
        b'{"chart": {"result": null}}',
        HEADER.replace(",currency", "").encode() + b"\nA.L,1,1,1,1,1,1,0,,0\n",
        HEADER.replace("close", "price").encode() + b"\nA.L,1,1,1,1,1,1,0,,0,GBp\n",
        (HEADER + ",extra\nA.L,1,1,1,1,1,1,0,,0,GBp,1\n").encode(),
        (HEADER + "\nA.L,1,1,1,1,1,1,0,,0,GBp,1\n").encode(),
        (HEADER + "\nA.L,high,1,1,1,1,1,0,,0,GBp\n").encode(),
        (HEADER + "\nA.L,1,1,1,1,1,1.5,0,,0,GBp\n").encode(),
        (HEADER + "\nA.L,1,1,1,1,1,99999999999999999999,0,,0,GBp\n").encode(),
        (HEADER + '\n"A.L,1,1').encode(),
        HEADER.encode() + b"\n\xff\xfe.L,1,1,1,1,1,1,0,,0,GBp\n",
        b"A.L,1,1,1,1,1,1,0,,0,GBp\n",
    ],
)
def test_what_is_not_prices_csv_is_malformed_and_names_the_day(body: bytes) -> None:
    with pytest.raises(UpstreamMalformed, match="ftse100_prices 2023-01-03: the raw object is not prices_csv"):
        read(body)


def test_the_rows_before_a_batch_have_their_days() -> None:
    before = before_csv([(date(2022, 12, 29), Bar("B.L")), (date(2022, 12, 30), Bar("B.L")), (DAY, Bar("A.L"))][:2])
    frame = read_raw(PRICES, [RawDay(DAY, prices_csv([Bar("A.L")]))], before)
    assert frame["dt"].to_list() == [date(2022, 12, 29), date(2022, 12, 30), DAY]


@pytest.mark.parametrize("day", [DAY, "", "soon"])
def test_rows_before_a_batch_that_are_not_from_before_it_are_malformed(day: object) -> None:
    before = before_csv([(date(2022, 12, 29), Bar("B.L"))]).replace(b"2022-12-29", f"{day}".encode())
    with pytest.raises(UpstreamMalformed, match="ftse100_prices before 2023-01-03"):
        read_raw(PRICES, [RawDay(DAY, prices_csv([Bar("A.L")]))], before)


GOOD = prices_csv([Bar("A.L"), Bar("B.L", open=None)])
LETTERS = st.text(alphabet=' \t\r\n",0123456789.-+eEinfaNxGBp\x00\ufeff', max_size=60)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good object with a stretch of it replaced."""
    start, end = draw(st.integers(0, len(GOOD))), draw(st.integers(0, len(GOOD)))
    return GOOD[:start] + draw(st.one_of(st.binary(max_size=12), LETTERS.map(str.encode))) + GOOD[end:]


@given(st.one_of(st.binary(max_size=200), damaged(), LETTERS.map(lambda text: (HEADER + "\n" + text).encode())))
def test_any_bytes_are_a_frame_of_the_contract_or_malformed(body: bytes) -> None:
    try:
        frame = read(body)
    except UpstreamMalformed:
        return
    assert frame.schema == raw_schema(PRICES)
    assert set(frame["dt"]) <= {DAY}
