"""What Transform writes, read back by pyarrow, an independent reader: one source of schemas, one form of bytes."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.batch_rows import dated, to_parquet, to_parquet_by_day
from marketlake.contract import Contract
from marketlake.schemas import glue_columns, polars_schema
from tests.arrow_schema import arrow_schema
from tests.unit.frames import clean_frames
from tests.unit.lake import PRICES, RATES, Bar, at, prices_csv, rates_json
from transform.days import measured
from validate.raw import RawDay

DAY = date(2023, 1, 3)
GLUE_OF_ARROW = {pa.large_string(): "string", pa.string(): "string", pa.float64(): "double", pa.int64(): "bigint"}
BODIES = {
    "prices": (PRICES, prices_csv([Bar("A.L"), Bar("B.L", open=None, volume=None)])),
    "prices, every optional value missing": (
        PRICES,
        prices_csv([Bar("A.L", open=None, high=None, low=None, adj_close=None, volume=None)]),
    ),
    "prices, an empty day": (PRICES, prices_csv([])),
    "rates": (RATES, rates_json(DAY, {"USD": 1.05, "GBP": 0.88})),
    "rates, an empty day": (RATES, rates_json(DAY, {})),
}


def frame_of(contract: Contract, body: bytes) -> pl.DataFrame:
    (frame,) = clean_frames(contract, [RawDay(DAY, body)])
    return frame


@pytest.mark.parametrize(("contract", "body"), BODIES.values(), ids=BODIES)
def test_the_footer_agrees_with_arrow_glue_and_the_contract(contract: Contract, body: bytes) -> None:
    file = pq.ParquetFile(io.BytesIO(to_parquet(frame_of(contract, body))))
    footer = file.schema_arrow
    assert footer.remove_metadata() == arrow_schema(contract)
    glue = [(column["Name"], column["Type"]) for column in glue_columns(contract)]
    assert [(field.name, GLUE_OF_ARROW[field.type]) for field in footer] == glue
    assert "dt" not in footer.names
    physical = [(column.name, column.physical_type) for column in (file.schema.column(n) for n in range(len(footer)))]
    of_glue = {"string": "BYTE_ARRAY", "double": "DOUBLE", "bigint": "INT64"}
    assert physical == [(name, of_glue[kind]) for name, kind in glue]


@pytest.mark.parametrize(("contract", "body"), BODIES.values(), ids=BODIES)
def test_every_value_comes_back(contract: Contract, body: bytes) -> None:
    frame = frame_of(contract, body)
    table = pq.read_table(io.BytesIO(to_parquet(frame)))
    assert table.to_pylist() == frame.to_dicts()
    assert frame.schema == polars_schema(contract)


def test_a_file_is_one_row_group_compressed_as_athena_reads_it() -> None:
    metadata = pq.ParquetFile(io.BytesIO(to_parquet(frame_of(*BODIES["prices"])))).metadata
    assert metadata.num_row_groups == 1
    group = metadata.row_group(0)
    assert {group.column(n).compression for n in range(group.num_columns)} == {"ZSTD"}
    of_close: Any = group.column(4).statistics
    assert of_close.min == 1.0, "close has statistics: Athena skips by them"


NUMBER = st.one_of(st.none(), st.floats(0.01, 1e6))
ROWS = st.lists(
    st.builds(Bar, st.text("ABCDEF", min_size=1, max_size=4), close=st.floats(1, 1e5), open=NUMBER, high=NUMBER),
    max_size=8,
    unique_by=lambda bar: bar.ticker,
)


@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_raw_rows_changes_no_byte(rows: list[Bar], order: Any) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    first = to_parquet(frame_of(PRICES, prices_csv(rows)))
    assert to_parquet(frame_of(PRICES, prices_csv(rows))) == first
    assert to_parquet(frame_of(PRICES, prices_csv(shuffled))) == first


@given(rates=st.dictionaries(st.text("ABCDEF", min_size=3, max_size=3), st.floats(0.01, 1e5), min_size=2, max_size=8))
def test_the_order_of_the_raw_rates_changes_no_byte(rates: dict[str, float]) -> None:
    backwards = dict(reversed(rates.items()))
    assert to_parquet(frame_of(RATES, rates_json(DAY, rates))) == to_parquet(
        frame_of(RATES, rates_json(DAY, backwards))
    )


def test_days_read_together_are_the_same_bytes_as_days_read_alone() -> None:
    bodies = [prices_csv([Bar("A.L"), Bar(f"{letter}.L")]) for letter in "BCD"]
    raw = [RawDay(date(2023, 1, 3 + n), body) for n, body in enumerate(bodies)]
    assert [to_parquet(frame) for frame in clean_frames(PRICES, raw)] == [
        to_parquet(frame_of(PRICES, body)) for body in bodies
    ]


def test_other_rows_are_other_bytes() -> None:
    one, other = prices_csv([Bar("A.L", close=100.0)]), prices_csv([Bar("A.L", close=math.nextafter(100.0, 101))])
    assert to_parquet(frame_of(PRICES, one)) != to_parquet(frame_of(PRICES, other))


def test_ranges_and_nulls_are_what_athena_must_find() -> None:
    bars = [
        replace(at("A.L", 200), volume=None),
        replace(at("B.L", 100), volume=7),
        replace(at("C.L", 300), volume=1000, open=None),
    ]
    frame = frame_of(PRICES, prices_csv(bars))
    ranges, nulls = measured(PRICES, {DAY: frame})[DAY]
    assert list(ranges) == PRICES.number_columns
    assert [ranges[name] for name in ("close", "volume")] == [(1.0, 3.0), (7, 1000)]
    nothing = {"dividend_currency": 3, "flags": 3}
    assert nulls == {"open": 1, "volume": 1, **nothing}


def test_a_column_of_nulls_has_no_range_and_an_empty_day_has_none_at_all() -> None:
    frame = frame_of(PRICES, prices_csv([Bar("A.L", volume=None)]))
    assert measured(PRICES, {DAY: frame})[DAY].ranges["volume"] is None
    empty, full = frame_of(RATES, rates_json(DAY, {})), frame_of(RATES, rates_json(DAY, {"USD": 2.0}))
    found = measured(RATES, {DAY: empty, date(2023, 1, 4): full})
    assert found == {DAY: ({"rate": None}, {}), date(2023, 1, 4): ({"rate": (2.0, 2.0)}, {"flags": 1})}


@pytest.mark.parametrize(("days", "rows"), [(1, 1), (300, 3), (3, 10_000), (40, 5_000)], ids=str)
def test_days_written_together_are_the_same_bytes_as_each_alone(days: int, rows: int) -> None:
    """More days than a sink keeps open files for, and more rows than it hands on in one piece."""
    frames = {
        date(2020, 1, 1) + timedelta(number): pl.DataFrame(
            {"ticker": [f"T{row:05}.L" for row in range(rows)], "close": [number + row / 7 for row in range(rows)]}
        )
        for number in range(days)
    }
    together = to_parquet_by_day(dated(frames, pl.DataFrame(schema={"ticker": pl.String(), "close": pl.Float64()})))
    assert together.keys() == frames.keys()
    assert all(together[day] == to_parquet(frame) for day, frame in frames.items())
