from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake import aliases, membership
from marketlake.aliases import Alias, current_name, parse_aliases, shipped_aliases
from marketlake.contract import CONTRACTS
from marketlake.errors import ContractViolation
from marketlake.membership import parse_membership
from marketlake.schemas import polars_schema
from marketlake.stored import in_contracts_columns
from marketlake.symbols import currencies_of, parse_symbols, shipped_file, symbols_of
from tests.unit.lake import PRICES, RATES

OLD = "old,new,since,source\n"
MEMBERS = "ticker,joined,left,source\n"
LIST = "ticker,currency,valid_from,valid_to\n"


def test_names_in_a_row_lead_to_the_last_one() -> None:
    content = (OLD + "A.L,B.L,2020-01-01,x\nB.L,C.L,2021-01-01,x\n").encode()
    assert [(alias.old, alias.new) for alias in parse_aliases(content, "a.csv")] == [("A.L", "C.L"), ("B.L", "C.L")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("old,new\nA.L,B.L\n", "lacks since"),
        (OLD + "A.L,A.L,2020-01-01,x\n", r"line 2: A.L -> A.L is a circle; accepted"),
        (OLD + "A.L,B.L,2020-01-01,x\nB.L,A.L,2020-01-01,x\n", r"line 3: A.L -> B.L -> A.L is a circle"),
        (OLD + "A.L,B.L,2020-01-01,x\nA.L,C.L,2020-01-01,x\n", "line 3: A.L is there already"),
        (OLD + "A.L,,2020-01-01,x\n", "line 2: old or new is empty"),
        (OLD + "A.L,B.L,then,x\n", "line 2: since is an ISO date"),
    ],
)
def test_bad_aliases_are_refused_with_the_line(text: str, message: str) -> None:
    with pytest.raises(ContractViolation, match=rf"^a\.csv.*{message}"):
        parse_aliases(text.encode(), "a.csv")


def ends(names: dict[str, str]) -> bool:
    """Whether every name leads out of ``names`` in as many steps as there are."""
    reached = set(names)
    for _ in names:
        reached = {names[name] for name in reached if name in names}
    return not reached & names.keys()


@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.sampled_from("ABCDEFGH")))
def test_aliases_end_at_a_name_that_is_no_old_one_or_are_refused(names: dict[str, str]) -> None:
    lines = "".join(f"{old},{new},2020-01-01,x\n" for old, new in names.items())
    if not ends(names):
        with pytest.raises(ContractViolation, match="is a circle"):
            parse_aliases((OLD + lines).encode(), "a.csv")
        return
    found = parse_aliases((OLD + lines).encode(), "a.csv")
    assert len(found) == len(names)
    assert all(alias.new not in names for alias in found)


def test_the_shipped_aliases_are_of_listed_tickers() -> None:
    listed = symbols_of(PRICES).names
    assert current_name("PHNX.L") == "SDLF.L"
    assert current_name("BP.L") == "BP.L"
    assert all(alias.new in listed and alias.old not in listed for alias in shipped_aliases().values())


def test_the_old_name_in_a_list_is_refused_while_it_is_live_and_else_means_the_new_one() -> None:
    with pytest.raises(ContractViolation, match=r"l\.csv line 3: PHNX\.L is SDLF\.L since 2026-03-01.*accepted"):
        parse_symbols((LIST + "BP.L,,2000-01-01,\nPHNX.L,,2009-11-17,\n").encode(), "l.csv")
    ended = parse_symbols((LIST + "PHNX.L,,2009-11-17,2026-02-27\n").encode(), "l.csv")
    assert ended.names == ["SDLF.L"]


def test_a_currency_that_the_contract_does_not_know_is_refused_with_what_is_accepted() -> None:
    content = (LIST + "BP.L,GBP,2000-01-01,\nX.L,SEK,2000-01-01,\n").encode()
    with pytest.raises(
        ContractViolation, match=r"l\.csv line 3: currency 'SEK' is not known; accepted are EUR, GBP, USD"
    ):
        parse_symbols(content, "l.csv", currencies_of(PRICES))
    assert parse_symbols(content, "l.csv", currencies_of(RATES)).names == ["BP.L", "X.L"]


def rows(*named: tuple[str, float]) -> pl.DataFrame:
    schema = polars_schema(PRICES)
    frame = pl.DataFrame({"ticker": [name for name, _ in named], "close": [close for _, close in named]})
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None).alias(name)).cast(kind)
        for name, kind in schema.items()
    )


def test_rows_under_an_old_name_are_read_under_the_new_one_and_a_new_row_wins() -> None:
    read = in_contracts_columns(PRICES, rows(("BP.L", 1.0), ("PHNX.L", 2.0)), "key")
    assert read.select("ticker", "close").rows() == [("BP.L", 1.0), ("SDLF.L", 2.0)]
    both = in_contracts_columns(PRICES, rows(("PHNX.L", 2.0), ("SDLF.L", 3.0)), "key")
    assert both.select("ticker", "close").rows() == [("SDLF.L", 3.0)]
    dated = rows(("PHNX.L", 2.0), ("PHNX.L", 2.5)).insert_column(0, pl.Series("dt", ["2023-01-03", "2023-01-04"]))
    assert in_contracts_columns(PRICES, dated, "key", dated=True)["ticker"].to_list() == ["SDLF.L"] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ticker,joined\nA.L,2020-01-01\n", "lacks left"),
        (MEMBERS + "A.L,2020-01-01,,x\nA.L,2021-01-01,,x\n", "line 3: A.L from 2021-01-01 overlaps with m.csv line 2"),
        (MEMBERS + "A.L,2020-01-01,2021-01-02,x\nA.L,2021-01-01,,x\n", "line 3: A.L .* overlaps .*; accepted are"),
        (MEMBERS + "A.L,2020-01-01,2020-01-01,x\n", "line 2: left 2020-01-01 is not after joined"),
        (MEMBERS + ",2020-01-01,,x\n", "line 2: no ticker"),
        (MEMBERS + "A.L,soon,,x\n", "line 2: joined and left are ISO dates"),
    ],
)
def test_bad_membership_is_refused_with_the_line(text: str, message: str) -> None:
    with pytest.raises(ContractViolation, match=rf"^m\.csv.*{message}"):
        parse_membership(text.encode(), "m.csv")


STRETCHES = st.lists(st.tuples(st.integers(1, 28), st.integers(1, 28)).filter(lambda t: t[0] < t[1]), max_size=5)


@given(STRETCHES)
def test_a_ticker_is_a_member_once_a_day_or_refused(stretches: list[tuple[int, int]]) -> None:
    lines = "".join(f"A.L,2020-01-{first:02},2020-01-{last:02},x\n" for first, last in stretches)
    twice = any(sum(first <= day < last for first, last in stretches) > 1 for day in range(1, 29))
    try:
        found = parse_membership((MEMBERS + lines).encode(), "m.csv")
    except ContractViolation:
        assert twice
        return
    assert not twice
    assert len(found) == len(stretches)


@given(st.binary() | st.text(alphabet=",\n 0129-AZ").map(lambda text: (OLD + text).encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for parse in (parse_aliases, parse_membership):
        with suppress(ContractViolation):
            parse(content, "any.csv")


def test_the_shipped_membership_has_a_hundred_members_on_every_day_and_today_s_are_the_constituents() -> None:
    found = parse_membership((CONTRACTS / membership.FILE).read_bytes(), membership.FILE)
    by_day: dict[date, set[str]] = defaultdict(set)
    changes = {one.joined for one in found} | {one.left for one in found if one.left}
    for day in changes:
        by_day[day] = {one.ticker for one in found if one.joined <= day < (one.left or date.max)}
    assert {len(members) for members in by_day.values()} == {100}
    assert by_day[max(changes)] == set(symbols_of(PRICES).names)
    assert Alias("PHNX.L", "SDLF.L", date(2026, 3, 1)) in parse_aliases(shipped_file(aliases.FILE), aliases.FILE)
