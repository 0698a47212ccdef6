"""How steps are tried and reported, without a stack: the steps are fakes here, the errors are botocore's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from infra.acceptance.configuration import _expiry
from infra.acceptance.runs import last_month
from infra.acceptance.stage import Broken, NotTried, Stage, Step, wait_for
from infra.acceptance.trial import STEPS, attempt, chosen, findings, same_version
from infra.client.errors import OpsError, QueryFailed, Refusal
from infra.client.target import Target


def account() -> Target:
    return Target(boto3.Session(region_name="eu-west-2"), "123456789012", "eu-west-2", "marketlake")


def stage() -> Stage:
    return Stage(account(), date(2026, 11, 27), Path())


def raising(error: Exception) -> Callable[[Stage], str]:
    def look(_: Stage) -> str:
        raise error

    return look


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeAlarms")


@pytest.mark.parametrize(
    ("error", "status", "advice"),
    [
        (Broken("it is off", "put it on"), "failed", "put it on"),
        (NotTried("it is not here", "go there"), "not tried", "go there"),
        (refused("AccessDenied"), "not tried", "use a profile that may do this"),
        (refused("AccessDeniedException"), "not tried", "use a profile that may do this"),
        (refused("ThrottlingException"), "failed", "marketlake doctor"),
        (QueryFailed("the query failed: no such table"), "failed", "marketlake doctor"),
        (NoCredentialsError(), "failed", "aws sso login"),
    ],
)
def test_what_a_step_meets_is_a_finding_with_what_to_do(error: Exception, status: str, advice: str) -> None:
    found = attempt(Step("alarms", "the alarms", raising(error)), stage())
    assert (found.step, found.status) == ("alarms", status)
    assert advice in found.advice
    assert found.seen


def test_ctrl_c_ends_the_acceptance() -> None:
    def look(_: Stage) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(Step("daily-run", "the daily run", look), stage())


def test_what_costs_or_mails_is_tried_in_an_account_only_if_it_is_agreed_to() -> None:
    tried: list[str] = []

    def look(name: str) -> Callable[[Stage], str]:
        return lambda _: tried.append(name) or "seen"  # type: ignore[func-returns-value]

    steps = [Step("free", "f", look("free")), Step("mailing", "d", look("mailing"), asks="mails somebody")]
    found = list(findings(steps, stage(), lambda _: False))
    assert tried == ["free"]
    assert [(one.step, one.status) for one in found] == [("free", "passed"), ("mailing", "not tried")]
    assert "mails somebody" in found[1].seen
    assert "--yes" in found[1].advice
    list(findings(steps, stage(), lambda step: step.name == "mailing"))
    assert tried == ["free", "free", "mailing"]


def test_each_step_that_starts_or_mails_something_asks() -> None:
    asking = {step.name for step in STEPS if step.asks}
    assert {"daily-run", "month-backfill", "failed-batch", "stopped-execution", "alarms", "saved-queries"} <= asking
    assert not asking & {"no-changes", "lifecycle", "schedules", "refused-calls"}


def test_steps_are_chosen_by_name_in_their_order() -> None:
    assert [step.name for step in chosen(["cost", "alarms"])] == ["alarms", "cost"]
    assert chosen([]) == list(STEPS)
    with pytest.raises(Refusal, match=r"no step 'alarm'.*alarms"):
        chosen(["alarm"])


@mock_aws
def test_an_account_without_the_stack_is_one_line() -> None:
    with pytest.raises(OpsError, match="there is no stack marketlake in AWS account") as error:
        same_version(account())
    assert "make deploy" in error.value.advice


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_last_month_is_whole_and_over(day: date) -> None:
    first, last = last_month(day)
    assert (first.day, first.month, first.year) == (1, last.month, last.year)
    assert (day.replace(day=1) - last).days == 1


RULES: list[dict[str, Any]] = [
    {"Filter": {"Prefix": "raw/"}, "Expiration": {"Days": 30}},
    {"Filter": {"And": {"Prefix": "clean/", "ObjectSizeGreaterThan": 0}}, "Transitions": []},
    {"Prefix": "clean/", "Expiration": {"Days": 180}},
    {"Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
]


@pytest.mark.parametrize(("prefix", "days"), [("raw/", 30), ("clean/", 180), ("by_year/", None)])
def test_when_objects_are_removed(prefix: str, days: int | None) -> None:
    assert _expiry(RULES, prefix) == days
    everything = [*RULES, {"Filter": {}, "Expiration": {"Days": 7}}]
    assert _expiry(everything, prefix) == 7  # a rule without a prefix is about every object


def test_waiting_ends_when_something_came_or_the_time_is_over() -> None:
    answers = iter(["", "", "came"])
    assert wait_for(lambda: next(answers), 60, 0) == "came"
    assert wait_for(lambda: "", 0, 0) == ""
