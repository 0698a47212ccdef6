"""What `make deploy` says before Terraform starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from infra.cli.preflight import ask_budgets, main, problems


class Budgets:
    """Answers as AWS Budgets, or raises ``error``."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def __call__(self) -> None:
        self.asked += 1
        if self.error:
            raise self.error


@pytest.fixture(autouse=True)
def budgets(monkeypatch: pytest.MonkeyPatch) -> Budgets:
    answering = Budgets()
    monkeypatch.setattr("infra.cli.preflight.ask_budgets", answering)
    return answering


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that is needed."""
    (tmp_path / "terraform.tfvars").touch()
    terraform = tmp_path / "terraform"
    terraform.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)


def test_nothing_is_missing(checkout: Path) -> None:
    assert list(problems(checkout)) == []


def test_no_terraform(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert [line.partition(":")[0] for line in problems(checkout)] == ["terraform is not on the PATH"]


def test_no_variables(checkout: Path) -> None:
    (checkout / "terraform.tfvars").unlink()
    (line,) = problems(checkout)
    assert "cp terraform.tfvars.example terraform.tfvars" in line


def test_no_credentials(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(monkeypatch)
    (line,) = problems(checkout)
    assert line == "no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY"


def test_a_profile_that_is_not_there(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    (line,) = problems(checkout)
    assert "nobody" in line
    assert line.endswith("set AWS_PROFILE or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY")


CLOSED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "DescribeBudgets")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://budgets.amazonaws.com")


@pytest.mark.parametrize("error", [CLOSED, UNREACHABLE])
def test_billing_that_is_closed_to_iam(checkout: Path, budgets: Budgets, error: Exception) -> None:
    budgets.error = error
    (line,) = problems(checkout)
    assert str(error) in line
    assert "the root user opens billing to IAM" in line
    assert "budget_enabled = false" in line


@pytest.mark.parametrize(("line", "asked"), [("  budget_enabled=false", 0), ("# budget_enabled = false", 1)])
def test_billing_is_asked_only_where_a_budget_is_wanted(
    checkout: Path, budgets: Budgets, line: str, asked: int
) -> None:
    (checkout / "terraform.tfvars").write_text(f"alert_email = 'a@example.com'\n{line}\n", "utf-8")
    assert list(problems(checkout)) == []
    assert budgets.asked == asked


def test_billing_that_is_open_answers() -> None:
    with mock_aws():
        ask_budgets()


def test_problems_are_lines_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_credentials(monkeypatch)
    monkeypatch.setenv("PATH", "")
    assert main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {"terraform is not on the PATH", "no AWS credentials"} <= {
        line.partition(":")[0] for line in printed.err.splitlines()
    }
