"""The mail and the terminal name one command for the same failure, and describe it in the same words."""

from __future__ import annotations

from typing import Any

import pytest

from infra.client.executions import Execution
from infra.client.outcome import Outcome, outcome_of
from tests.unit.client.fake_states import START
from tests.unit.report.test_report_handler import AGAIN, FAILED, report

FOUR = ["2023-01-02/2023-01-03", "2023-02-01", "2023-03-01", "2023-04-03/2023-04-06"]


def both(batch: dict[str, Any]) -> tuple[list[str], Outcome]:
    """The lines of the mail about a failed batch, and what the terminal makes of the execution's cause."""
    answer = report([batch])
    ended = Execution("run-1", "arn", "FAILED", START, error=answer["error"], cause=answer["cause"])
    return answer["message"].splitlines(), outcome_of(ended)


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    "batch",
    [
        {**FAILED, "input": {**AGAIN, "symbols": ["USD", "GBP"], "force": True}},
        {**FAILED, "days": FOUR, "input": {**AGAIN, "end": "2023-04-06"}},
    ],
    ids=["symbols and force", "four day ranges"],
)
def test_the_terminal_s_command_is_the_mail_s(monkeypatch: pytest.MonkeyPatch, batch: dict[str, Any]) -> None:
    monkeypatch.setenv("OPERATOR_COMMAND", "marketlake")
    mail, outcome = both(batch)
    (command,) = [line for line in mail if line.startswith("marketlake ")]
    assert outcome.advice.split("; ")[0] == command


@pytest.mark.usefixtures("lake")
def test_a_failure_of_four_day_ranges_is_described_as_such_in_both() -> None:
    mail, outcome = both({**FAILED, "days": FOUR})
    where = "fx_rates 2023-01-02 to 2023-01-03, 2023-02-01, 2023-03-01 and 1 more ranges (5 days), in Fetch"
    assert any(line.startswith(f"- {where}") for line in mail)
    assert [failure["text"] for failure in outcome.failures] == [f"{where}: UpstreamThrottled: 429"]
