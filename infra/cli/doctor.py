"""``marketlake doctor``: what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra.cli.checks import Check
from infra.cli.checks_aws import deployment_checks
from infra.cli.checks_machine import local_checks, machine_checks
from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen
from infra.cli.setup import Setup
from infra.client.errors import FAILED, NotRunning, explain
from infra.local.config import LocalError


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Look for what is wrong on this machine or in this account, and say what to do; fails where something is."""
    screen, setup = Screen(as_json), setup_of(context)
    with screen.err.status("looking"):
        found = list(all_checks(setup))
    screen.table([asdict(check) for check in found], ["check", "status", "found", "advice"])
    failed, warned = (sum(check.status == word for check in found) for word in ("failed", "warning"))
    screen.say(f"{len(found)} checks, {failed} failed, {warned} warnings")
    if failed:
        raise typer.Exit(FAILED)


def all_checks(setup: Setup) -> Iterator[Check]:
    """Everything there is to look at for ``setup``."""
    yield from machine_checks()
    try:
        if setup.is_local:
            yield from local_checks(setup)
        target = setup.target()
        if not setup.is_local:
            yield Check("credentials", "ok", f"account {target.account_id}, {target.region}")
    except (NotRunning, LocalError) as error:
        if isinstance(error, LocalError):
            yield Check("embedded AWS", "failed", str(error), "marketlake up")
        return
    except (ClientError, BotoCoreError) as error:
        told = explain(error)
        yield Check("credentials", "failed", str(told), told.advice)
        return
    yield from deployment_checks(target)
