"""The ``marketlake`` command: global options, the commands, and errors as one readable line with what to do next."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra.cli import (
    as_known,
    chaos,
    console,
    cost,
    dashboard,
    dlq,
    doctor,
    export,
    history,
    mail,
    partitions,
    query,
    restore,
    retry,
    run,
    shell,
    status,
    up,
)
from infra.cli.files import with_output
from infra.cli.options import Setup
from infra.cli.screen import Screen, safe
from infra.client.errors import FAILED, INTERRUPTED, Interrupted, OpsError, ReaderGone, Refusal, explain
from infra.client.target import DEFAULT_PREFIX
from infra.faults.rules import BadProfile
from infra.local.config import LocalError
from infra.local.server import DEFAULT_ROOT
from marketlake.errors import MarketlakeError
from marketlake.reader.errors import NoRates, OutOfLake, UnknownDataset, UnknownSymbol, WrongArgument

NOT_THERE = (UnknownDataset, UnknownSymbol, WrongArgument, OutOfLake, NoRates)
"""Errors of the reader that refuse what was asked for."""

app = typer.Typer(
    name="marketlake",
    help="A small market-data lake: run its pipeline, look at what it did, query it. On the local AWS emulator by "
    "default, in an account with --profile or --region.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def choose(
    context: typer.Context,
    profile: Annotated[str | None, typer.Option(help="AWS profile: work in its account.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region: work in an account, there.")] = None,
    prefix: Annotated[str, typer.Option(help="First part of all names, as deployed.")] = DEFAULT_PREFIX,
    root: Annotated[
        Path, typer.Option(envvar="MARKETLAKE_ROOT", help="Folder with the emulator's state.")
    ] = DEFAULT_ROOT,
) -> None:
    """Keep what the commands work on."""
    wanted = os.environ.get("MARKETLAKE_TARGET", "local")
    if wanted not in ("local", "aws"):
        raise Refusal(f"MARKETLAKE_TARGET is {wanted!r}; accepted are local and aws")
    context.obj = Setup(root.resolve(), profile, region, prefix)


for command in (
    up.up,
    up.down,
    with_output(status.status),
    with_output(run.run),
    with_output(run.backfill),
    with_output(history.history),
):
    app.command()(command)
app.add_typer(dlq.app, name="dlq")
for command in (
    with_output(mail.mail),
    console.console,
    dashboard.dashboard,
    with_output(retry.retry),
    query.query,
    with_output(shell.shell, ".ndjson"),
    export.export,
    with_output(partitions.partitions),
    with_output(restore.restore),
    with_output(as_known.as_known),
    with_output(cost.cost),
    with_output(doctor.doctor),
    with_output(chaos.chaos),
):
    app.command()(command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status (``infra.client.errors.EXIT_STATUSES``)."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except (BrokenPipeError, ReaderGone):
        # So that Python, which flushes it at the end, has nobody to complain about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ReaderGone.status
    return status


def _run(arguments: list[str] | None) -> int:
    try:
        app(arguments, prog_name="marketlake")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else FAILED
        return _tell(Interrupted("stopped")) if status == INTERRUPTED else status
    except ReaderGone:
        raise
    except OpsError as error:
        return _tell(error)
    except NOT_THERE as error:
        return _tell(Refusal(str(error)))
    except (LocalError, BadProfile, MarketlakeError) as error:
        return _tell(OpsError(str(error)))
    except (ClientError, BotoCoreError) as error:
        return _tell(explain(error))
    except ModuleNotFoundError as error:
        advice = (
            "install all: pip install 'marketlake[pipeline]'; to run the pipeline, clone the repository: make setup"
        )
        return _tell(Refusal(f"{error.name} is missing: this is the installation for those who only read", advice))
    return 0


def _tell(error: OpsError) -> int:
    screen = Screen().err
    screen.print(f"[red]marketlake:[/] {safe(error)}", highlight=False, soft_wrap=True)
    if error.advice:
        screen.print(f"next: {safe(error.advice)}", highlight=False, soft_wrap=True)
    return error.status


if __name__ == "__main__":
    sys.exit(main())
