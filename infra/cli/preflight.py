"""``python -m infra.cli.preflight``: what `make plan`, `deploy` and `destroy` need, checked before Terraform starts."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from infra.facts import ROOT

SET_CREDENTIALS = "set AWS_PROFILE or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY"

NO_BUDGET = re.compile(r"^\s*budget_enabled\s*=\s*false\b", re.MULTILINE)
OPEN_BILLING = (
    "in a new account the root user opens billing to IAM first (Account, IAM user and role access to Billing "
    "information), and your role needs budgets:ViewBudget and ModifyBudget; or set budget_enabled = false in "
    "terraform.tfvars"
)


def problems(root: Path = ROOT) -> Iterator[str]:
    """One line for each thing that is missing, with what to do about it."""
    if shutil.which("terraform") is None:
        yield "terraform is not on the PATH: install 1.11 or later (https://developer.hashicorp.com/terraform/install)"
    variables = root / "terraform.tfvars"
    if not variables.is_file():
        yield "terraform.tfvars is missing: cp terraform.tfvars.example terraform.tfvars, then set alert_email in it"
    problem = _credentials_problem()
    if problem:
        yield problem
    elif variables.is_file() and not NO_BUDGET.search(variables.read_text("utf-8")):
        try:
            ask_budgets()
        except (BotoCoreError, ClientError) as error:
            yield f"AWS Budgets does not answer: {error}; {OPEN_BILLING}"


def _credentials_problem() -> str:
    """Whether the SDK finds credentials, where Terraform looks too; whether AWS accepts them, Terraform will see."""
    try:
        found = Session().get_credentials()
    except BotoCoreError as error:  # such as a profile that is not there, or half a pair of keys
        return f"AWS credentials cannot be read: {error}; {SET_CREDENTIALS}"
    return "" if found else f"no AWS credentials: {SET_CREDENTIALS}"


def ask_budgets() -> None:
    """Ask AWS Budgets for a budget of the account, as Terraform does to read its own.

    Billing may be closed to everyone but the root user, whatever a policy allows:
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/control-access-billing.html

    Raises:
        ClientError: AWS refuses the credentials, or the call.
        BotoCoreError: AWS cannot be reached.
    """
    session = Session()
    sts, budgets = (cast("Any", session.create_client(service, "us-east-1")) for service in ("sts", "budgets"))
    budgets.describe_budgets(AccountId=sts.get_caller_identity()["Account"], MaxResults=1)


def main() -> int:
    """Exit code: 0, or 1 with the problems on standard error."""
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
