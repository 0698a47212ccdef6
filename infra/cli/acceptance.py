"""``marketlake acceptance``: whether a stack that was just deployed does what only a deployed one can show."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from infra.acceptance.stage import Finding, Stage, Step
from infra.acceptance.trial import STEPS, chosen, findings, same_version, sweep
from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe, seconds_text
from infra.client.errors import FAILED, OpsError, StillRunning
from infra.client.lake import last_due_day
from infra.facts import ROOT

SIGNS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "not tried": "[yellow]-[/]"}


def acceptance(
    context: typer.Context,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this step; may be given several times.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to all that costs money or mails somebody.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the steps, and try none.")] = False,
    terraform: Annotated[Path, typer.Option(help="Folder of the Terraform configuration that made the stack.")] = ROOT
    / "infra"
    / "terraform",
    as_json: AsJson = False,
) -> None:
    """Try, step by step, what only a deployed stack can show; takes away what it made. Safe on a stack in use.

    Days that its executions load stay in the lake. Exits with 1 where a step failed.
    """
    screen, steps = Screen(as_json), chosen(only or [])
    if listed:
        screen.table([{"step": s.name, "what": s.what, "asks": s.asks} for s in STEPS], ["step", "what", "asks"])
        return
    target = setup_of(context).target()
    same_version(target)
    stage = Stage(target, last_due_day(target, "fx_rates"), terraform.resolve())
    screen.say(f"acceptance of {safe(target.described)}")
    if target.simulated:
        screen.say(f"[yellow]{safe(target.simulated)}; the services are the emulator's, not AWS[/]")
    began = datetime.now(UTC)
    found = _tried(screen, steps, stage, yes=yes)
    if as_json:
        version = metadata.version("marketlake")
        about = {"target": target.described, "emulator": target.is_local, "version": version, "started": began}
        screen.document({**about, "steps": [asdict(finding) for finding in found]})
    else:
        screen.table([asdict(finding) for finding in found], ["step", "status", "seen", "advice"], title="acceptance")
    counted = {status: sum(finding.status == status for finding in found) for status in SIGNS}
    screen.say(", ".join(f"{number} {status}" for status, number in counted.items()))
    if counted["failed"]:
        raise typer.Exit(FAILED)


def _tried(screen: Screen, steps: list[Step], stage: Stage, *, yes: bool) -> list[Finding]:
    found: list[Finding] = []
    try:
        with screen.err.status("looking for what an earlier acceptance left"):
            for line in sweep(stage):
                screen.say(f"left by an earlier acceptance: {safe(line)}")
        for finding in findings(steps, stage, lambda step: yes or _agreed(step)):
            screen.say(f"{SIGNS[finding.status]} {finding.step:<21} {seconds_text(finding.seconds):>10}")
            found.append(finding)
    except (KeyboardInterrupt, StillRunning) as error:
        done = f"stopped after {len(found)} of {len(steps)} steps"
        raise OpsError(done, "run it again: it takes away what this one left") from error
    return found


def _agreed(step: Step) -> bool:
    """Whether the person agrees to what the step costs; nobody does where nobody can be asked."""
    return sys.stdin.isatty() and typer.confirm(f"{step.name}: {step.what}; it {step.asks}. Try it?", err=True)
