from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import ContractViolation
from marketlake.symbols import Listing, parse_symbols, symbols_in_force, symbols_of
from tests.unit.lake import PRICES, RATES, SHORT_LIST, Lake

HEAD = "ticker,company,valid_from,valid_to\n"


def test_a_list_with_a_byte_order_mark_spaces_and_windows_line_ends() -> None:
    text = "\ufeff" + HEAD + "BP.L,BP plc, 2000-01-01 , \nX.L,X,2001-01-01,2002-01-01\n"
    symbols = parse_symbols(text.replace("\n", "\r\n").encode(), "list.csv")
    assert symbols.listings == (
        Listing("BP.L", date(2000, 1, 1), date.max),
        Listing("X.L", date(2001, 1, 1), date(2002, 1, 1)),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks valid_from"),
        (b"ticker\nBP.L\n", "lacks valid_from"),
        (b"valid_from,valid_to\n2000-01-01,\n", "lacks valid_from"),
        (HEAD.encode(), "lists no symbols"),
        ((HEAD + ",BP,2000-01-01,\n").encode(), "line 2: no ticker"),
        ((HEAD + "BP.L,BP,2000-01-01,\n\nX.L,X,soon,\n").encode(), "line 4: .*ISO dates"),
        ((HEAD + "BP.L,BP,,\n").encode(), "line 2: .*ISO dates"),
        ((HEAD + "BP.L,BP\n").encode(), "line 2: .*ISO dates"),
        ((HEAD + "BP.L,BP,2000-01-01,2000-02-30\n").encode(), "line 2: .*ISO dates"),
        ((HEAD + "BP.L,BP,2001-01-01,2000-01-01\n").encode(), "2000-01-01 is before valid_from 2001-01-01"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
        (HEAD.encode() + b"a" * 200_000, "not a CSV file"),
    ],
)
def test_a_bad_list_is_a_violation_that_names_file_and_line(content: bytes, message: str) -> None:
    with pytest.raises(ContractViolation, match=rf"^list\.csv.*{message}"):
        parse_symbols(content, "list.csv")


@given(st.one_of(st.binary(), st.text(alphabet=',"\n\r\t 0129-AZ.').map(lambda text: (HEAD + text).encode())))
def test_any_bytes_are_a_list_or_a_violation(content: bytes) -> None:
    try:
        symbols = parse_symbols(content, "list.csv")
    except ContractViolation:
        return
    assert symbols.names
    assert all(listing.symbol and listing.valid_from <= listing.valid_to for listing in symbols.listings)


def test_a_symbol_that_left_and_came_back_is_expected_in_both_stretches_only() -> None:
    rows = "A.L,A,2000-01-01,2000-12-31\nA.L,A,2002-01-01,\nB.L,B,2001-06-01,\n"
    symbols = parse_symbols((HEAD + rows).encode(), "list.csv")
    assert symbols.expected(date(2000, 12, 31)) == ["A.L"]
    assert symbols.expected(date(2001, 1, 1)) == []
    assert symbols.expected(date(2002, 1, 1)) == ["A.L", "B.L"]
    assert symbols.expected(date(2001, 1, 1), date(2001, 12, 31)) == ["B.L"]
    assert symbols.names == ["A.L", "B.L"]
    assert symbols.only(["B.L"]).names == ["B.L"]
    assert symbols.without("B.L").names == ["A.L"]


def test_a_list_of_the_users_own_takes_the_place_of_ours(lake: Lake) -> None:
    assert symbols_in_force(PRICES, lake.artifacts, "EUR") == symbols_of(PRICES)
    lake.list_symbols("constituents.csv", SHORT_LIST)
    assert symbols_in_force(PRICES, lake.artifacts, "EUR").names[:2] == ["A.L", "B.L"]
    assert "EUR" in symbols_in_force(RATES, lake.artifacts, "USD").names


def test_a_deployment_without_its_list_is_a_violation_that_names_the_object(lake: Lake) -> None:
    lake.client.delete_object(Bucket=lake.artifacts.name, Key="config/currencies.csv")
    with pytest.raises(ContractViolation, match=r"s3://lake-artifacts/config/currencies\.csv is missing"):
        symbols_in_force(RATES, lake.artifacts, "EUR")
