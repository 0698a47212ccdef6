"""``marketlake history``: the executions there were, and one of them state by state."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from infra.cli.options import AsJson, setup_of
from infra.cli.run import tell_parts
from infra.cli.screen import Screen, safe, seconds_text
from infra.client.events import Attempt, Run
from infra.client.executions import Execution, HistoryReader, describe, latest, run_report
from infra.client.outcome import days_done, outcome_of
from infra.client.target import Target
from infra.client.texts import batch_text

LIST_COLUMNS = ["execution", "status", "started", "duration", "days_done", "error"]
STATE_COLUMNS = ["batch", "days", "state", "attempt", "started", "duration", "status", "result"]


def history(
    context: typer.Context,
    execution: Annotated[str | None, typer.Argument(help="Name or ARN of one execution: show its states.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many executions to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the executions, or show one of them: its states with their attempts, errors and times."""
    screen, target = Screen(as_json), setup_of(context).target()
    if execution is None:
        listed = screen.each("reading", latest(target, limit), lambda one: one.name)
        records = [record_of(target, describe(target, found.arn)) for found in listed]
        screen.table(records, LIST_COLUMNS, title=f"executions on {safe(target.described)}", empty="none yet")
        return
    found = describe(target, execution)
    run = Run()
    run.feed(HistoryReader(target.states, found.arn).new())
    records = [state_record(run, attempt) for attempt in run.attempts]
    if as_json:
        more = {"arn": found.arn, "stopped": found.stopped, "input": found.input, "cause": found.cause}
        screen.document({**record_of(target, found), **more, "states": records})
        return
    _tell(screen, target, found)
    screen.table(records, STATE_COLUMNS, empty="no state has started")


def record_of(target: Target, execution: Execution) -> dict[str, Any]:
    """One execution, as described; its days and error need the output, which those of ``latest`` do not have."""
    return {
        "execution": execution.name,
        "status": execution.status,
        "started": execution.started,
        "duration": execution.duration,
        "days_done": done_days(target, execution),
        "error": execution.error,
    }


def done_days(target: Target, execution: Execution) -> int | None:
    """Days that the execution left in the lake; None while it runs.

    A failed execution has its counts in its run report; one that was refused or stopped wrote none.
    """
    if execution.status == "RUNNING":
        return None
    if execution.status == "SUCCEEDED":
        return days_done(outcome_of(execution).datasets)
    return days_done(run_report(target, execution.name).get("summary", {}).get("datasets", {}))


def state_record(run: Run, attempt: Attempt) -> dict[str, Any]:
    """One attempt of a state."""
    status = "failed" if attempt.error else "ok" if attempt.ended else "running"
    return {
        "batch": attempt.batch,
        "days": batch_text(run.batch_of(attempt)),
        "state": attempt.state,
        "attempt": attempt.retry + 1,
        "started": attempt.started,
        "duration": attempt.duration,
        "status": status,
        "result": f"{attempt.error}: {attempt.reason}" if attempt.error else attempt.result,
    }


def _tell(screen: Screen, target: Target, execution: Execution) -> None:
    took = seconds_text(execution.duration.total_seconds())
    screen.say(f"[bold]{safe(execution.name)}[/]: {safe(execution.status)}, {took}, input {safe(execution.input)}")
    if execution.status == "RUNNING":
        return
    outcome = outcome_of(execution)
    days = done_days(target, execution)
    screen.say(f"{safe(execution.error or 'outcome')}: {safe(outcome.text)} ({days:,} days done)")
    tell_parts(screen, outcome if outcome.noticed else replace(outcome, advice=""))
