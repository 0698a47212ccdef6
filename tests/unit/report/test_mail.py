from __future__ import annotations

import json
import shlex
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.console import console_link
from marketlake.failures import PLAIN_WORDS, Failure, retry_command
from marketlake.messages import Input
from marketlake.restatements import Restatement
from report.mail import MAX_LISTED, failure_document, message, restatement_document, subject
from tests.error_names import TERMINAL, TRANSIENT

ARN = "arn:aws:states:eu-west-2:123456789012:execution:marketlake-pipeline:run-1"
COMMAND = "marketlake --region eu-west-2 retry run-1"
AGAIN = Input(["fx_rates"], date(2023, 1, 2), date(2023, 1, 6))
THROTTLED = Failure("fx_rates", ["2023-01-02/2023-01-06"], 5, "Fetch", "UpstreamThrottled", "429 from Yahoo", AGAIN)
REJECTED = Failure("ftse100_prices", ["2023-01-03"], 1, "Validate", "DataQualityError", "2 of 12 rows", AGAIN)
OF_PLAN = Failure("", [], 0, "Plan", "States.Timeout", "no cause was given")
SPLIT = Restatement("ftse100_prices", "VOD.L", "split", 5.0, "2020-01-02", "2026-10-28", True)
DIVIDEND = Restatement("ftse100_prices", "BT-A.L", "dividend", 0.9875, "2020-01-02", "2026-10-27", False)

TEXT = st.text(max_size=120)
FAILURES = st.lists(
    st.builds(
        Failure,
        TEXT,
        st.lists(TEXT, max_size=5),
        st.integers(0, 10**6),
        TEXT,
        st.one_of(st.sampled_from(sorted(PLAIN_WORDS)), TEXT),
        st.text(max_size=400),
        st.one_of(st.none(), st.just(AGAIN)),
    ),
    min_size=1,
    max_size=15,
)
RESTATED = st.lists(
    st.builds(
        Restatement,
        st.just("ftse100_prices"),
        st.text(max_size=120),
        st.sampled_from(["split", "dividend"]),
        st.floats(0.001, 1000),
        st.just("2000-01-04"),
        st.just("2026-10-28"),
        st.just(True),
    ),
    min_size=1,
    max_size=250,
)


def mail(*failures: Failure, restated: Any = (), done: str = "5 days written") -> str:
    return message(failures, restated, done, COMMAND, ARN)


def test_the_subject_says_what_failed_when_and_why() -> None:
    assert subject([THROTTLED], []) == "marketlake FAILED: fx_rates 2023-01-02 to 2023-01-06: UpstreamThrottled"
    assert subject([THROTTLED, REJECTED], []).endswith(": UpstreamThrottled (+1 more)")
    assert subject([OF_PLAN], []) == "marketlake FAILED: Plan: States.Timeout"
    assert subject([OF_PLAN], [SPLIT]) == subject([OF_PLAN], [])


@given(FAILURES)
def test_any_subject_is_one_that_sns_takes(failures: list[Failure]) -> None:
    found = subject(failures, [])
    assert 0 < len(found) <= 100
    assert found.isascii()
    assert found.isprintable()
    assert found.startswith("marketlake FAILED")
    assert (len(failures) == 1) == (f"(+{len(failures) - 1} more)" not in found)


def test_a_long_subject_is_cut_and_still_counts_the_rest() -> None:
    long = Failure("d" * 200, ["2023-01-02"], 1, "Fetch", "E", "c", AGAIN)
    assert subject([long] * 12, []) == f"marketlake FAILED: {'d' * 70} (+11 more)"
    assert len(subject([long] * 12, [])) == len(subject([long], [])) == 100


@given(FAILURES)
def test_any_mail_and_any_cause_can_be_sent(failures: list[Failure]) -> None:
    text = mail(*failures)
    assert len(text) < 50_000, "SNS takes 256 KB"
    for heading in ("WHAT FAILED", "WHAT WAS LOADED: 5 days written.", "WHAT TO RUN", "THE EXECUTION"):
        assert heading in text
    assert COMMAND in text.splitlines()
    document = failure_document(failures)
    assert len(document["failures"]) + document["more"] == len(failures)
    assert [listed["error"] for listed in document["failures"]] == [one.error for one in failures[:MAX_LISTED]]


def test_a_cause_keeps_to_what_step_functions_takes() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html: 32,768 characters.
    days = ["2023-01-03/2023-01-04"] * 200
    worst = Failure("ftse100_prices", days, 200, "Validate", "DataQualityError", "🪙" * 400, AGAIN)
    assert len(json.dumps(failure_document([worst] * 500), ensure_ascii=False)) <= 32_768


def test_the_mail_reads_from_what_failed_to_what_to_run() -> None:
    text = mail(THROTTLED, REJECTED, done="3 days written with 90 rows, 0 days unchanged")
    assert text.splitlines() == [
        "WHAT FAILED",
        "- fx_rates 2023-01-02 to 2023-01-06 (5 days), in Fetch: UpstreamThrottled: "
        "the source refused the calls because there were too many.",
        "  429 from Yahoo",
        "- ftse100_prices 2023-01-03 (1 day), in Validate: DataQualityError: the data broke the rules of its contract.",
        "  2 of 12 rows",
        "",
        "WHAT WAS LOADED: 3 days written with 90 rows, 0 days unchanged.",
        "",
        "WHAT HAPPENS WITHOUT YOU: the daily runs try the days of the last week again, but what the data or the "
        "deployment causes fails again.",
        "",
        "WHAT TO RUN",
        COMMAND,
        "",
        "THE EXECUTION: https://eu-west-2.console.aws.amazon.com/states/home?region=eu-west-2"
        f"#/v2/executions/details/{ARN}",
    ]


@pytest.mark.parametrize("name", [*TRANSIENT, *TERMINAL])
def test_what_happens_without_you_depends_on_whether_it_heals(name: str) -> None:
    failure = Failure("fx_rates", ["2023-01-02"], 1, "Fetch", name, "c", AGAIN)
    heals = "load what is missing from the last week" in mail(failure)
    assert heals == (name in (*TRANSIENT, "PartFailed"))
    mixed = mail(THROTTLED, failure)
    assert ("load what is missing from the last week" in mixed) == heals


def test_one_command_answers_any_number_of_failures() -> None:
    text = mail(THROTTLED, REJECTED, OF_PLAN, restated=[SPLIT])
    assert [line for line in text.splitlines() if line.startswith("marketlake ")] == [COMMAND]
    assert shlex.split(retry_command("run 1; rm", "marketlake --region r")) == [
        "marketlake",
        "--region",
        "r",
        "retry",
        "run 1; rm",
    ]


def test_many_failures_are_described_in_part_and_counted() -> None:
    text = mail(*[THROTTLED] * 37)
    assert text.count("429 from Yahoo") == MAX_LISTED
    assert "... and 27 more; see the run report" in text


def test_the_mail_about_a_restatement_reads_from_what_happened_to_what_to_run() -> None:
    assert subject([], [DIVIDEND, SPLIT]) == (
        "marketlake: ftse100_prices VOD.L: a split restated its history (+1 more)"
    )
    assert mail(restated=[SPLIT], done="6 days written").splitlines() == [
        "HISTORY RESTATED BY THE SOURCE",
        "- ftse100_prices VOD.L, split: values up to 2026-10-28 are now 5 times what they were",
        "Older days in the lake keep the values from before until the next daily run, which loads them again by itself "
        "after a split. The command below loads them at once.",
        "",
        "WHAT WAS LOADED: 6 days written.",
        "",
        "WHAT TO RUN",
        COMMAND,
        "",
        "THE EXECUTION: https://eu-west-2.console.aws.amazon.com/states/home?region=eu-west-2"
        f"#/v2/executions/details/{ARN}",
    ]


def test_a_split_comes_before_a_dividend_which_does_not_mail() -> None:
    assert restatement_document([DIVIDEND, SPLIT]) == {
        "restated": {
            "count": 2,
            "lines": [
                "ftse100_prices VOD.L, split: values up to 2026-10-28 are now 5 times what they were",
                "ftse100_prices BT-A.L, dividend: values up to 2026-10-27 are now 0.9875 times what they were",
            ],
        }
    }
    assert restatement_document([]) == {}


@given(RESTATED)
def test_any_restatement_can_be_sent(restated: list[Restatement]) -> None:
    found = subject([], restated)
    assert 0 < len(found) <= 100
    assert found.isascii()
    assert found.isprintable()
    assert len(restatement_document(restated)["restated"]["lines"]) <= MAX_LISTED + 1
    assert len(mail(restated=restated)) < 200_000, "SNS takes 256 KB"


def test_all_constituents_at_once_stay_a_small_payload() -> None:
    many = [
        Restatement("ftse100_prices", f"T{n:03}.L", "split", 2.0, "2000-01-04", "2026-10-28", True) for n in range(100)
    ]
    document = restatement_document(many)
    assert document["restated"]["lines"][-1] == "... and 90 more; see the run report"
    assert len(json.dumps(document)) < 4_000


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
    odd = Failure("d", ['"', "\\"], 1, "s", "e\n", '{"a": "\ud800"}')
    (listed,) = json.loads(json.dumps(failure_document([odd]), ensure_ascii=False))["failures"]
    assert listed["text"].endswith('{"a": "\ud800"}')
