from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.mail import MAX_LOSSES, PLAIN_WORDS, console_link, failure_cause, message, subject
from report.summary import Loss
from tests.error_names import TERMINAL, TRANSIENT

ARN = "arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:run-1"
AGAIN = {"datasets": ["fx_rates"], "start": "2023-01-02", "end": "2023-01-06"}
THROTTLED = Loss("fx_rates", ["2023-01-02/2023-01-06"], 5, "Fetch", "UpstreamThrottled", "429 from Yahoo", AGAIN)
REJECTED = Loss("ftse100_prices", ["2023-01-03"], 1, "Validate", "DataQualityError", "2 of 12 rows", AGAIN)
OF_PLAN = Loss("", [], 0, "Plan", "States.Timeout", "no cause was given", {})

TEXT = st.text(max_size=120)
LOSSES = st.lists(
    st.builds(
        Loss,
        TEXT,
        st.lists(TEXT, max_size=5),
        st.integers(0, 10**6),
        TEXT,
        st.one_of(st.sampled_from(sorted(PLAIN_WORDS)), TEXT),
        st.text(max_size=400),
        st.one_of(st.just({}), st.just(AGAIN)),
    ),
    min_size=1,
    max_size=15,
)


def test_the_subject_says_what_failed_when_and_why() -> None:
    assert subject([THROTTLED]) == "marketlake FAILED: fx_rates 2023-01-02 to 2023-01-06: UpstreamThrottled"
    assert subject([THROTTLED, REJECTED]).endswith(": UpstreamThrottled (+1 more)")
    assert subject([OF_PLAN]) == "marketlake FAILED: Plan: States.Timeout"


@given(LOSSES)
def test_any_subject_is_one_that_sns_takes(losses: list[Loss]) -> None:
    found = subject(losses)
    assert 0 < len(found) <= 100
    assert found.isascii()
    assert found.isprintable()
    assert found.startswith("marketlake FAILED")
    assert (len(losses) == 1) == (f"(+{len(losses) - 1} more)" not in found)


def test_a_long_subject_is_cut_and_still_counts_the_rest() -> None:
    long = Loss("d" * 200, ["2023-01-02"], 1, "Fetch", "E", "c", AGAIN)
    assert subject([long] * 12) == f"marketlake FAILED: {'d' * 70} (+11 more)"
    assert len(subject([long] * 12)) == len(subject([long])) == 100


@given(LOSSES)
def test_any_mail_and_any_cause_can_be_sent(losses: list[Loss]) -> None:
    mail = message(losses, "5 days written", ARN)
    assert len(mail) < 50_000, "SNS takes 256 KB"
    for heading in ("WHAT FAILED", "WHAT WAS LOADED ALL THE SAME: 5 days written.", "WHAT TO RUN NOW", "THE EXECUTION"):
        assert heading in mail
    document = json.loads(failure_cause(losses, "5 days written"))
    assert document["done"] == "5 days written"
    assert len(document["losses"]) + document["more"] == len(losses)
    assert [told["error"] for told in document["losses"]] == [loss.error for loss in losses[:MAX_LOSSES]]


def test_a_cause_keeps_to_what_step_functions_takes() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html: 32,768 characters.
    worst = Loss(
        "ftse100_prices", ["2023-01-03/2023-01-04"] * 200, 200, "Validate", "DataQualityError", "🪙" * 400, AGAIN
    )
    assert len(failure_cause([worst] * 500, "done")) <= 32_768


def test_the_mail_reads_from_what_failed_to_what_to_run() -> None:
    mail = message([THROTTLED, REJECTED], "3 days written with 90 rows, 0 days unchanged", ARN)
    assert mail.splitlines() == [
        "WHAT FAILED",
        "- fx_rates 2023-01-02 to 2023-01-06 (5 days), in Fetch: UpstreamThrottled: "
        "the source turned us away because it got too many requests.",
        "  429 from Yahoo",
        "- ftse100_prices 2023-01-03 (1 day), in Validate: DataQualityError: the data broke the rules of its contract.",
        "  2 of 12 rows",
        "",
        "WHAT WAS LOADED ALL THE SAME: 3 days written with 90 rows, 0 days unchanged.",
        "",
        "WHAT HAPPENS NEXT BY ITSELF: days of the last week are tried again every day; what the data or the deployment "
        "is to blame for fails again.",
        "",
        "WHAT TO RUN NOW",
        "marketlake backfill --start 2023-01-02 --end 2023-01-06 --dataset fx_rates",
        "marketlake backfill --start 2023-01-02 --end 2023-01-06 --dataset ftse100_prices",
        "",
        "THE EXECUTION: https://eu-west-2.console.aws.amazon.com/states/home?region=eu-west-2"
        f"#/v2/executions/details/{ARN}",
    ]


@pytest.mark.parametrize("name", [*TRANSIENT, *TERMINAL])
def test_what_happens_next_depends_on_whether_it_heals(name: str) -> None:
    loss = Loss("fx_rates", ["2023-01-02"], 1, "Fetch", name, "c", AGAIN)
    heals = "load what is missing there" in message([loss], "", ARN)
    # Another execution has the days in hand when raw objects changed under this one.
    assert heals == (name in [*TRANSIENT, "RawChanged"])
    mixed = message([THROTTLED, loss], "", ARN)
    assert ("load what is missing there" in mixed) == heals


def test_the_command_asks_for_the_same_again_and_once() -> None:
    forced = Loss("fx_rates", [], 1, "Fetch", "E", "c", {**AGAIN, "symbols": ["USD", "GBP"], "force": True})
    mail = message([forced, forced, OF_PLAN], "", ARN)
    commands = [line for line in mail.splitlines() if line.startswith("marketlake ")]
    assert commands == [
        "marketlake backfill --start 2023-01-02 --end 2023-01-06 --dataset fx_rates --symbol USD --symbol GBP --force",
        "marketlake run",
    ]
    assert shlex.split(commands[0])[:2] == ["marketlake", "backfill"]


def test_many_losses_are_shortened_and_counted() -> None:
    mail = message([THROTTLED] * 37, "", ARN)
    assert mail.count("429 from Yahoo") == MAX_LOSSES
    assert "... and 27 more; see the run report" in mail


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        (ARN, "https://eu-west-2.console.aws.amazon.com/states/home?region=eu-west-2#"),
        (
            ARN.replace(":aws:", ":aws-cn:").replace("eu-west-2", "cn-north-1"),
            "https://cn-north-1.console.amazonaws.cn/",
        ),
        (
            ARN.replace(":aws:", ":aws-us-gov:").replace("eu-west-2", "us-gov-west-1"),
            "https://us-gov-west-1.console.amazonaws-us-gov.com/",
        ),
    ],
)
def test_the_link_leads_to_the_executions_own_partition_and_region(arn: str, host: str) -> None:
    link = console_link(arn)
    assert link.startswith(host)
    assert link.endswith(f"/details/{arn}")


def test_a_strange_execution_name_is_quoted_in_the_link() -> None:
    assert console_link(f"{ARN} \nx").endswith("run-1%20%0Ax")


def test_causes_are_json_whatever_is_in_them() -> None:
    odd: Any = Loss("d", ['"', "\\"], 1, "s", "e\n", '{"a": "\ud800"}', {})
    assert json.loads(failure_cause([odd], "x"))["losses"][0]["cause"] == '{"a": "\ud800"}'
