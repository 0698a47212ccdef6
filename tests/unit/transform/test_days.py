from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from marketlake.batch_rows import PARQUET, AcceptedDay, BatchRows, to_parquet
from marketlake.errors import StorageUnavailable
from marketlake.layout import clean_key
from marketlake.schemas import polars_schema
from tests.unit.lake import RATES, Lake
from transform.days import Day, days_of, with_changes, with_old, write_days

FIRST = date(2023, 1, 3)


def frame(rate: float) -> pl.DataFrame:
    return pl.DataFrame([("EUR", "USD", rate)], schema=polars_schema(RATES), orient="row")


def day(number: int, rate: float) -> Day:
    return Day(AcceptedDay(FIRST + timedelta(days=number), "sha"), frame(rate))


def put(lake: Lake, *days: Day) -> None:
    for one in days:
        lake.clean.put(clean_key("fx_rates", one.dt), to_parquet(one.frame), PARQUET)


def test_each_day_has_its_own_rows() -> None:
    days = [day(0, 1.0), day(1, 2.0)]
    dated = [one.frame.select(pl.lit(one.dt).alias("dt"), pl.all()) for one in days]
    found = days_of(BatchRows([one.accepted for one in days], pl.concat(dated), frame(0).clear(), []))
    assert [(one.dt, one.frame["rate"].to_list()) for one in found] == [(days[0].dt, [1.0]), (days[1].dt, [2.0])]
    assert [one.frame.schema for one in found] == [polars_schema(RATES)] * 2


def test_a_day_that_another_wrote_after_it_was_read_is_not_overwritten(lake: Lake) -> None:
    put(lake, day(0, 1.0), day(1, 1.0))
    days = with_old(RATES, lake.clean, [day(0, 2.0), day(1, 2.0)])
    put(lake, day(1, 3.0))
    with pytest.raises(StorageUnavailable, match=r"2023-01-04.* was written by another execution meanwhile; try again"):
        write_days(RATES, lake.clean, days, as_read=True)
    assert lake.clean.get(clean_key("fx_rates", days[1].dt)).body == to_parquet(frame(3.0))


@pytest.mark.parametrize("as_read", [True, False])
def test_days_that_are_as_they_were_read_are_replaced(lake: Lake, as_read: bool) -> None:
    put(lake, day(0, 1.0))
    days = with_old(RATES, lake.clean, [day(0, 2.0), day(1, 2.0)])
    assert [one.old is None for one in days] == [False, True]
    for one in write_days(RATES, lake.clean, days, as_read=as_read):
        stored = lake.clean.get(clean_key("fx_rates", one.dt))
        assert (stored.body, stored.etag) == (to_parquet(one.frame), one.etag)


def test_the_first_count_of_changed_rows_is_kept(lake: Lake) -> None:
    put(lake, day(0, 1.0))
    days = with_old(RATES, lake.clean, [day(0, 2.0), day(1, 2.0)])
    for _ in range(2):
        found = with_changes(lake.clean, "manifests/a/0-changed.json", days)
        assert [one.changed_rows for one in found] == [1, None]
        put(lake, *days)
        days = with_old(RATES, lake.clean, days)


def test_where_the_lake_has_nothing_no_count_is_kept(lake: Lake) -> None:
    assert [one.changed_rows for one in with_changes(lake.clean, "manifests/a/0-changed.json", [day(0, 1.0)])] == [None]
    assert lake.everything() == {}
