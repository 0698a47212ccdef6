"""Terraform in a copy of the configuration, against the emulator: no state or download lands in the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.facts import ROOT
from infra.local.config import ACCESS_KEY, SECRET_KEY
from tests.infra.provider_calls import Call, calls

CONFIGURATION = ("infra", "functions", "statemachine", "assets")


class Terraform:
    """An initialised copy of ``infra/`` in ``folder``, with the variables of one stack."""

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, object],
        environment: Mapping[str, str],
        *,
        recorded: bool = False,
    ) -> None:
        self.root = folder
        self.folder = folder / "infra" / "terraform"
        # Nothing of this shell's AWS settings: what is applied here must never reach an account.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        settings = {**nowhere, "AWS_EC2_METADATA_DISABLED": "true", "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        self._environment = {**inherited, **settings, **environment}
        self._environment.pop("TF_CLI_CONFIG_FILE", None)  # may name a file that is not there
        for name in CONFIGURATION:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".terraform"))
        self._recorded = recorded  # what the provider calls, by its debug log, which takes time
        self._logs: list[tuple[str, Path]] = []
        self.variables = dict(variables)
        self.set()

    def set(self, **variables: object) -> None:
        """Give variables other values."""
        self.variables |= variables
        (self.folder / "test.auto.tfvars.json").write_text(json.dumps(self.variables), "utf-8")

    def init(self) -> None:
        """Initialise, or skip where Terraform or the provider cannot be had; in CI that is a failure."""
        if shutil.which("terraform") is None:
            _unavailable("terraform is not on the PATH")
        done = self.run("init", "-input=false", "-backend=false", check=False)
        if done.returncode:
            _unavailable(f"terraform init could not get the AWS provider: {done.stderr[-400:]}")

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one command; fails the test with Terraform's own words unless ``check`` is False."""
        command = ["terraform", arguments[0], "-no-color", *arguments[1:]]
        log = self.folder.parent / f"provider-{len(self._logs)}.log"
        self._logs.append((arguments[0], log))
        logged = {"TF_LOG_PROVIDER": "DEBUG", "TF_LOG_PATH": str(log)} if self._recorded else {}
        environment = self._environment | logged
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr}"
            )
        return done

    def calls(self, command: str) -> list[list[Call]]:
        """What the provider called in each run of ``command`` so far, ``plan`` for one."""
        return [calls(log) for name, log in self._logs if name == command and log.exists()]

    def changes(self, *arguments: str) -> list[dict[str, Any]]:
        """What a plan would change: resource changes other than no-op, as Terraform's JSON has them.

        The plan is kept as ``again.tfplan``.
        """
        self.run("plan", "-input=false", "-out=again.tfplan", *arguments)
        shown = json.loads(self.run("show", "-json", "again.tfplan").stdout)
        return [
            change for change in shown["resource_changes"] if change["change"]["actions"] not in (["no-op"], ["read"])
        ]

    def planned(self, *arguments: str) -> dict[str, str]:
        """Address to action of what a plan would change, which is kept as ``again.tfplan``; in half of the time."""
        lines = self.run("plan", "-json", "-input=false", "-out=again.tfplan", *arguments).stdout.splitlines()
        events = [json.loads(line) for line in lines]
        found = [event["change"] for event in events if event["type"] == "planned_change"]
        return {change["resource"]["addr"]: change["action"] for change in found}

    def state(self) -> list[str]:
        """Addresses of all resources that Terraform keeps."""
        state = json.loads((self.folder / "terraform.tfstate").read_text("utf-8"))
        return [f"{item['type']}.{item['name']}" for item in state["resources"] if item["mode"] == "managed"]


def credentials(region: str) -> dict[str, str]:
    """Root credentials of the emulator."""
    return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": region}


def _unavailable(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI must run this test")
    pytest.skip(reason)
