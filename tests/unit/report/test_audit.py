from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.history import DAYS, days_to_text, history_of
from marketlake.layout import clean_key, year_key
from marketlake.markers import Marker, write_marker
from report.audit import audit, is_daily
from report.handler import handler
from tests.unit.lake import RATES, Context, Lake, task_of

NEW_YEAR, LATER = date(2022, 12, 30), date(2023, 1, 2)


def load(lake: Lake, *days: date, history: bool = True) -> None:
    """Days that are there in every way, or without the history."""
    held = history_of(lake.clean, "fx_rates", None, date.max)
    for day in days:
        etag = lake.clean.put(clean_key("fx_rates", day), f"rows of {day}".encode(), "x/parquet")
        write_marker(lake.clean, Marker("fx_rates", day, 1, "sha", etag, 31, 0, "earlier"))
        if history:
            held |= {day: etag}
            of_year = {one: mark for one, mark in held.items() if one.year == day.year}
            about = {DAYS: days_to_text(day.year, of_year)}
            lake.clean.put(year_key("fx_rates", day.year), b"rows", "x/parquet", metadata=about)


def test_a_history_that_has_every_day_has_no_gap(lake: Lake) -> None:
    load(lake, NEW_YEAR, LATER)
    lake.client.delete_object(Bucket=lake.clean.name, Key=clean_key("fx_rates", NEW_YEAR))  # it expired
    assert audit(lake.clean, ["fx_rates"]) == []


def test_a_day_that_was_checked_and_is_in_no_year_is_a_gap(lake: Lake) -> None:
    load(lake, LATER)
    load(lake, NEW_YEAR, history=False)
    (gap,) = audit(lake.clean, ["fx_rates"])
    assert (gap.dataset, gap.days) == ("fx_rates", 1)
    assert gap.text == (
        "fx_rates: not in the history, though they were checked: 2022-12-30; "
        "restore (marketlake restore fx_rates 2022), else load them again: "
        "marketlake backfill --start 2022-12-30 --end 2022-12-30 --dataset fx_rates"
    )


def test_a_day_whose_rows_by_year_are_of_another_object_is_a_gap(lake: Lake) -> None:
    load(lake, LATER)
    lake.clean.put(clean_key("fx_rates", LATER), b"other rows", "x/parquet")
    (gap,) = audit(lake.clean, ["fx_rates"])
    assert "by year with other rows than by day: 2023-01-02; load them again" in gap.text
    assert gap.text.endswith("--dataset fx_rates --force")


def test_a_year_that_does_not_say_its_days_does_not_cost_the_report(lake: Lake) -> None:
    load(lake, LATER)
    lake.clean.put(year_key("fx_rates", 2023), b"rows", "x/parquet", metadata={DAYS: "nonsense"})
    (gap,) = audit(lake.clean, ["fx_rates"])
    assert (gap.days, "marketlake restore fx_rates 2023" in gap.text) == (0, True)


def report(given: object) -> dict[str, Any]:
    context: Any = Context()
    plan = {"datasets": ["fx_rates"], "days_planned": 0}
    event = {"task": task_of("Report"), "input": given, "execution_arn": "arn:aws:states:eu-west-2:1:execution:m:run-1"}
    return handler(
        {**event, "started": "2023-01-06T20:00:00.000Z", "plan": plan, "results": [], "failure": {}}, context
    )


def test_the_daily_run_mails_a_gap_and_says_what_to_run(lake: Lake) -> None:
    load(lake, LATER, history=False)
    found = report({})
    assert (found["failed"], found["notice"]) == (False, True)
    assert found["subject"] == "marketlake: fx_rates: the history lacks days"
    assert "WHAT IS WRONG IN THE HISTORY\n- fx_rates: not in the history" in found["message"]
    assert "WHAT TO RUN" not in found["message"], "the line itself says it"
    assert found["summary"]["history"]["days"] == 1
    assert report({"start": "2023-01-02"})["notice"] is False, "a backfill is not about the whole history"


@pytest.mark.parametrize(
    ("given", "daily"), [({}, True), ({"datasets": ["x"]}, True), ({"start": "x"}, False), (1, False)]
)
def test_a_daily_run_is_one_without_a_window(given: object, daily: bool) -> None:
    assert is_daily(given) is daily


DAY_SETS = st.sets(st.sampled_from(RATES.days(date(2022, 12, 26), date(2023, 1, 6))))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=DAY_SETS, marked=DAY_SETS)
def test_gaps_are_the_marked_days_that_the_history_lacks(lake: Lake, held: set[date], marked: set[date]) -> None:
    for key in lake.everything():
        lake.client.delete_object(Bucket=lake.clean.name, Key=key)
    load(lake, *sorted(held & marked))
    load(lake, *sorted(marked - held), history=False)
    assert sum(gap.days for gap in audit(lake.clean, ["fx_rates"])) == len(marked - held)
