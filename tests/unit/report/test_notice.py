from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.rewrites import Rewrite, read_rewrites, write_rewrites
from report.mail import failure_cause, message
from report.notice import MAX_TOLD, NOTHING_NOTICED, Notice
from report.notice_mail import notice_message, notice_subject
from tests.unit.lake import Lake
from tests.unit.report.test_mail import ARN, THROTTLED
from tests.unit.report.test_report_handler import DONE, FAILED, report

SPLIT = Rewrite("ftse100_prices", "VOD.L", "split", 5.0, "2020-01-02", "2026-10-28", True)
DIVIDEND = Rewrite("ftse100_prices", "BT-A.L", "dividend", 0.9875, "2020-01-02", "2026-10-27", False)

REWRITES = st.lists(
    st.builds(
        Rewrite,
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


def test_one_command_mends_all_histories_of_a_dataset() -> None:
    notice = Notice((DIVIDEND, SPLIT))
    assert notice.commands == [
        "marketlake backfill --start 2020-01-02 --end 2026-10-28 --dataset ftse100_prices "
        "--symbol BT-A.L --symbol VOD.L --force"
    ]
    assert notice.lines == [
        "ftse100_prices VOD.L, split: values up to 2026-10-28 are now 5 times what they were",
        "ftse100_prices BT-A.L, dividend: values up to 2026-10-27 are now 0.9875 times what they were",
    ]
    assert (notice.mails, Notice((DIVIDEND,)).mails) == (True, False)


def test_nothing_noticed_says_nothing() -> None:
    assert (NOTHING_NOTICED.text, NOTHING_NOTICED.section(), NOTHING_NOTICED.document()) == ("", [], {})
    assert message([THROTTLED], "", ARN, NOTHING_NOTICED) == message([THROTTLED], "", ARN)


@given(REWRITES)
def test_any_notice_can_be_sent_and_its_commands_be_typed(rewrites: list[Rewrite]) -> None:
    notice = Notice(tuple(rewrites))
    subject = notice_subject(notice)
    assert 0 < len(subject) <= 100
    assert subject.isascii()
    assert subject.isprintable()
    assert len(notice.lines) <= MAX_TOLD + 1
    assert len(notice_message(notice, "done", ARN)) < 200_000, "SNS takes 256 KB"
    for command in notice.commands:
        assert "--force" in command
    typed = shlex.split(Notice((rewrites[0],)).commands[0])
    assert typed[typed.index("--symbol") + 1] == rewrites[0].symbol


def test_the_mail_about_a_rewrite_reads_from_what_happened_to_what_to_run() -> None:
    assert notice_subject(Notice((DIVIDEND, SPLIT))) == (
        "marketlake: ftse100_prices VOD.L: a split rewrote its history (+1 more)"
    )
    notice = Notice((SPLIT,))
    assert notice_message(notice, "6 days written", ARN).splitlines() == [
        "HISTORY REWRITTEN UPSTREAM",
        f"- {notice.lines[0]}",
        "Older days in the lake are as they were before. This loads them again, for these symbols:",
        *notice.commands,
        "",
        "NOTHING WAS LOST: 6 days written.",
        "",
        "THE EXECUTION: https://eu-west-2.console.aws.amazon.com/states/home?region=eu-west-2"
        f"#/v2/executions/details/{ARN}",
    ]


def test_all_constituents_at_once_stay_a_small_payload() -> None:
    many = [Rewrite("ftse100_prices", f"T{n:03}.L", "split", 2.0, "2000-01-04", "2026-10-28", True) for n in range(100)]
    notice = Notice(tuple(many))
    assert notice.commands[0].count("--symbol") == 100
    assert notice.lines[-1] == "... and 90 more; see the run report"
    assert len(failure_cause([], "done", notice)) < 4_000


def put(lake: Lake, *batches: list[Rewrite], execution: str = "run-1") -> None:
    for index, found in enumerate(batches):
        write_rewrites(lake.clean, execution, index, found)


def test_what_two_batches_saw_is_one_and_the_further_one(lake: Lake) -> None:
    nearer = Rewrite(**{**SPLIT.__dict__, "last": "2026-10-22"})
    put(lake, [SPLIT, DIVIDEND], [nearer])
    put(lake, [nearer], execution="run-10")
    assert read_rewrites(lake.clean, "run-1") == [DIVIDEND, SPLIT]


def test_a_second_attempt_does_not_overwrite_what_the_first_one_saw(lake: Lake) -> None:
    put(lake, [SPLIT])
    put(lake, [DIVIDEND])
    assert read_rewrites(lake.clean, "run-1") == [SPLIT]


@pytest.mark.parametrize(("found", "mails"), [([SPLIT, DIVIDEND], True), ([DIVIDEND], False)])
def test_a_good_run_that_noticed_a_rewrite_tells_and_mails_only_for_a_split(
    lake: Lake, found: list[Rewrite], mails: bool
) -> None:
    put(lake, found)
    outcome = report([DONE])
    assert (outcome["failed"], outcome["notice"]) == (False, mails)
    assert {bool(outcome[name]) for name in ("error", "cause", "subject", "message")} == {mails}
    assert outcome["summary"]["rewritten"]["count"] == len(found)
    told: Any = outcome["summary"]["text"]
    assert told.endswith(", 2 histories rewritten upstream" if mails else ", 1 history rewritten upstream")


def test_a_failed_run_tells_of_the_rewrite_in_its_one_mail(lake: Lake) -> None:
    put(lake, [SPLIT])
    outcome = report([DONE, FAILED])
    assert (outcome["failed"], outcome["error"]) == (True, "UpstreamThrottled")
    assert outcome["subject"].startswith("marketlake FAILED: fx_rates")
    assert Notice((SPLIT,)).commands[0] in outcome["message"].splitlines()
    assert Notice((SPLIT,)).commands[0] in outcome["cause"]
