"""The configuration as an account gets it (``local_endpoint = null``): applied, changed and planned again.

Every request of Terraform's goes through a gate that holds it against the service's model, and to the emulator, which
answers. Everything is on, QuickSight and GitHub's roles too, under the longest names. The tests are steps of one story.

`make test` makes the changes of :mod:`tests.infra.changes` in one apply, with one plan after it. `make changes` makes
all of them, one at a time with a plan after each, and then destroys; only there a change is alone on what there is one
of, such as the workgroup. `CHANGES` is a pattern of the names of those to make so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.acceptance.configuration import EMULATOR_ALTERS
from infra.facts import ROOT
from infra.local import server
from infra.local.config import LocalConfig
from tests.e2e.pipeline import free_port_pair
from tests.infra.changes import NOT_CHANGED, SWEEPING, VARIABLES, Change, each, once, small_packages
from tests.infra.gate import Gate
from tests.infra.terraform import Terraform, credentials

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform-real")]

REGION = "ap-southeast-2"
"""None is longer."""

LONGEST = {
    "prefix": "marketlake-of-the-longest",
    "region": REGION,
    "alert_email": "data-team@example.com",
    "quicksight_user": "analyst/" + "a" * 120,
    "github_repository": f"{'o' * 39}/{'r' * 100}",
    "github_repository_id": 1,
    "github_owner_id": 2,
    "alarms": "all",
    "github_environment": "e" * 100,
    "state_bucket": "s" * 63,
    "tags": {"Team": "data"},
    "force_destroy": True,
}
SERVICES = {
    *("athena", "budgets", "cloudtrail", "cloudwatch", "events", "glue", "iam", "lambda", "logs", "quicksight", "s3"),
    *("scheduler", "sns", "sqs", "stepfunctions", "sts"),
}


@dataclass(frozen=True)
class Stack:
    terraform: Terraform
    gate: Gate

    def left(self) -> list[str]:
        """What a plan would still change, other than what the emulator gives back otherwise than it was sent."""
        planned = self.terraform.planned()
        return [address for address in planned if address.partition(".")[0] not in EMULATOR_ALTERS]

    def change(self, *changes: Change) -> None:
        """Make them, and apply; each must change what it is about, by requests that the models have nothing against."""
        for change in changes:
            change.edit(self.terraform)
        self.gate.clear()
        # The state is as the plan before left it.
        planned = self.terraform.planned("-refresh=false")
        without = [change.name for change in changes if not any(a.startswith(change.touches) for a in planned)]
        assert without == []
        self.terraform.run("apply", "-input=false", "again.tfplan")
        assert self.gate.problems == []


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("real")
    config = LocalConfig(root=folder / "emulator", port=free_port_pair(), region=REGION)
    small_packages(folder / "packages")
    server.start(config)
    gate = Gate(config.endpoint_url)
    environment = {**credentials(REGION), "AWS_ENDPOINT_URL": gate.url, "AWS_MAX_ATTEMPTS": "3"}
    try:
        terraform = Terraform(folder, LONGEST | {"package_dir": str(folder / "packages")}, environment)
        terraform.init()
        yield Stack(terraform, gate)
    finally:
        gate.close()
        server.stop(config.root)


def test_every_request_of_a_first_apply_is_as_its_service_s_model_has_it(stack: Stack) -> None:
    stack.terraform.run("apply", "-input=false", "-auto-approve")
    assert stack.gate.problems == []
    assert {call.service for call in stack.gate.calls} == SERVICES
    buckets = {call.parameters["Bucket"] for call in stack.gate.calls if call.operation == "CreateBucket"}
    assert max(map(len, buckets)) == 63, "the longest that S3 takes"


def test_changes_are_applied_and_leave_nothing_to_change(stack: Stack) -> None:
    if wanted := os.environ.get("CHANGES"):
        for change in [change for change in each() if re.search(wanted, change.name)]:
            print(change.name, flush=True)
            stack.change(change)
            assert stack.left() == [], change.name
        stack.terraform.run("destroy", "-input=false", "-auto-approve")
        assert stack.gate.problems == []
    else:
        stack.change(*once())
        assert stack.left() == []


def test_each_variable_is_changed() -> None:
    """One without a change: give it a second value in VARIABLES of tests/infra/changes.py."""
    files = sorted((ROOT / "infra" / "terraform").glob("variables*.tf"))
    names = {name for path in files for name in re.findall(r'^variable "(\w+)"', path.read_text("utf-8"), re.MULTILINE)}
    assert names == {*VARIABLES, *SWEEPING, *NOT_CHANGED}


def test_the_lock_file_is_of_the_versions_that_the_configuration_accepts() -> None:
    folder: Path = ROOT / "infra" / "terraform"
    accepted = re.findall(r'version = "(.*)"', (folder / "versions.tf").read_text("utf-8"))[-1]
    locked = (folder / ".terraform.lock.hcl").read_text("utf-8")
    bounds = [f"{bound}.0" for bound in accepted.split(", ")]
    assert f'constraints = "{", ".join(bounds)}"' in locked
    # One for each of HashiCorp's platforms; an h1: alone is of one.
    assert len(re.findall(r'"zh:[0-9a-f]{64}"', locked)) == 15
