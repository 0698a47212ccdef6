"""``marketlake run`` and ``marketlake backfill``: start an execution, watch it, show how it ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from infra.cli.displays import Watch, show_rows
from infra.cli.options import AsJson, Datasets, parse_day, setup_of
from infra.cli.screen import Screen, safe, seconds_text
from infra.client.errors import Refusal
from infra.client.executions import Execution, follow, start
from infra.client.outcome import Outcome, outcome_of
from infra.client.target import Target

Day = Annotated[str | None, typer.Option("--date", help="Load this day (YYYY-MM-DD); without it, the last week.")]
Start = Annotated[str, typer.Option("--start", help="First day (YYYY-MM-DD).")]
End = Annotated[str, typer.Option("--end", help="Last day (YYYY-MM-DD), included.")]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="Only this symbol; may be given several times.")]
Force = Annotated[bool, typer.Option("--force", help="Load days that are done again, too.")]
DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Load again, and take out rows that the source does not have any more.")
]


DryRun = Annotated[bool, typer.Option("--dry-run", help="Start nothing: ask Plan what it would do, and what it costs.")]

PARTS = ["dataset", "days", "first", "last", "done", "batches", "source_requests"]


def run(
    context: typer.Context, day: Day = None, dataset: Datasets = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Run the pipeline now, for the last week (as every day) or for one day, and show each state as it happens."""
    request = request_of(datasets=dataset, start=day, end=day)
    _run(setup_of(context).target(), "run", request, dry_run=dry_run, as_json=as_json)


def backfill(
    context: typer.Context,
    start: Start,
    end: End,
    dataset: Datasets = None,
    symbol: Symbols = None,
    force: Force = False,
    drop_missing: DropMissing = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Load the days of a window that are not in the lake yet."""
    request = request_of(datasets=dataset, start=start, end=end, symbols=symbol, force=force, drop_missing=drop_missing)
    _run(setup_of(context).target(), "backfill", request, dry_run=dry_run, as_json=as_json)


def request_of(**values: Any) -> dict[str, Any]:
    """The execution's input, of the values that were given; Plan says whether they are accepted."""
    return {name: value for name, value in values.items() if value}


def _run(target: Target, kind: str, request: dict[str, Any], *, dry_run: bool, as_json: bool) -> None:
    screen = Screen(as_json)
    if dry_run:
        _show_preview(screen, target, request)
        return
    screen.say(f"{kind} on {safe(target.described)}")
    if target.simulated:
        screen.say(f"[yellow]{safe(target.simulated)}[/]")
    arn = start(target, kind, request)
    screen.say(f"execution {safe(arn.rpartition(':')[2])}")
    with Watch(screen.remarks, every_state=kind == "run") as watch:
        execution = follow(target, arn, watch.update)
    outcome = outcome_of(execution)
    if outcome.exit_status == Refusal.status:
        raise Refusal(outcome.text, outcome.advice)
    tell_outcome(screen, execution, outcome)
    if as_json:
        screen.document({"execution": execution.name, **asdict(outcome)})
    elif outcome.wrote_anything:
        show_rows(target, screen, sorted(outcome.datasets), parse_day("--end", request.get("end")))
    if outcome.exit_status:
        raise typer.Exit(outcome.exit_status)


def _show_preview(screen: Screen, target: Target, request: dict[str, Any]) -> None:
    from infra.cost.previews import preview

    found = preview(target, request)
    if screen.json:
        screen.document(asdict(found))
        return
    screen.table([asdict(part) for part in found.datasets], PARTS, title=f"Plan, on {safe(target.described)}")
    took = seconds_text(found.minutes * 60)
    screen.say(
        f"{found.days:,} days in {found.batches} batches, {found.source_requests:,} requests to the sources; about "
        f"{found.s3_requests:,} S3 requests, ${found.dollars:.4f} at AWS's list prices, {took}; nothing was started"
    )


def tell_outcome(screen: Screen, execution: Execution, outcome: Outcome) -> None:
    """What was done, what failed, what was noticed."""
    color = "green" if outcome.exit_status == 0 else "red"
    took = seconds_text(execution.duration.total_seconds())
    screen.say(f"[{color}]{safe(outcome.status)}[/] in {took}: {safe(outcome.text)}")
    tell_parts(screen, outcome)


def tell_parts(screen: Screen, outcome: Outcome) -> None:
    """What failed, what was noticed in the history, and what to do next."""
    for failure in outcome.failures:
        screen.say(f"  [red]✗[/] {safe(failure['text'])}")
    for line in outcome.noticed:
        screen.say(f"  [yellow]![/] {safe(line)}")
    if outcome.advice:
        screen.say(f"next: {safe(outcome.advice)}")
