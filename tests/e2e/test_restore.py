"""A year's object that was deleted comes back from its versions, as Athena reads it."""

from __future__ import annotations

from datetime import date

from infra.client.lake import take_inventory
from infra.client.year_versions import put_back, versions_of
from marketlake.layout import clean_key, year_key
from tests.e2e.pipeline import Pipeline
from tests.e2e.saved_lakes import target_of

FIRST, SECOND = date(2004, 5, 6), date(2004, 5, 7)
BY_DAY = "SELECT DISTINCT dt FROM fx_rates WHERE dt BETWEEN '2004-05-06' AND '2004-05-07'"
BY_YEAR = (
    "SELECT dt, count(*) FROM fx_rates_by_year WHERE year = '2004' AND dt LIKE '2004-05-%' GROUP BY dt ORDER BY dt"
)


def load(pipeline: Pipeline, day: date) -> None:
    outcome = pipeline.run({"datasets": ["fx_rates"], "start": f"{day}", "end": f"{day}"})
    assert outcome.status == "SUCCEEDED", outcome


def test_a_deleted_year_comes_back_with_the_days_whose_daily_objects_expired(pipeline: Pipeline) -> None:
    load(pipeline, FIRST)
    load(pipeline, SECOND)
    target, bucket = target_of(pipeline.config), pipeline.name("clean_bucket")
    before = pipeline.query(BY_YEAR)
    assert [row[0] for row in before] == [f"{FIRST}", f"{SECOND}"]

    target.s3.delete_object(Bucket=bucket, Key=clean_key("fx_rates", FIRST))
    assert pipeline.query(BY_DAY) == [[f"{SECOND}"]]
    target.s3.delete_object(Bucket=bucket, Key=year_key("fx_rates", 2004))
    assert pipeline.query(BY_YEAR) == []
    assert take_inventory(target, "fx_rates", FIRST, SECOND).lost == [FIRST, SECOND]

    found = versions_of(target, "fx_rates", 2004)
    assert found.removed is not None
    put_back(target, found, found.versions[0])
    assert pipeline.query(BY_YEAR) == before
    stock = take_inventory(target, "fx_rates", FIRST, SECOND)
    assert (stock.missing, stock.lost, stock.by_day) == ([], [], {SECOND})
