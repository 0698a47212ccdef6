"""``marketlake doctor``: what is wrong on this machine and in a deployment, and what to do."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

import typer
from botocore.exceptions import BotoCoreError, ClientError

from infra import facts
from infra.cli.options import AsJson, Setup, setup_of
from infra.cli.screen import Screen
from infra.client.dead_letters import counts
from infra.client.errors import FAILED, NotRunning, explain
from infra.client.lake import take_inventory, years_of
from infra.client.live import Addresses, is_local, probe_all
from infra.client.target import Target
from infra.local import deploy, processes, server
from infra.local.config import LocalConfig, LocalError
from marketlake.contract import dataset_names, load_contract
from marketlake.errors import ContractViolation, MarketlakeError
from marketlake.failures import load_again
from marketlake.layout import config_key, year_table
from marketlake.schemas import glue_columns

LOCK = facts.ROOT / "requirements.lock"
LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2_000_000_000
"""A 25-year lake with its states and logs takes some hundred megabytes; below this a backfill may fill the disk."""

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
BUCKETS = ("raw", "clean", "results", "artifacts")

Columns = list[tuple[str, str]]
"""Names and types, in order."""


@dataclass(frozen=True)
class Check:
    """One finding; ``advice`` is empty where nothing is wrong."""

    check: str
    status: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


def doctor(
    context: typer.Context,
    as_json: AsJson = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the live sources alone: a chart and a rate; needs no deployment.")
    ] = False,
) -> None:
    """Look for what is wrong on this machine or in this account, and say what to do; fails where something is."""
    screen, setup = Screen(as_json), setup_of(context)
    found = []
    with screen.progress("looking", None) as step:
        for check in live_checks(_default_addresses()) if live else all_checks(setup):
            found.append(check)
            step(f"after {check.check}")
    screen.table([asdict(check) for check in found], ["check", "status", "found", "advice"])
    failed, warned = (sum(check.status == word for check in found) for word in ("failed", "warning"))
    screen.say(f"{len(found)} checks, {failed} failed, {warned} warnings")
    if failed:
        raise typer.Exit(FAILED)


def all_checks(setup: Setup) -> Iterator[Check]:
    """The checks of this machine, and of the deployment that ``setup`` means."""
    yield _python(sys.version_info[:2])
    yield packages_check(LOCK)
    try:
        if setup.is_local:
            yield from local_checks(setup)
        target = setup.target()
        if not setup.is_local:
            yield Check("credentials", "ok", f"account {target.account_id}, {target.region}")
    except NotRunning:
        return  # local_checks has it
    except LocalError as error:
        yield Check("emulator", "failed", str(error), "marketlake up")
        return
    except (ClientError, BotoCoreError) as error:
        explained = explain(error)
        yield Check("credentials", "failed", str(explained), explained.advice)
        return
    yield from deployment_checks(target)
    addresses = deployed_addresses(target)
    if addresses:
        yield from live_checks(addresses)


def _python(version: tuple[int, ...]) -> Check:
    text = ".".join(map(str, version))
    if version >= LEAST_PYTHON:
        return Check("python", "ok", text)
    return Check("python", "failed", f"{text} is too old", "install Python 3.11 or later")


def packages_check(lock: Path) -> Check:
    """Installed packages against the versions in ``lock``, of those that are installed."""
    if not lock.is_file():
        return Check("packages", "warning", f"there is no {lock.name} to compare with", "work in a clone")
    pinned: dict[str, list[str]] = {}
    for name, version in PINNED.findall(lock.read_text("utf-8")):
        pinned.setdefault(name, []).append(version)  # several where they depend on the version of Python
    installed = {name: version for name in pinned if (version := _installed(name))}
    differing = [f"{n} {v} (locked: {' or '.join(pinned[n])})" for n, v in installed.items() if v not in pinned[n]]
    if not differing:
        return Check("packages", "ok", f"as in {lock.name}")
    more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
    return Check("packages", "warning", ", ".join(differing[:5]) + more, "rm -r .venv, then: make setup")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def local_checks(setup: Setup) -> Iterator[Check]:
    """The local AWS emulator of ``setup.root``: its folder, ports, processes and what is deployed on it."""
    yield folder_check(setup.root)
    status = server.status(setup.root)
    config = status.config or LocalConfig(root=setup.root)
    if status.health is None:
        yield from _ports(config)
        yield Check("emulator", "failed", "not running", "marketlake up")
        return
    yield Check("emulator", "ok", f"healthy at {config.endpoint_url}")
    if config.engine == "stepfunctions-local":
        yield engine_check(config, status.states)
    if config.source == "live":
        yield Check("sources", "ok", "live: Yahoo Finance, the ECB and Frankfurter")
    elif status.replay is None:
        yield Check("sources", "failed", "the simulated sources do not answer", "marketlake up")
    else:
        prices, last = status.replay["prices"]["source"], status.replay["last_day"]
        yield Check("sources", "ok", f"simulated sources at {config.replay_url}, {prices} prices, up to {last}")
    yield deployed_check(config)


def folder_check(root: Path) -> Check:
    """Whether state can be written in ``root``, and enough of it."""
    there = next(path for path in (root, *root.resolve().parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Check("folder", "failed", f"{root} cannot be written", "choose another: marketlake --root DIR up")
    free = shutil.disk_usage(there).free
    found = f"{root}, {free / 1e9:,.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return Check("folder", "warning", found, "free some space, or choose another: marketlake --root DIR up")
    return Check("folder", "ok", found)


def _ports(config: LocalConfig) -> Iterator[Check]:
    for port, what in ((config.port, "emulator"), (config.replay_port, "simulated sources")):
        if processes.port_is_free(port):
            yield Check(f"port {port}", "ok", f"free for the {what}")
        else:
            advice = f"stop the program that listens there, or: marketlake up --port {config.port + 100}"
            yield Check(f"port {port}", "failed", f"taken by another program; it is for the {what}", advice)


def engine_check(config: LocalConfig, answers: bool) -> Check:
    """Whether Step Functions Local, which is the engine of ``config``, answers."""
    if answers:
        return Check("engine", "ok", f"Step Functions Local at {config.states_url}")
    advice = "start Docker, then: marketlake up; or without Docker: marketlake up --engine embedded"
    return Check("engine", "failed", f"Step Functions Local does not answer at {config.states_url}", advice)


def deployed_check(config: LocalConfig) -> Check:
    """Whether the deployment was made from the sources as they are now."""
    mark = config.root / "deployed"
    if not mark.is_file():
        return Check("deployment", "failed", "nothing is deployed", "marketlake up")
    if not deploy.is_of_these_sources(config):
        return Check("deployment", "warning", "made from other sources than those here now", "marketlake up")
    return Check("deployment", "ok", "made from the sources as they are")


def deployment_checks(target: Target) -> Iterator[Check]:
    """Each resource of the pipeline, in the order in which a run needs them."""
    looks: list[tuple[str, Callable[[], Check | str]]] = [
        *((f"{kind} bucket", partial(_bucket, target, kind)) for kind in BUCKETS),
        ("symbols", partial(_symbols, target)),
        *((f"function {name}", partial(_function, target, name)) for name in facts.function_names()),
        ("state machine", partial(_state_machine, target)),
        *((f"table {name}", partial(_table, target, name, columns)) for name, columns in _tables()),
        *((f"history {name}", partial(_history, target, name)) for name in dataset_names()),
        ("Athena workgroup", partial(_workgroup, target)),
        ("dead-letter queue", partial(_queue, target)),
    ]
    if not target.is_local:
        looks.append(("schedule", partial(_schedule, target, "schedule")))
        looks.append(("morning schedule", partial(_morning_schedule, target)))
    for name, look in looks:
        yield attempt(name, target.deploy_command, look)


def live_checks(addresses: Addresses) -> Iterator[Check]:
    """What each live source answers, with the step that broke where one did."""
    for probe in probe_all(addresses):
        found = f"{probe.step}: {probe.found}" if probe.step else probe.found
        yield Check(f"live {probe.source}", "failed" if probe.step else "ok", found, probe.advice)


def _default_addresses() -> Addresses:
    given = facts.parameters()
    return Addresses(
        given["yahoo_base_url"], given["ecb_base_url"], given["frankfurter_base_url"], given["upstream_proxy"]
    )


def deployed_addresses(target: Target) -> Addresses | None:
    """The sources that the deployed Fetch asks; None where they are simulated, or Fetch is not there."""
    try:
        found = target.lambdas.get_function_configuration(FunctionName=facts.function_name(target.prefix, "fetch"))
    except ClientError:
        return None  # its own check has it
    given = found.get("Environment", {}).get("Variables", {})
    yahoo, ecb, frankfurter = (given.get(f"{name}_BASE_URL", "") for name in ("YAHOO", "ECB", "FRANKFURTER"))
    if not yahoo or all(map(is_local, (yahoo, ecb, frankfurter))):
        return None
    return Addresses(yahoo, ecb, frankfurter, given.get("UPSTREAM_PROXY", ""))


def attempt(name: str, advice: str, look: Callable[[], Check | str]) -> Check:
    """``look()``, whose text means that nothing is wrong; an error of AWS's is the finding, with ``advice``."""
    try:
        found = look()
    except (ClientError, BotoCoreError) as error:
        return Check(name, "failed", str(explain(error)), advice)
    except MarketlakeError as error:
        return Check(name, "failed", str(error), advice)
    return found if isinstance(found, Check) else Check(name, "ok", found)


def _bucket(target: Target, kind: str) -> str:
    name = target.names[f"{kind}_bucket"]
    target.s3.head_bucket(Bucket=name)
    return name


def _symbols(target: Target) -> str:
    files = sorted({file for name in dataset_names() if (file := load_contract(name).symbols.file)})
    bucket = target.names["artifacts_bucket"]
    for file in files:
        target.s3.head_object(Bucket=bucket, Key=config_key(file))
    return f"{', '.join(files)} in s3://{bucket}"


def _function(target: Target, name: str) -> Check | str:
    full = facts.function_name(target.prefix, name)
    found = target.lambdas.get_function_configuration(FunctionName=full)
    state = found.get("State", "Active")
    if state not in ("Active", "Inactive"):  # Inactive: not called for weeks; the next call wakes it
        reason = found.get("StateReason", "")
        return Check(f"function {name}", "failed", f"{full} is {state}: {reason}", "look at it in the Lambda console")
    return full


def _state_machine(target: Target) -> Check | str:
    found = target.states.describe_state_machine(stateMachineArn=target.state_machine_arn)
    if found.get("status", "ACTIVE") != "ACTIVE":
        return Check("state machine", "failed", f"{found['name']} is {found['status']}", "look at it in the console")
    return found["name"]


def _tables() -> Iterator[tuple[str, Columns]]:
    """Each dataset's table by day and that by year, with the columns that the contract gives them."""
    for name in dataset_names():
        columns = [(c["Name"], c["Type"]) for c in glue_columns(load_contract(name))]
        yield name, columns
        yield year_table(name), [("dt", "string"), *columns]


def _table(target: Target, name: str, wanted: Columns) -> Check | str:
    table = target.glue.get_table(DatabaseName=target.names["database"], Name=name)["Table"]
    found = [(c["Name"], c.get("Type", "")) for c in table["StorageDescriptor"]["Columns"]]
    if found != wanted:
        differing = ", ".join(sorted({column for column, _ in set(found) ^ set(wanted)}) or ["their order"])
        return Check(f"table {name}", "failed", f"columns differ from the contract: {differing}", target.deploy_command)
    return f"{target.names['database']}.{name}, {len(found)} columns as in the contract"


def _history(target: Target, name: str) -> Check | str:
    """Whether the table by year holds every day that was checked."""
    try:
        stock = take_inventory(target, name, None, None)
    except ContractViolation as error:
        found, _, advice = str(error).rpartition("; ")
        return Check(f"history {name}", "failed", found, advice)
    if not stock.lost:
        return f"{len(stock.complete):,} days, all that were checked"
    years = " or ".join(f"marketlake restore {name} {year}" for year in years_of(stock.lost))
    found = f"{len(stock.lost):,} days were checked, and are not in it: the first is {stock.lost[0]}"
    return Check(f"history {name}", "failed", found, f"{years}; else: {load_again(name, stock.lost)}")


def _workgroup(target: Target) -> Check | str:
    name = target.names["workgroup"]
    state = target.athena.get_work_group(WorkGroup=name)["WorkGroup"].get("State", "ENABLED")
    if state != "ENABLED":
        return Check("Athena workgroup", "failed", f"{name} is {state}", "enable it in the Athena console")
    return name


def _queue(target: Target) -> Check | str:
    waiting, _ = counts(target, target.names["dlq"])
    if waiting:
        found = f"{waiting} batches or days failed and wait to be loaded again"
        advice = "see what failed with: marketlake dlq list; then: marketlake retry NAME"
        return Check("dead-letter queue", "warning", found, advice)
    return f"{target.names['dlq']}, empty"


def _morning_schedule(target: Target) -> Check | str:
    try:
        return _schedule(target, "morning_schedule")
    except target.scheduler.exceptions.ResourceNotFoundException:
        return "none: morning_run_at is null"


def _schedule(target: Target, key: str) -> Check | str:
    found = target.scheduler.get_schedule(Name=target.names[key])
    when = f"{found.get('ScheduleExpression', '?')} {found.get('ScheduleExpressionTimezone', '')}".strip()
    if found.get("State") != "ENABLED":
        advice = "set schedule_enabled = true, then: make deploy"
        return Check(key.replace("_", " "), "warning", f"{when}, but switched off", advice)
    return when
