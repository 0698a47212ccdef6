"""S3 requests of the states of a batch: what is paid for each day that is stored."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from tests.unit.lake import RATES, Context, Lake, batch_of, task_of
from tests.unit.stages import run_stages, use_fakes

DAYS = RATES.days(date(2023, 1, 3), date(2023, 12, 29))


def test_a_day_costs_four_requests_and_a_batch_some_twenty(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fakes(lake, monkeypatch, DAYS)
    made: dict[str, Counter[str]] = {}

    def call(state: str, function: Any, event: dict[str, Any]) -> dict[str, Any]:
        counted = made.setdefault(state, Counter())

        def count(model: Any, **_: object) -> None:
            counted[model.name] += 1

        events = lake.client.meta.events
        events.register("before-call.s3", count)
        try:
            answer: dict[str, Any] = function({**event, "task": task_of(state)}, Context())
        finally:
            events.unregister("before-call.s3", count)
        return answer

    run_stages(batch_of(RATES, ["2023-01-03/2023-12-29"]), call)
    days = len(DAYS)
    # What stands for Athena reads the days and the year; these requests are not the function's.
    made["AthenaCheck"]["GetObject"] -= days + 1
    assert (made["Fetch"]["PutObject"], made["Validate"]["GetObject"]) == (days + 1, days + 3)
    assert (made["Transform"]["PutObject"], made["Transform"]["GetObject"]) == (days + 3, 2)
    assert made["AthenaCheck"]["PutObject"] == days
    assert 4 * days < sum(counts.total() for counts in made.values()) <= 4.1 * days
