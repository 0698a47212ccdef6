from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.batch_rows import AcceptedDay, dated, to_parquet
from marketlake.contract import Contract
from marketlake.errors import DataQualityError
from marketlake.messages import Batch, Input
from marketlake.schemas import polars_schema
from marketlake.stored import StoredDay
from tests.unit.frames import clean_frames
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv
from transform.days import Day, changed_rows, merged, refuse_absent
from validate.raw import RawDay

DAY = AcceptedDay(date(2023, 1, 3), "sha")


def clean(*bars: Bar) -> pl.DataFrame:
    (frame,) = clean_frames(PRICES, [RawDay(DAY.dt, prices_csv(bars))])
    return frame


def merge(
    old: pl.DataFrame,
    new: pl.DataFrame,
    contract: Contract = PRICES,
    symbols: Sequence[str] = (),
    *,
    drop_missing: bool = False,
) -> Day:
    again = Input([contract.name], DAY.dt, DAY.dt, list(symbols), drop_missing=drop_missing)
    batch = Batch(contract.name, [], 1, again, list(symbols))
    (day,) = merged(contract, batch, [Day(DAY, new, new, old=StoredDay(old, "etag"))])
    return day


def put_into(old: pl.DataFrame, new: pl.DataFrame, contract: Contract = PRICES) -> pl.DataFrame:
    return merge(old, new, contract).frame


def test_new_rows_take_the_place_of_their_own_and_the_others_stay() -> None:
    old = clean(at("A.L", 100), at("B.L", 200), at("D.L", 400))
    new = clean(at("B.L", 250), at("C.L", 300))
    found = put_into(old, new)
    assert found.select("ticker", "close").rows() == [("A.L", 1.0), ("B.L", 2.5), ("C.L", 3.0), ("D.L", 4.0)]
    assert found.schema == polars_schema(PRICES)


def test_some_symbols_never_pass_for_a_day_that_is_not_there() -> None:
    with pytest.raises(DataQualityError, match=r"ftse100_prices 2023-01-03.*run the day without symbols first"):
        refuse_absent(PRICES, [Day(DAY, clean(Bar("A.L")), clean(Bar("A.L")))])


def test_rows_that_did_not_come_are_kept_and_counted() -> None:
    old = clean(at("A.L", 100), at("B.L", 200), at("C.L", 300))
    found = merge(old, clean(at("A.L", 110)))
    assert found.frame["ticker"].to_list() == ["A.L", "B.L", "C.L"]
    assert (found.change.changed_rows, found.change.kept_rows) == (1, 2)
    # Of a request for some symbols, the others were not asked for.
    assert merge(old, clean(at("A.L", 110)), symbols=["A.L", "B.L"]).change.kept_rows == 1


def test_they_are_taken_out_on_request_and_only_those_that_were_asked_for() -> None:
    old = clean(at("A.L", 100), at("B.L", 200), at("C.L", 300))
    found = merge(old, clean(at("A.L", 110)), drop_missing=True)
    assert found.frame["ticker"].to_list() == ["A.L"]
    assert (found.change.changed_rows, found.change.kept_rows) == (3, 0)
    some = merge(old, clean(at("A.L", 110)), symbols=["A.L", "B.L"], drop_missing=True)
    assert some.frame["ticker"].to_list() == ["A.L", "C.L"]


@given(relative=st.floats(1e-9, 0.5))
def test_no_difference_of_a_fact_is_too_small_to_count(relative: float) -> None:
    old = clean(at("A.L", 100), at("B.L", 200))
    moved = old.with_columns(pl.col("close") * (1 + relative))
    found = merge(old, moved)
    assert found.frame.equals(moved)
    assert found.change.changed_rows == 2


RATE_ROWS = st.dictionaries(st.sampled_from(["AUD", "GBP", "JPY", "USD", "ZAR"]), st.sampled_from([1.0, 2.0, 3.0]))


def rates(rows: dict[str, float]) -> pl.DataFrame:
    columns = {"base_currency": ["EUR"] * len(rows), "target_currency": list(rows), "rate": list(rows.values())}
    columns |= {"flags": [None] * len(rows)}
    return pl.DataFrame(columns, schema=polars_schema(RATES)).sort(RATES.key)


@given(old=RATE_ROWS, new=RATE_ROWS)
def test_patching_is_an_update_of_a_mapping(old: dict[str, float], new: dict[str, float]) -> None:
    found = put_into(rates(old), rates(new), RATES)
    assert found.equals(rates(old | new))


def changes(old: pl.DataFrame, new: pl.DataFrame) -> int:
    nothing = old.clear()
    return changed_rows(dated({DAY.dt: old}, nothing), dated({DAY.dt: new}, nothing)).get(DAY.dt, 0)


@given(olds=st.lists(RATE_ROWS, min_size=1, max_size=4), news=st.lists(RATE_ROWS, min_size=4, max_size=4))
def test_days_that_are_merged_together_are_as_each_by_itself(
    olds: list[dict[str, float]], news: list[dict[str, float]]
) -> None:
    batch = Batch("fx_rates", [], 1, Input(["fx_rates"], DAY.dt, DAY.dt))
    accepted = [AcceptedDay(date(2023, 1, 3 + number), "sha") for number in range(len(news))]
    days = [
        Day(day, rates(new), rates(new), old=StoredDay(rates(old), "etag") if old is not None else None)
        for day, old, new in zip(accepted, [*olds, None, None, None], news, strict=False)
    ]
    together = merged(RATES, batch, days)
    for one, found in zip(days, together, strict=True):
        (alone,) = merged(RATES, batch, [one])
        assert found.frame.equals(alone.frame)
        assert (found.body, found.change) == (alone.body, alone.change)
        assert not found.old or found.body == to_parquet(found.frame)


@given(old=RATE_ROWS, new=RATE_ROWS)
def test_changed_rows_counts_what_differs(old: dict[str, float], new: dict[str, float]) -> None:
    gone, come = set(old.items()) - set(new.items()), set(new.items()) - set(old.items())
    assert changes(rates(old), rates(new)) == max(len(gone), len(come))


def test_nulls_that_stay_null_are_no_change() -> None:
    assert changes(clean(Bar("A.L", open=None)), clean(Bar("A.L", open=None))) == 0
    assert changes(clean(Bar("A.L", open=None)), clean(Bar("A.L", open=100))) == 1
