"""``marketlake retry``: the one way back after any failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from infra.cli.displays import Watch
from infra.cli.options import AsJson, setup_of
from infra.cli.run import tell_outcome
from infra.cli.screen import Screen, safe, text_cells
from infra.client.errors import FAILED, Refusal
from infra.client.executions import describe, follow
from infra.client.outcome import outcome_of
from infra.client.retries import ACCEPTED, FOLLOWED, retry_failed
from infra.client.target import Target
from marketlake.failures import EVERYTHING, retry_command

COLUMNS = ["execution", "result", "input"]


def retry(
    context: typer.Context,
    execution: Annotated[
        str | None, typer.Argument(help="Name or ARN of an execution that failed or noticed a restated history.")
    ] = None,
    every: Annotated[
        bool, typer.Option(EVERYTHING, help="All that is on the queue, and all that failed with no later success.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end, or return at once.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run again what an execution did not get done, and wait for the end.

    Its messages are taken off the dead-letter queue once their work was started or is loaded. Exits with 0 if all of
    it succeeded.
    """
    if (execution is not None) == every:
        raise Refusal("give the name of an execution, or --all", "see those there are with: marketlake history")
    screen, target = Screen(as_json), setup_of(context).target()
    found = describe(target, execution) if execution else None
    records = retry_failed(target, found, dry_run=dry_run)
    name = found.name if found else EVERYTHING
    if not as_json:
        screen.table(text_cells(records), COLUMNS, title=f"retry of {safe(name)}", empty="nothing is to be run again")
    started = [record for record in records if record["result"] in FOLLOWED]
    if wait:
        for record in started:
            record["status"] = _watched(screen, target, record["execution"])
    elif started:
        screen.say("see how they go with: marketlake history")
    if as_json:
        screen.document(records)
    if any(record["result"] not in ACCEPTED or record.get("status", "SUCCEEDED") != "SUCCEEDED" for record in records):
        screen.say(f"next: {safe(retry_command(name))}")
        raise typer.Exit(FAILED)


def _watched(screen: Screen, target: Target, name: str) -> str:
    """The status with which the execution ended; its progress and its outcome are shown."""
    screen.say(f"execution {safe(name)}")
    with Watch(screen.remarks, every_state=False) as watch:
        ended = follow(target, target.execution_arn(name), watch.update)
    tell_outcome(screen, ended, replace(outcome_of(ended), advice=""))
    return ended.status
