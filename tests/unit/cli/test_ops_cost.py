from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from infra import facts
from infra.client.events import Run
from infra.client.target import Target
from infra.cost.bill import bill, together
from infra.cost.estimate import estimate, query_bill, scale, years_query_bill
from infra.cost.measure import METRICS, METRICS_A_DATASET, Sizes, function_of, measure
from infra.cost.requests import planned, requests_of
from infra.cost.standing import alarms, standing
from infra.cost.tables import TB, assumed, prices
from infra.cost.transitions import batch_steps, transitions, way
from infra.cost.views import verdict
from tests.unit.cli.aws_history import START, two_batches
from tests.unit.cli.conftest import Command
from tests.unit.cli.fake_states import FakeStates
from tests.unit.cli.test_ops_cost_page import recorded

OWN_OF_ATHENA = {"s3_put": 3 * 2 + 3 * 2, "s3_get": 3 * (3 + 8) + 3}
"""Requests of a daily execution that Athena makes or that read its results: three queries of one day and its year."""


def fed(events: list[dict[str, Any]]) -> Run:
    run = Run()
    run.feed(events)
    return run


def test_requests_are_those_that_the_embedded_aws_recorded_for_a_daily_execution() -> None:
    used = recorded("daily")[0].quantities

    # 40 PutObject, 14 ListBucket and 63 GetObject by the functions, as its access log has them.
    assert used["s3_put"] - OWN_OF_ATHENA["s3_put"] == 40 + 14
    assert used["s3_get"] - OWN_OF_ATHENA["s3_get"] == 63


def test_transitions_without_events_inside_the_map_follow_the_definition() -> None:
    # Start, Plan, ProcessBatches, Report, Outcome, Succeeded; batches of seven and of five states; six iterations.
    assert recorded("daily")[0].quantities["transition"] == 6 + 3 * 7 + 3 * 5 + 6


def test_transitions_on_aws_are_the_states_entered_with_retries_iterations_and_the_start() -> None:
    events = two_batches().events
    entered = sum("stateEnteredEventDetails" in event for event in events)

    assert transitions(fed(events), events) == 1 + entered + 2 + 1


@pytest.mark.parametrize(
    ("start", "end", "between"),
    [
        ("Fetch", "Validate", ()),
        ("Fetch", "SendToDlq", ()),
        ("Validate", "Transform", ("AnyRejected", "AnyAccepted")),
        ("Validate", "SendRejectedDay", ("AnyRejected", "SendRejectedDays")),
        ("SendRejectedDay", "Transform", ("AnyAccepted",)),
        ("SendRejectedDay", None, ("AnyAccepted", "BatchDone")),
        ("Validate", None, ("AnyRejected", "AnyAccepted", "BatchDone")),
        ("AthenaCheck", None, ("BatchDone",)),
        ("SendToDlq", None, ("BatchDone",)),
        ("Fetch", None, ()),
    ],
)
def test_the_way_between_tasks(start: str, end: str | None, between: tuple[str, ...]) -> None:
    assert way(start, end) == between


def test_every_state_that_calls_a_function_is_priced_as_one() -> None:
    document = facts.DEFINITION.read_text("utf-8")
    called = set(re.findall(r'"FunctionName": "\$\{(\w+)_function_arn\}"', document))
    states = [*batch_steps(), "Plan", "Report"]

    assert {name for state in states if (name := function_of(state))} == called


def test_on_aws_times_are_taken_as_they_are_and_on_the_embedded_one_stretched() -> None:
    events = two_batches().events
    there, here = (
        measure("e", events, START, START, Sizes(), embedded=embedded).quantities["lambda_gb_second"]
        for embedded in (False, True)
    )
    seconds = {a.state: 0.0 for a in fed(events).attempts}
    for attempt in fed(events).attempts:
        seconds[attempt.state] += attempt.duration.total_seconds() if attempt.duration else 0

    assert there == pytest.approx(seconds["Plan"] / 4 + seconds["Fetch"] + seconds["Validate"] / 2)
    fetches = 3
    stretched = 1769 / 1024 * (seconds["Plan"] + seconds["Fetch"] + seconds["Validate"])
    assert here == pytest.approx(stretched + fetches * assumed("upstream_seconds"))


def test_a_failure_costs_a_message_and_its_metrics() -> None:
    used = measure("e", two_batches().events, START, START, Sizes(), embedded=False).quantities

    assert used["sqs_request"] == 1
    assert used["metric"] * 730 == pytest.approx(2 * len(METRICS_A_DATASET) + len(METRICS) + 2)


def test_athena_bills_ten_megabytes_for_a_smaller_query() -> None:
    assert recorded("daily")[0].quantities["athena_tb"] == pytest.approx(3 * 10 * 2**20 / TB)


def test_a_bill_has_the_free_tier_apart() -> None:
    found = bill({"alarm": 27, "transition": 5000}, prices())

    assert found.total == pytest.approx(2.70 + 0.125)
    assert found.free == pytest.approx(1.00 + 0.100)
    assert list(found.by_service()) == ["CloudWatch", "Step Functions"]


def test_what_has_no_price_is_an_error() -> None:
    with pytest.raises(KeyError, match="no price for gold"):
        bill({"gold": 1}, prices())


def test_a_shorter_backfill_is_scaled_to_ten_years() -> None:
    daily = recorded("daily")[0]
    found = estimate(daily, daily)

    assert scale(daily) == pytest.approx(assumed("ten_year_days") / 18)
    assert found.ten_years.total == pytest.approx(bill(daily.quantities, prices()).total * scale(daily))


def test_too_much_is_said_with_what_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.cost.estimate.standing", lambda: together(standing(), {"alarm": 50}))
    found = estimate(*(recorded(kind)[0] for kind in ("daily", "backfill")))

    assert not found.within_limit
    assert "TOO MUCH. The largest: Alarms ($7.80), Dashboard ($3.00)" in verdict(found)


def test_alarms_are_those_of_terraform() -> None:
    text = (facts.ROOT / "infra" / "terraform" / "alarms.tf").read_text("utf-8")

    assert text.count('resource "aws_cloudwatch_metric_alarm"') == 9  # another one: add it to standing.py
    assert f"{alarms()}\n# here" in text or f": {alarms()}" in text


@pytest.mark.parametrize(
    ("name", "variable"),
    re.findall(
        r'"(\w+)": \{\s*"value": [\d.]+,\s*"why": "[^"]*\((\w+_days)\)"',
        (facts.ROOT / "infra" / "cost" / "assumptions.json").read_text("utf-8"),
    ),
)
def test_days_kept_are_terraforms_defaults(name: str, variable: str) -> None:
    text = "".join(path.read_text("utf-8") for path in (facts.ROOT / "infra" / "terraform").glob("variables*.tf"))
    found = re.search(rf'variable "{variable}" \{{.*?default\s*= (\d+)', text, re.DOTALL)

    assert found is not None
    assert assumed(name) == int(found[1])


def test_every_price_says_where_it_is_from() -> None:
    for price in prices().by_name.values():
        assert price.source.startswith("https://")
        assert price.verified
        assert price.usd > 0


def test_metrics_are_those_that_the_functions_write() -> None:
    sources = "".join(path.read_text("utf-8") for path in facts.FUNCTIONS.glob("*/*.py"))
    written = set(re.findall(r'\bcount\("(\w+)"', sources))

    assert written == {*METRICS_A_DATASET, *METRICS, "TaskFailures"}


def embedded_history(kind: str) -> list[dict[str, Any]]:
    path = facts.ROOT / "tests" / "unit" / "cli" / "histories" / f"cost_{kind}.json"
    events = json.loads(path.read_text("utf-8"))["events"]
    return [{**event, "timestamp": datetime.fromisoformat(event["timestamp"])} for event in events]


def test_the_command_prints_the_bill_and_the_month(command: Command, target: Target) -> None:
    end = {"output": '{"text": "done", "datasets": {}}'}
    target.__dict__["states"] = FakeStates(embedded_history("daily"), end=end)
    document = command("cost", "run-1", "--backfill", "run-1", "--json").document

    assert document["execution"] == "run-1"
    assert document["daily"]["quantities"]["transition"] == 48
    assert document["month_usd"] < document["limit_usd"]
    assert document["largest"][0]["usd"] >= document["largest"][1]["usd"]
    target.__dict__["states"] = FakeStates(embedded_history("daily"), end=end)
    told = command("cost", "run-1")
    assert told.status == 0
    assert "State transitions" in told.out
    assert "against $10" in told.out


def test_a_running_execution_is_refused(command: Command, target: Target) -> None:
    target.__dict__["states"] = FakeStates(statuses=["RUNNING"])
    told = command("cost", "run-1")

    assert told.status == 2
    assert "still RUNNING" in told.err


@pytest.mark.parametrize(
    ("days", "years"),
    [
        (["2022-12-30"], 1),
        (["2021-12-30/2022-01-04"], 2),
        (["2021-03-01", "2021-05-03/2021-05-07", "2023-01-03/2024-01-05"], 3),
    ],
)
def test_each_year_that_a_batch_writes_days_of_costs_two_lists_a_put_and_a_get(days: list[str], years: int) -> None:
    document = {
        "batches": [
            {"dataset": "fx_rates", "days": days, "count": 5},
            {"dataset": "fx_rates", "days": ["2022-01-04"], "count": 5},
        ]
    }
    batches = planned(document)
    attempt = next(attempt for attempt in fed(embedded_history("daily")).attempts if attempt.state == "Transform")
    several, one = (requests_of(attempt, batches[index]) for index in (0, 1))

    assert (several.puts - one.puts, several.gets - one.gets) == (3 * (years - 1), years - 1)
    assert several.written["year"] == years


def test_ten_years_by_year_cost_a_fiftieth_of_ten_years_by_day() -> None:
    sizes = recorded("backfill")[1]
    by_year = years_query_bill(10, sizes.of("year", "ftse100_prices")).total

    assert by_year < query_bill(2530, sizes.of("clean", "ftse100_prices"), glacier=False).total / 50
