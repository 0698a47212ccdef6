"""``Lake`` and Athena answer the same rows over a year of all datasets, from the emulator's files and over S3."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from infra.client.athena import run_query
from infra.local.config import ACCESS_KEY, SECRET_KEY
from marketlake import GapsFound, GapWarning, Lake
from marketlake.contract import dataset_names
from marketlake.layout import year_key
from marketlake.reader.tables import table_names
from marketlake.storage import Bucket
from tests.e2e.pipeline import Pipeline
from tests.e2e.saved_lakes import FIRST, LAST, load_year
from tests.e2e.saved_lakes import Lake as Asked

YEAR = f"dt BETWEEN '{FIRST}' AND '{LAST}'"


@pytest.fixture(scope="module")
def year(shared_pipeline: Pipeline) -> Asked:
    return load_year(shared_pipeline)[0]


@pytest.fixture(scope="module")
def lake(year: Asked) -> Lake:
    assert year.target.local is not None
    return Lake.local(year.target.local.root)


def of_athena(year: Asked, sql: str) -> pl.DataFrame:
    frame = pl.from_arrow(run_query(year.target, sql).table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("year").with_columns(pl.col("dt").str.to_date())


def test_prices_and_adjusted_closes(year: Asked, lake: Lake) -> None:
    wanted = of_athena(year, f"SELECT * FROM ftse100_prices_adjusted WHERE {YEAR} ORDER BY ticker, dt")  # noqa: S608
    with pytest.raises(GapsFound, match=r"AZN.L 2022-06-15 to 2022-06-15 \(1 day: row missing\)"):
        lake.prices(None, FIRST, LAST)  # the row in quarantine
    with pytest.warns(GapWarning, match="AZN.L"):
        found = lake.prices(None, FIRST, LAST, on_gaps="warn")
    assert wanted.height > 25_000
    assert_frame_equal(found, dated(wanted).select(found.columns), rel_tol=1e-9)


def test_the_index_and_the_rates(year: Asked, lake: Lake) -> None:
    index = of_athena(year, f"SELECT * FROM ftse100_index_by_year WHERE {YEAR} ORDER BY dt")  # noqa: S608
    assert_frame_equal(lake.index(FIRST, LAST), dated(index))
    sql = f"SELECT * FROM fx_rates_by_year WHERE {YEAR} ORDER BY base_currency, target_currency, dt"  # noqa: S608
    assert_frame_equal(lake.rates(None, FIRST, LAST), dated(of_athena(year, sql)))


def test_actions(year: Asked, lake: Lake) -> None:
    where = f"ex_dt BETWEEN '{FIRST}' AND '{LAST}'"
    wanted = of_athena(year, f"SELECT * FROM corporate_actions WHERE {where} ORDER BY ticker, ex_dt, kind")  # noqa: S608
    found = lake.actions(None, FIRST, LAST)
    assert wanted.height > 50
    assert_frame_equal(found, wanted.with_columns(pl.col("ex_dt").str.to_date()))


@pytest.mark.parametrize("table", [name for name in table_names() if not name.endswith("_adjusted")])
def test_sql_sees_the_tables_of_athena(year: Asked, lake: Lake, table: str) -> None:
    columns = lake.sql(f"SELECT * FROM {table} LIMIT 0").columns  # noqa: S608
    shown = ", ".join(f'count("{name}"), min("{name}"), max("{name}")' for name in columns)
    # By day Athena has what is not expired, Lake all of the history: the same of the year that was loaded here.
    where = f"WHERE {YEAR}" if table in dataset_names() else ""
    sql = f"SELECT count(*), {shown} FROM {table} {where}"  # noqa: S608
    assert lake.sql(sql).rows() == of_athena(year, sql).rows()


def test_over_s3_it_is_the_same_and_each_object_is_read_once(
    lake: Lake, shared_pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", shared_pipeline.config.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    read: list[str] = []
    get = Bucket.get

    def counted(bucket: Bucket, key: str) -> Any:
        read.append(key)
        return get(bucket, key)

    monkeypatch.setattr(Bucket, "get", counted)
    remote = Lake.aws(region=shared_pipeline.config.region, cache=tmp_path)
    window = date(2022, 3, 1), date(2022, 5, 31)
    wanted = lake.prices(["BP.L", "HSBA.L"], *window, currency="EUR")
    assert_frame_equal(remote.prices(["BP.L", "HSBA.L"], *window, currency="EUR"), wanted)
    assert year_key("ftse100_prices", 2022) in read
    assert len(read) == len(set(read))
    read.clear()
    assert_frame_equal(remote.prices(["BP.L", "HSBA.L"], *window, currency="EUR"), wanted)
    assert read == [], "copies serve while S3 lists the same ETags"
    key = year_key("ftse100_prices", 2022)
    body = shared_pipeline.body("clean_bucket", key)
    with shared_pipeline.without("clean_bucket", key):
        smaller = pl.read_parquet(body).filter(pl.col("ticker") == "BP.L")
        metadata = pl.read_parquet_metadata(body)
        smaller.write_parquet(tmp_path / "other", metadata={"marketlake.days": metadata["marketlake.days"]})
        put = shared_pipeline.aws("s3").put_object
        put(Bucket=shared_pipeline.name("clean_bucket"), Key=key, Body=(tmp_path / "other").read_bytes())
        assert remote.sql("SELECT DISTINCT ticker FROM ftse100_prices_by_year WHERE year = '2022'").rows() == [
            ("BP.L",)
        ]
        assert read == [key]
