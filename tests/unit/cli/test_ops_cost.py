from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import facts
from infra.client.events import Run
from infra.client.executions import Execution
from infra.client.machine import shipped_machine
from infra.client.target import Target
from infra.cost.month import gb_seconds, history, month, quantities, query_bill, readings, scale, standing, verdict
from infra.cost.prices import HERE, TB, assumed, bill, price_list
from infra.cost.recorded import Used, as_recorded, count, function_of, recorded, transitions, used_by, with_calls
from infra.local.config import LocalConfig
from tests.infra.runbook import runbook_alarms
from tests.unit.cli.conftest import Command
from tests.unit.client.aws_history import START, two_batches
from tests.unit.client.fake_states import FakeStates

EXECUTION = Execution("run-1", "arn:run-1", "SUCCEEDED", START, START + timedelta(seconds=60))


def counted(*, emulated: bool = False) -> Used:
    return count(EXECUTION, two_batches().events, emulated=emulated)


def test_transitions_are_the_states_entered_with_retries_iterations_and_the_start() -> None:
    events = two_batches().events
    entered = sum("stateEnteredEventDetails" in event for event in events)

    assert transitions(events) == 1 + entered + 2 + 1


def test_what_an_execution_did_is_counted_in_its_history() -> None:
    used = counted()

    assert (used.days, used.batches, used.datasets, used.failed) == (6, 2, 2, True)
    assert used.counts["lambda_request"] == 5  # Plan, three tries of Fetch, Validate
    assert used.counts["fetches"] == 3
    assert used.counts["sqs_request"] == 1
    assert used.counts["sns_publish"] == used.counts["checks"] == 0


def test_every_state_that_calls_a_function_is_priced_as_one() -> None:
    for state in shipped_machine().everywhere():
        function = function_of(state.name)
        assert state.function == (facts.function_name("marketlake", function) if function else "")


def test_in_an_account_times_are_taken_as_they_are_and_on_the_emulator_stretched() -> None:
    run, seconds = Run(), dict.fromkeys(("Plan", "Fetch", "Validate"), 0.0)
    run.feed(two_batches().events)
    for attempt in run.attempts:
        if attempt.state in seconds and attempt.duration:
            seconds[attempt.state] += attempt.duration.total_seconds()

    there = gb_seconds(counted())
    assert there == pytest.approx(seconds["Plan"] / 4 + seconds["Fetch"] + seconds["Validate"] / 2)
    fetches = 3
    stretched = 1769 / 1024 * sum(seconds.values())
    assert gb_seconds(counted(emulated=True)) == pytest.approx(stretched + fetches * assumed("upstream_seconds"))


def test_a_failure_costs_a_message_and_its_metrics() -> None:
    used = quantities(counted())

    assert used["sqs_request"] == 1
    assert used["metric"] * 730 == pytest.approx(assumed("metrics") + assumed("metrics_on_failure"))


def test_a_check_reads_less_than_the_minimum_that_athena_bills() -> None:
    written = recorded()["backfill"].written
    days, years = (written[f"{kind}/ftse100_prices"][1] for kind in ("clean", "by_year"))

    assert 260 * days + 2 * years < assumed("athena_min_bytes")
    assert quantities(recorded()["daily"])["athena_tb"] == pytest.approx(3 * 10 * 2**20 / TB)


def test_a_bill_has_the_free_tier_apart() -> None:
    found = bill({"alarm": 20}, {"alarm": 7, "transition": 5000, "trace": 0})

    assert found.total == pytest.approx(2.70 + 0.125)
    assert found.free == pytest.approx(1.00 + 0.100)
    assert [line.service for line in found.lines] == ["CloudWatch", "Step Functions"]


def test_what_has_no_price_is_an_error() -> None:
    with pytest.raises(KeyError, match="no price for gold"):
        bill({"gold": 1})


def test_a_shorter_backfill_is_scaled_to_ten_years() -> None:
    daily = recorded()["daily"]
    found = month(daily, daily)["ten_year_backfill"]

    assert scale(daily) == pytest.approx(assumed("ten_year_days") / 18)
    assert found.total == pytest.approx(bill(quantities(daily)).total * scale(daily))


def test_too_much_names_what_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.cost.month.standing", lambda fixed=standing: {**fixed(), "alarm": 78})
    found = verdict(month(recorded()["daily"], recorded()["backfill"]))

    assert "TOO MUCH. The largest: Alarms ($7.80), Dashboard ($3.00)" in found


def test_the_most_expensive_month_is_below_the_limit() -> None:
    found = month(recorded()["daily"], recorded()["backfill"])

    assert found["month_with_backfill"].total < assumed("limit_usd") == 10


def test_ten_years_of_history_cost_less_than_a_cent_a_month_and_every_month_has_them() -> None:
    written = recorded()["backfill"].written
    ten = history(10)["s3_standard"] * 1e9

    years = 10 * sum(size for kind, (_, size) in written.items() if kind.startswith("by_year/"))
    markers = sum(objects * size for kind, (objects, size) in written.items() if kind.startswith("markers/"))
    assert ten == pytest.approx(years + markers)
    assert bill(history(10)).total < 0.01
    assert assumed("history_years") == 10
    quantity = {line.item: line.quantity for line in month(None, None)["standing"].lines}
    assert quantity["Storage, Standard"] == pytest.approx(standing()["s3_standard"] + ten / 1e9)


def test_an_execution_adds_old_versions_to_the_history_and_daily_objects_for_their_time() -> None:
    def stored(kind: str) -> float:
        return quantities(replace(counted(), written={f"{kind}/fx_rates": (1, 1e9)}))["s3_standard"]

    assert stored("by_year") == stored("markers") == pytest.approx(30 / 30.4)
    assert stored("clean") == pytest.approx((90 + 30) / 30.4)


def test_the_recorded_executions_are_a_daily_one_and_ten_years() -> None:
    daily, backfill = recorded()["daily"], recorded()["backfill"]

    # A new day and five looked at again, of three datasets.
    assert (daily.days, daily.batches) == (18, 6)
    # A batch that comes while another one of its dataset makes the pass for both is called again.
    assert 20 <= daily.counts["lambda_request"] <= 22
    assert backfill.days == assumed("ten_year_days")
    assert not daily.requests_of
    assert not backfill.requests_of


def test_alarms_are_those_of_the_runbook_which_the_test_of_the_stack_compares_with_what_is_made() -> None:
    alarms = runbook_alarms()

    assert len(alarms["alarm"]) == assumed("alarms") <= price_list().prices["alarm"].free_per_month
    assert len(alarms["further alarm"]) == assumed("further_alarms")


def test_the_month_is_under_five_dollars_two_without_the_dashboard_and_ten_by_any_reading() -> None:
    found = readings(recorded()["daily"], recorded()["backfill"])

    bills = month(recorded()["daily"], recorded()["backfill"])
    assert found["as it is"] == (bills["month"], bills["month_with_backfill"])
    assert found["as it is"][0].total < 5
    assert found["without the CloudWatch dashboard"][0].total < 2
    most = max(one.total for both in found.values() for one in both)
    assert most < 10
    assert most == list(found.values())[-1][1].total
    lines = {line.item: line.usd for line in list(found.values())[-1][1].lines}
    assert lines["Metrics of our own"] == pytest.approx(0.30 * 6)
    assert lines["Alarms"] == pytest.approx(0.10 * 27)


@pytest.mark.parametrize(
    ("name", "variable"),
    re.findall(
        r'"(\w+)": \{\s*"value": [\d.]+,\s*"why": "[^"]*\((\w+_days)\)', (HERE / "assumptions.json").read_text("utf-8")
    ),
)
def test_days_kept_are_terraforms_defaults(name: str, variable: str) -> None:
    text = "".join(path.read_text("utf-8") for path in (facts.ROOT / "infra" / "terraform").glob("variables*.tf"))
    found = re.search(rf'variable "{variable}" \{{.*?default\s*= (\d+)', text, re.DOTALL)

    assert found is not None
    assert assumed(name) == int(found[1])


def test_every_price_says_where_it_is_from() -> None:
    for price in price_list().prices.values():
        assert price.source.startswith("https://")
        assert price.verified
        assert price.usd > 0


def test_metrics_are_those_that_the_functions_write_and_the_filters_find() -> None:
    sources = "".join(path.read_text("utf-8") for path in facts.FUNCTIONS.glob("*/*.py"))
    written = set(re.findall(r'\bcount\("(\w+)"', sources))

    assert written == set(re.findall(r"\b[A-Z]\w+\b", reasons()["metrics"]))
    assert len(written) == assumed("metrics")
    filters = "".join(path.read_text("utf-8") for path in (facts.ROOT / "infra" / "terraform").glob("*.tf"))
    assert filters.count("metric_transformation {") == assumed("metrics_on_failure") + assumed("metrics_of_trail")


def reasons() -> dict[str, str]:
    document = json.loads((HERE / "assumptions.json").read_text("utf-8"))
    return {name: found["why"] for name, found in document.items()}


class Pages(list[dict[str, Any]]):
    """A paginator of these pages."""

    def paginate(self, **_: Any) -> Pages:
        return self


def call(action: str, resource: str, at: float = 0.0) -> dict[str, Any]:
    return {"at": at, "principal": "arn:aws:sts::0:assumed-role/x/x", "action": action, "resource": resource}


def emulated(target: Target, root: Path, calls: list[dict[str, Any]]) -> Target:
    """``target`` as if it were the emulator in ``root``, with these calls recorded."""
    target.local = LocalConfig(root)
    target.local.calls.parent.mkdir(parents=True)
    target.local.calls.write_text("".join(json.dumps(found) + "\n" for found in calls), "utf-8")
    return target


def test_requests_are_counted_by_price_and_objects_by_kind(target: Target) -> None:
    bucket = target.names["clean_bucket"]
    target.s3.put_object(Bucket=bucket, Key="clean/fx_rates/dt=2026-01-05/part-0.parquet", Body=b"x" * 100)
    target.s3.put_object(Bucket=bucket, Key="clean/fx_rates/dt=2026-01-06/part-0.parquet", Body=b"x" * 300)
    arn = f"arn:aws:s3:::{bucket}"
    used = with_calls(
        counted(),
        target,
        [
            ("s3:PutObject", f"{arn}/clean/fx_rates/dt=2026-01-05/part-0.parquet"),
            ("s3:PutObject", f"{arn}/manifests/run-1/0-validate.json"),
            ("s3:ListBucket", arn),
            ("s3:GetObject", f"{arn}/clean/fx_rates/dt=2026-01-05/part-0.parquet"),
            ("s3:DeleteObject", f"{arn}/manifests/run-1/0-validate.json"),
            ("glue:GetTable", "arn:aws:glue:eu-west-2:0:catalog"),
        ],
    )

    assert (used.counts["s3_put"], used.counts["s3_get"]) == (3, 1)
    assert used.written == {"clean/fx_rates": (1, 200), "manifests": (1, 0)}


def test_on_the_emulator_the_calls_of_the_executions_time_are_its_own(target: Target, tmp_path: Path) -> None:
    key = f"arn:aws:s3:::{target.names['clean_bucket']}/reports/run-1.json"
    at = START.timestamp()
    calls = [call("s3:PutObject", key, at + second) for second in (-1, 0, 30, 60, 61)]
    target.__dict__["states"] = FakeStates(two_batches().events, _described=1)
    used = used_by(emulated(target, tmp_path, calls), EXECUTION)

    assert used.counts["s3_put"] == 3
    assert used.requests_of == ""
    assert used.emulated


def test_in_an_account_requests_are_those_of_the_recorded_execution_for_each_day(target: Target) -> None:
    target.__dict__["states"] = FakeStates(two_batches().events, _described=1)
    daily, backfill = recorded()["daily"], recorded()["backfill"]

    used = used_by(target, EXECUTION)
    assert used.requests_of == daily.name
    assert used.counts["s3_get"] == pytest.approx(daily.counts["s3_get"] * 6 / daily.days)
    used = used_by(target, replace(EXECUTION, input='{"start": "2026-01-05"}'))
    assert used.requests_of == backfill.name
    assert used.counts["s3_put"] == pytest.approx(backfill.counts["s3_put"] * 6 / backfill.days)
    assert used.written["clean/fx_rates"][0] == pytest.approx(6 * backfill.written["clean/fx_rates"][0] / backfill.days)


def test_scaling_the_recorded_execution_to_itself_changes_nothing() -> None:
    daily = recorded()["daily"]

    assert quantities(as_recorded(daily, daily=True)) == quantities(daily)


def test_the_command_prints_the_bill_and_the_month(command: Command, target: Target) -> None:
    target.__dict__["states"] = FakeStates(two_batches().events)
    document = command("cost", "run-1", "--backfill", "run-1", "--json").document

    assert document["execution"] == "run-1"
    assert document["daily"]["counts"]["transition"] == transitions(two_batches().events)
    assert document["month_usd"] < document["limit_usd"]
    assert document["lines"][0]["usd"] >= document["lines"][1]["usd"]
    target.__dict__["states"] = FakeStates(two_batches().events)
    printed = command("cost", "run-1")
    assert printed.status == 0
    assert "State transitions" in printed.out
    assert "no requests are recorded for run-1" in printed.out
    assert "against $10" in printed.out


def test_the_json_document_is_what_recorded_json_is_made_of(command: Command, target: Target) -> None:
    target.__dict__["states"] = FakeStates(two_batches().events)
    document = command("cost", "run-1", "--backfill", "run-1", "--json").document

    assert set(document["daily"]) == set(json.loads((HERE / "recorded.json").read_text("utf-8"))["daily"])


def test_executions_at_the_same_time_are_named(command: Command, target: Target, tmp_path: Path) -> None:
    key = f"arn:aws:s3:::{target.names['clean_bucket']}/reports/run-1.json"
    emulated(target, tmp_path, [call("s3:PutObject", key, START.timestamp())])
    states = FakeStates(two_batches().events, end={"stopDate": START + timedelta(seconds=60)})
    other = {"name": "run-2", "executionArn": "arn:run-2", "status": "RUNNING", "startDate": START}
    states.__dict__["list_executions_pages"] = lambda **_: [{"executions": [other]}]
    target.__dict__["states"] = states
    printed = command("cost", "run-1")

    assert "at the same time as run-1 ran run-2" in printed.out


def test_a_running_execution_is_refused(command: Command, target: Target) -> None:
    target.__dict__["states"] = FakeStates(statuses=["RUNNING"])
    printed = command("cost", "run-1")

    assert printed.status == 2
    assert "still RUNNING" in printed.err


def test_ten_years_by_year_cost_a_fiftieth_of_ten_years_by_day() -> None:
    written = recorded()["backfill"].written
    by_year = query_bill(10, written["by_year/ftse100_prices"][1], "year").total

    assert by_year < query_bill(2530, written["clean/ftse100_prices"][1], "day").total / 50
