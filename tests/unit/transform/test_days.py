from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl
import pytest

from marketlake.batch_rows import PARQUET, AcceptedDay, BatchRows, to_parquet
from marketlake.errors import StorageUnavailable
from marketlake.layout import clean_key
from marketlake.messages import Batch, Input
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket
from marketlake.stored import stored_days
from tests.unit.lake import RATES, Lake
from transform.days import ATTEMPTS, NEW_DAY, Change, Day, days_of, merged, with_first_changes, write_days

FIRST = date(2023, 1, 3)
BATCH = Batch("fx_rates", [], 2, Input(["fx_rates"], FIRST, FIRST))


def frame(**rates: float) -> pl.DataFrame:
    rows = [("EUR", currency, rate, None) for currency, rate in sorted(rates.items())]
    return pl.DataFrame(rows, schema=polars_schema(RATES), orient="row")


def day(number: int, **rates: float) -> Day:
    came = frame(**rates)
    return Day(AcceptedDay(FIRST + timedelta(days=number), "sha"), came, came)


def put(lake: Lake, *days: Day) -> None:
    for one in days:
        lake.clean.put(clean_key("fx_rates", one.dt), to_parquet(one.frame), PARQUET)


merge = partial(merged, RATES, BATCH)


def read(lake: Lake, *days: Day) -> list[Day]:
    stored = stored_days(RATES, lake.clean, [one.dt for one in days], {})
    return merge([replace(one, old=stored.get(one.dt)) for one in days])


def rates_of(lake: Lake, one: Day) -> dict[str, float]:
    found = pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("fx_rates", one.dt)).body))
    return dict(found.select("target_currency", "rate").iter_rows())


def test_each_day_has_its_own_rows() -> None:
    days = [day(0, USD=1.0), day(1, USD=2.0)]
    dated = [one.frame.select(pl.lit(one.dt).alias("dt"), pl.all()) for one in days]
    found = days_of(BatchRows([one.accepted for one in days], pl.concat(dated), frame().clear(), []))
    assert [(one.dt, one.came["rate"].to_list()) for one in found] == [(days[0].dt, [1.0]), (days[1].dt, [2.0])]
    assert [one.came.schema for one in found] == [polars_schema(RATES)] * 2


def test_days_are_written_and_a_day_that_is_there_is_not(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, day(0, USD=1.0), day(1, USD=1.0))
    days = read(lake, day(0, USD=1.0), day(1, USD=2.0), day(2, USD=3.0))
    assert [one.change for one in days] == [Change(0, 0, True), Change(1, 0, False), NEW_DAY]
    keys: list[str] = []
    plain = Bucket.put

    def note(bucket: Bucket, key: str, *given: Any, **named: Any) -> str:
        keys.append(key)
        return plain(bucket, key, *given, **named)

    monkeypatch.setattr(Bucket, "put", note)
    written = write_days(RATES, lake.clean, days, merge)
    assert sorted(keys) == [clean_key("fx_rates", one.dt) for one in days[1:]]
    for one in written:
        stored = lake.clean.get(clean_key("fx_rates", one.dt))
        assert (stored.body, stored.etag) == (to_parquet(one.frame), one.etag)


def test_what_another_wrote_after_a_day_was_read_is_merged_not_overwritten(lake: Lake) -> None:
    put(lake, day(0, USD=1.0, GBP=1.0))
    days = read(lake, day(0, USD=2.0), day(1, USD=2.0))
    put(lake, day(0, USD=1.0, GBP=3.0, JPY=3.0), day(1, GBP=3.0))
    found = write_days(RATES, lake.clean, days, merge)
    assert rates_of(lake, days[0]) == {"USD": 2.0, "GBP": 3.0, "JPY": 3.0}
    assert rates_of(lake, days[1]) == {"USD": 2.0, "GBP": 3.0}
    assert [one.frame.height for one in found] == [3, 2], "what Athena must find"


def test_a_day_whose_object_was_removed_after_it_was_read_keeps_the_rows_that_were_read(lake: Lake) -> None:
    put(lake, day(0, USD=1.0, GBP=1.0))
    (one,) = read(lake, day(0, USD=2.0))
    lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key("fx_rates", one.dt))
    write_days(RATES, lake.clean, [one], merge)
    assert rates_of(lake, one) == {"USD": 2.0, "GBP": 1.0}


def test_a_writer_that_always_loses_gives_up_with_a_transient_error(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, plain = iter(range(100)), Bucket.put

    def lose(bucket: Bucket, key: str, *given: Any, **named: Any) -> str:
        plain(bucket, key, to_parquet(frame(JPY=float(next(rates)))), PARQUET)
        return plain(bucket, key, *given, **named)

    days = read(lake, day(0, USD=1.0))
    monkeypatch.setattr(Bucket, "put", lose)
    with pytest.raises(StorageUnavailable, match=f"{ATTEMPTS} times by other executions meanwhile; try again"):
        write_days(RATES, lake.clean, days, merge)


def test_the_first_count_of_changes_is_kept(lake: Lake) -> None:
    put(lake, day(0, USD=1.0, GBP=1.0))
    days = read(lake, day(0, USD=2.0), day(1, USD=2.0))
    for _ in range(2):
        found = with_first_changes(lake.clean, "manifests/a/0-changes.json", days)
        assert [one.change for one in found] == [Change(1, 1, False), NEW_DAY]
        write_days(RATES, lake.clean, days, merge)
        days = read(lake, day(0, USD=2.0), day(1, USD=2.0))
