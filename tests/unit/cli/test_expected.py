"""What a plan is expected to use, against the executions that were recorded."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec import structs

from infra.cost.expected import expected
from infra.cost.recorded import recorded
from marketlake.messages import Batch, DatasetPlan, Input, Part, Previewed, Summary


def planned(*batches: Batch, done: int = 0) -> Previewed:
    names = sorted({batch.dataset for batch in batches})
    days = sum(batch.count for batch in batches)
    parts = [DatasetPlan(name, days, done, 1) for name in names]
    return Previewed(list(batches), Summary(names, days, done, days, len(batches)), datasets=parts)


def batch(count: int, dataset: str = "fx_rates", year: int = 2022, *, force: bool = False, **more: Any) -> Batch:
    again = Input([dataset], date(year, 1, 3), date(year, 12, 30), force=force)
    return Batch(dataset, [f"{year}-01-03/{year}-12-30"], count, again, **more)


def test_seconds_and_calls_are_those_of_the_recorded_backfill() -> None:
    """33 batches of 7,611 days, two at a time; it had four calls more, for attempts that failed."""
    model = recorded()["backfill"]
    most = [batch(231, year=2000 + number % 26) for number in range(32)]
    found = expected(planned(*most, batch(7611 - 32 * 231)), daily=False, emulated=True)
    assert (found.days, found.batches) == (model.days, model.batches)
    for function, seconds in model.busy.items():
        assert found.busy[function] == pytest.approx(seconds, rel=0.02, abs=0.5)
    assert found.seconds == pytest.approx(model.seconds, rel=0.05)
    assert found.counts["lambda_request"] == model.counts["lambda_request"] - 3
    assert found.counts["s3_put"] == pytest.approx(model.counts["s3_put"], rel=0.01)
    assert found.counts["s3_get"] == pytest.approx(model.counts["s3_get"], rel=0.01)


def test_the_parts_of_a_long_list_take_their_pace_and_their_rows() -> None:
    short = planned(batch(20))
    (part,) = short.datasets
    long = structs.replace(
        short,
        batches=[structs.replace(short.batches[0], parts=21)],
        parts=[Part(part.dataset, "2022-01-04/2022-01-31", number, 21) for number in range(1, 22)],
        datasets=[structs.replace(part, source_requests=10_000)],
    )
    one, many = (expected(found, daily=False, emulated=False) for found in (short, long))
    assert many.counts["lambda_request"] - one.counts["lambda_request"] == 21
    assert many.counts["transition"] - one.counts["transition"] == 42
    # 10,000 charts at four a second, whatever is computed besides.
    assert many.seconds - one.seconds >= 2_500
    assert many.busy["fetch"] - one.busy["fetch"] >= 2_500
    # Two states and files of two months a part; 21 states and three files of each, for the one batch.
    assert many.counts["s3_put"] - one.counts["s3_put"] == 21 * 4
    assert many.counts["s3_get"] - one.counts["s3_get"] == 21 * 5
    clean = f"clean/{part.dataset}"
    assert many.written[clean] == (one.written[clean][0], 100 * one.written[clean][1])


def test_a_batch_in_which_nothing_is_new_ends_after_validate() -> None:
    new = expected(planned(batch(5)), daily=True, emulated=True).counts
    same = expected(planned(batch(5, recheck=True, force=True)), daily=True, emulated=True).counts
    assert (new["lambda_request"], same["lambda_request"]) == (6, 4)
    assert (new["transition"], same["transition"]) == (15, 13)
    assert (new["checked"], same["checked"]) == (5, 0)
    assert same["s3_put"] < new["s3_put"]


def test_days_that_are_loaded_again_are_counted_as_such_and_the_others_as_new() -> None:
    def requests(done: int) -> tuple[float, float]:
        counts = expected(planned(batch(100, force=True), done=done), daily=False, emulated=True).counts
        return counts["s3_put"], counts["s3_get"]

    (new_puts, new_gets), (puts, gets) = requests(0), requests(40)
    assert (puts - new_puts, gets - new_gets) == (-40, 40)


def test_in_an_account_each_pass_waits_for_the_source_and_not_each_batch() -> None:
    apart = planned(batch(100, year=2021), batch(100, year=2022))
    shared = planned(*(batch(100, year=year, window="2021-01-04/2022-12-30") for year in (2021, 2022)))
    at_home = expected(apart, daily=False, emulated=True).seconds
    waits = expected(apart, daily=False, emulated=False).seconds, expected(shared, daily=False, emulated=False).seconds
    assert waits[0] - waits[1] == pytest.approx(60 / 2)
    assert waits[1] > at_home + 30
