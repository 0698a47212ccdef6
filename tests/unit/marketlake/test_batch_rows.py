from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.batch_rows import AcceptedDay, BatchRows, read_batch_rows, write_batch_rows
from marketlake.schemas import polars_schema
from tests.unit.lake import RATES, Lake

KEY = "manifests/run-1/0-rows.parquet"
SCHEMA = polars_schema(RATES)
Row = tuple[str, str, float | None, str | None]
RATE = st.one_of(st.none(), st.floats())
ROWS = st.lists(st.tuples(st.just("EUR"), st.text(max_size=4), RATE, st.none() | st.text(max_size=9)), max_size=5)
DAYS = st.builds(AcceptedDay, dt=st.dates(), raw_sha256=st.text(max_size=64), quarantined=st.integers(0, 9))


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


# The bucket is the same for all examples; each example writes over the one before.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    days=st.lists(st.tuples(DAYS, ROWS), max_size=4, unique_by=lambda day: day[0].dt),
    before=ROWS,
    unchanged=st.lists(st.dates(), max_size=3),
)
def test_what_validate_hands_on_comes_back_bit_by_bit(
    lake: Lake,
    days: list[tuple[AcceptedDay, list[Row]]],
    before: list[Row],
    unchanged: list[date],
) -> None:
    empty = pl.DataFrame(schema={"dt": pl.Date(), **SCHEMA})
    dated = [frame(rows).select(pl.lit(day.dt).alias("dt"), pl.all()) for day, rows in days]
    rows = BatchRows([day for day, _ in days], pl.concat([empty, *dated]), frame(before), unchanged)
    write_batch_rows(lake.clean, KEY, rows)
    read = read_batch_rows(lake.clean, KEY)
    assert (read.days, read.unchanged) == (rows.days, rows.unchanged)
    assert read.frame.equals(rows.frame)
    assert read.before.equals(rows.before)
    body = lake.clean.get(KEY).body
    write_batch_rows(lake.clean, KEY, rows)
    assert lake.clean.get(KEY).body == body


def test_a_year_of_a_hundred_symbols_is_one_small_object(lake: Lake) -> None:
    days = [AcceptedDay(date(2023, 1, 2) + timedelta(days=number), "f" * 64) for number in range(260)]
    rows = [
        (day.dt, "EUR", f"S{n:02}", 1.0 + n / 7 + day.dt.toordinal() / 1e3, None) for day in days for n in range(100)
    ]
    dated = pl.DataFrame(rows, schema={"dt": pl.Date(), **SCHEMA}, orient="row")
    write_batch_rows(lake.clean, KEY, BatchRows(days, dated, frame([]), []))
    assert len(lake.clean.get(KEY).body) < 1_000_000
