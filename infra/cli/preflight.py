"""``python -m infra.cli.preflight``: what `make plan`, `deploy` and `destroy` need, checked before Terraform starts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError
from botocore.session import Session

from infra.facts import ROOT

SET_CREDENTIALS = "set AWS_PROFILE or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY"


def problems(root: Path = ROOT) -> Iterator[str]:
    """One line for each thing that is missing, with what to do about it."""
    if shutil.which("terraform") is None:
        yield "terraform is not on the PATH: install 1.11 or later (https://developer.hashicorp.com/terraform/install)"
    if not (root / "terraform.tfvars").is_file():
        yield "terraform.tfvars is missing: cp terraform.tfvars.example terraform.tfvars, then set alert_email in it"
    problem = _credentials_problem()
    if problem:
        yield problem


def _credentials_problem() -> str:
    """Whether the SDK finds credentials, where Terraform looks too; whether AWS accepts them, Terraform will see."""
    try:
        found = Session().get_credentials()
    except BotoCoreError as error:  # such as a profile that is not there, or half a pair of keys
        return f"AWS credentials cannot be read: {error}; {SET_CREDENTIALS}"
    return "" if found else f"no AWS credentials: {SET_CREDENTIALS}"


def main() -> int:
    """Exit code: 0, or 1 with the problems on standard error."""
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
