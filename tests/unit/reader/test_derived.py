"""What is derived of rows: conversion by the lake's rates, and adjusted closes, held against the view's own SQL."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from marketlake import GapWarning, Lake
from marketlake.reader.conversion import MOST_DAYS, cross_rates, with_rates, worth_of
from marketlake.schemas import polars_schema
from tests.lake_root import empty_root, write_years
from tests.unit.lake import PRICES, RATES

START = date(2022, 1, 3)
CURRENCIES = ("EUR", "GBP", "USD", "JPY")
offsets = st.integers(0, 25)
amounts = st.floats(0.01, 200, allow_subnormal=False)

published = st.dictionaries(st.tuples(offsets, st.sampled_from(CURRENCIES[1:])), amounts, max_size=40)
"""Rates for one euro, by the day's number and currency."""


def rates_of(table: dict[tuple[int, str], float]) -> pl.DataFrame:
    rows = [(START + timedelta(day), "EUR", currency, rate) for (day, currency), rate in table.items()]
    schema = {"dt": pl.Date(), "base_currency": pl.String(), "target_currency": pl.String(), "rate": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def by_hand(table: dict[tuple[int, str], float], day: int, own: str, other: str) -> tuple[date, float] | None:
    """The rate and its day, by looking at one day after the other."""
    if own == other:
        return START + timedelta(day), 1.0
    for back in range(MOST_DAYS + 1):
        on = {currency: rate for (at, currency), rate in table.items() if at == day - back}
        on |= {"EUR": 1.0} if on else {}
        if {own, other} <= on.keys():
            return START + timedelta(day - back), on[other] / on[own]
    return None


@given(published, st.lists(st.tuples(offsets, st.sampled_from(CURRENCIES)), max_size=12), st.sampled_from(CURRENCIES))
def test_a_rate_is_that_of_the_day_or_the_last_in_ten_days(
    table: dict[tuple[int, str], float], rows: list[tuple[int, str]], other: str
) -> None:
    asked = pl.DataFrame(
        [(START + timedelta(day), own) for day, own in rows], schema={"dt": pl.Date(), "own": pl.String()}, orient="row"
    ).rename({"own": "currency"})
    found = with_rates(asked, "currency", pl.lit(other), worth_of(rates_of(table)))
    assert found.select("dt", "currency").rows() == asked.rows(), "no row more or less, in their order"
    for (day, own), (rate, rate_dt) in zip(rows, found.select("rate", "rate_dt").rows(), strict=True):
        wanted = by_hand(table, day, own, other)
        assert (rate_dt, rate) == ((wanted[0], pytest.approx(wanted[1])) if wanted else (None, None))


@given(published, st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES))
def test_there_and_back_is_one(table: dict[tuple[int, str], float], own: str, other: str) -> None:
    worth = worth_of(rates_of(table))
    there, back = (cross_rates(worth, [pair])["rate"] for pair in ((own, other), (other, own)))
    assert (there * back).to_list() == pytest.approx([1.0] * len(there))
    assert len(there) == len(back)


bars = st.lists(
    st.tuples(
        amounts,
        st.one_of(st.none(), st.just(0.0), st.floats(0.01, 50)),
        st.sampled_from([None, "GBP", "USD", "EUR"]),
        st.sampled_from(["GBP", "USD"]),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=12)
@given(bars, bars, published)
def test_adjusted_closes_are_those_of_the_view(
    tmp_path_factory: pytest.TempPathFactory, first: list[Any], second: list[Any], table: dict[tuple[int, str], float]
) -> None:
    root = empty_root(tmp_path_factory.mktemp("derived") / "root")
    days = PRICES.days(START, START + timedelta(30))
    dated = [
        (f"{day}", ticker, *bar)
        for ticker, rows in (("AZN.L", first), ("BP.L", second))
        for day, bar in zip(days, rows, strict=False)
    ]
    columns = ["dt", "ticker", "close", "dividend", "dividend_currency", "currency"]
    frame = pl.DataFrame(dated, schema=columns, orient="row")
    schema = {"dt": pl.String(), **polars_schema(PRICES)}
    nothing = {"open": None, "high": None, "low": None, "volume": None, "flags": None}
    whole = frame.with_columns(
        split_ratio=1.0, quoted_currency=pl.lit("GBp"), **{n: pl.lit(v) for n, v in nothing.items()}
    )
    write_years(root, "ftse100_prices", whole.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    rates = rates_of(table).with_columns(pl.col("dt").cast(pl.String), flags=pl.lit(None, pl.String()))
    if not rates.is_empty():
        write_years(root, "fx_rates", rates.select("dt", *polars_schema(RATES)))
    lake = Lake.local(root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GapWarning)
        found = lake.prices(["AZN.L", "BP.L"], on_gaps="warn")
    view = lake.sql("SELECT * EXCLUDE (year) FROM ftse100_prices_adjusted ORDER BY ticker, dt")
    assert_frame_equal(found, view.with_columns(pl.col("dt").str.to_date()), rel_tol=1e-9, abs_tol=1e-12)


def test_a_path_with_a_quotation_mark_is_a_path(tmp_path: Path) -> None:
    root = empty_root(tmp_path / "it's a [lake]")
    write_years(
        root,
        "fx_rates",
        rates_of({(0, "GBP"): 0.85})
        .with_columns(pl.col("dt").cast(pl.String), flags=pl.lit(None, pl.String()))
        .select("dt", *polars_schema(RATES)),
    )
    lake = Lake.local(root)
    assert lake.sql("SELECT rate, year FROM fx_rates_by_year").rows() == [(0.85, "2022")]
    assert lake.rates("GBP")["rate"].to_list() == [0.85]
