"""``marketlake up`` and ``marketlake down``: the local AWS emulator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from infra.cli.chaos import describe
from infra.cli.options import Setup, setup_of
from infra.cli.screen import Screen, safe
from infra.client.errors import Refusal
from infra.client.live import Broken, check_way
from infra.client.target import local_target
from infra.faults.injector import Switch
from infra.local import config as configs
from infra.local.config import Engine, LocalConfig

if TYPE_CHECKING:
    from infra.local.server import Status

MIRRORS = ("yahoo_url", "ecb_url", "frankfurter_url")
SOURCES = ("source", "prices", "constituents", "fx_base", "seed", *MIRRORS)
"""Settings that decide what data is loaded."""


def up(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=1024, max=65534, help="Port of the AWS APIs, 4566 at first.")] = None,
    source: Annotated[
        Literal["replay", "live"] | None,
        typer.Option(help="Simulated sources (replay, the default), or the real ones."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="Simulate with these closes (CSV: a date column, one column a ticker).")
    ] = None,
    constituents: Annotated[
        Path | None, typer.Option(help="Tickers to fetch (CSV), in place of the FTSE 100 that we ship.")
    ] = None,
    fx_base: Annotated[str | None, typer.Option(help="Base currency of the rates, EUR at first.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the simulated prices.")] = None,
    yahoo_url: Annotated[str | None, typer.Option(help="Mirror of Yahoo's chart API, for --source live.")] = None,
    ecb_url: Annotated[str | None, typer.Option(help="Mirror of the ECB's data API, for --source live.")] = None,
    frankfurter_url: Annotated[str | None, typer.Option(help="Mirror of Frankfurter's v1, for --source live.")] = None,
    proxy: Annotated[
        str | None, typer.Option(help="Proxy to the live sources, such as http://proxy.example.com:3128.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option(help="What runs the state machine: the emulator, or AWS's own in Docker.")
    ] = None,
    chaos: Annotated[
        str | None, typer.Option(help="Inject the faults of this profile (docs/chaos.md) or .json file; none: stop.")
    ] = None,
    chaos_seed: Annotated[int | None, typer.Option(help="Seed of the faults, 1 at first.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Forget what was given to earlier starts.")] = False,
) -> None:
    """Start the local AWS emulator and deploy the pipeline on it; what is not given stays as it was last time."""
    from infra.local import deploy, server

    setup, screen = setup_of(context), Screen()
    if not setup.is_local:
        raise Refusal(
            "`up` starts the local AWS emulator; it takes no --profile or --region", "an account: make deploy"
        )
    before = None if defaults else configs.load(setup.root)
    given = {
        "port": port,
        "source": source,
        "prices": prices,
        "constituents": constituents,
        "fx_base": fx_base,
        "seed": seed,
        "yahoo_url": yahoo_url,
        "ecb_url": ecb_url,
        "frankfurter_url": frankfurter_url,
        "proxy": proxy,
        "engine": engine,
        "chaos": chaos,
        "chaos_seed": chaos_seed,
    }
    config = wanted_config(setup, before, given)
    refuse_dead_ends(config)
    _warn_of_mixture(screen, configs.load(setup.root), config)
    with screen.progress("starting the emulator", None):
        status = server.start(config)
    with screen.progress("deploying the pipeline", None):
        deployment = deploy.deploy(config, last_day(status))
    _say_what_runs(config, screen, deployed=deployment.changed)


def wanted_config(setup: Setup, before: LocalConfig | None, given: dict[str, Any]) -> LocalConfig:
    """The config to start with: what is ``given``, else what was there ``before``, else the defaults."""
    base = before or LocalConfig(root=setup.root, prefix=setup.prefix)
    return replace(base, root=setup.root, **{name: value for name, value in given.items() if value is not None})


def refuse_dead_ends(config: LocalConfig) -> None:
    """A mirror or a proxy that is given has to be one, and to answer.

    Raises:
        Refusal: it is for simulated sources, is no URL, or cannot be reached.
    """
    given = {name: str(getattr(config, name)) for name in (*MIRRORS, "proxy") if getattr(config, name)}
    if given and config.source != "live":
        raise Refusal(f"{_options(given)}: simulated sources are asked directly", "add --source live, or: --defaults")
    for name, url in given.items():
        try:
            check_way(url, "" if name == "proxy" else config.proxy)
        except Broken as error:
            advice = "give an http or https URL that answers, such as http://proxy.example.com:3128; or: --defaults"
            raise Refusal(f"{_options([name])}: {error.found}", advice) from error


def _options(names: Iterable[str]) -> str:
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def last_day(status: Status) -> str:
    """The last day that the simulated sources know; empty for live sources."""
    return str(status.replay["last_day"]) if status.replay else ""


def _warn_of_mixture(screen: Screen, old: LocalConfig | None, new: LocalConfig) -> None:
    changed = [name for name in SOURCES if old and getattr(old, name) != getattr(new, name)]
    if changed and (new.root / "s3").exists():
        names = _options(changed)
        screen.say(
            f"[yellow]{names} changed: days that are in the lake stay as they were loaded. Load them again with "
            f"`marketlake backfill --force`, or start afresh with `marketlake --root DIR up`.[/]"
        )


def _say_what_runs(config: LocalConfig, screen: Screen, *, deployed: bool) -> None:
    target = local_target(config.root)
    screen.say(f"[green]✓[/] local AWS emulator at {safe(config.endpoint_url)}, its state in {safe(config.root)}")
    done = "deployed" if deployed else "is up to date"
    screen.say(f"[green]✓[/] pipeline {safe(target.names['state_machine'])} {done}")
    if config.engine == "stepfunctions-local":
        screen.say(
            f"[yellow]![/] Step Functions Local at {safe(config.states_url)} runs it, and forgets its executions "
            f"when it stops"
        )
    if target.simulated:
        screen.say(f"[yellow]![/] {safe(target.simulated)}")
    elif config.source == "live":
        screen.say("[yellow]![/] live sources: Yahoo Finance, the ECB and Frankfurter are asked")
    if config.prices:
        _warn_of_missing_closes(screen, config.prices)
    faults = Switch(config.root).setting()
    if faults:
        screen.say(f"[yellow]![/] {safe(describe(faults))}")
    screen.say("next: marketlake run")


def _warn_of_missing_closes(screen: Screen, closes: Path) -> None:
    from infra.local.lists import datasets_without_closes

    for dataset, symbols in datasets_without_closes(closes).items():
        screen.say(
            f"[yellow]![/] {safe(closes.name)} has no column {safe(', '.join(symbols))}: {dataset} will fail; "
            f"add the column, or name the datasets to run with --dataset"
        )


def down(context: typer.Context) -> None:
    """Stop the local AWS emulator; the lake and the executions stay on disk."""
    from infra.local import server

    setup, screen = setup_of(context), Screen()
    if not setup.is_local:
        raise Refusal(
            "`down` stops the local AWS emulator; it takes no --profile or --region", "an account: make destroy"
        )
    stopped = server.stop(setup.root)
    screen.say(f"stopped; its state stays in {safe(setup.root)}" if stopped else "nothing was running")
