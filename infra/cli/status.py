"""``marketlake status``: what this is, and how it stands."""

from __future__ import annotations

import typer

from infra.cli.chaos import describe
from infra.cli.options import AsJson, setup_of
from infra.cli.screen import Screen, safe
from infra.client.executions import latest
from infra.client.lake import take_inventory
from infra.client.target import Target
from infra.faults.injector import Switch
from marketlake.contract import dataset_names
from marketlake.ledger import Ledger, read_ledger


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show where the commands work, what the sources are, the last execution and what the lake holds."""
    screen = Screen(as_json)
    target = setup_of(context).target()
    records = [("state machine", target.state_machine_arn), *_local(target)]
    last = latest(target, 1)
    records.append(("last execution", f"{last[0].name}: {last[0].status}" if last else "none yet"))
    for dataset in screen.each("looking at", dataset_names()):
        inventory = take_inventory(target, dataset, None, None)
        days = inventory.complete
        held = f"{len(days):,} days, {days[0]} to {days[-1]}" if days else "nothing yet"
        missing = f", {len(inventory.missing):,} missing in between" if days and inventory.missing else ""
        records.append((dataset, f"{held}{missing}"))
        if later := _later(read_ledger(target.bucket("clean"), dataset)[0]):
            records.append((f"{dataset}, ledger", later))
    shown = [{"what": what, "value": value} for what, value in records]
    screen.table(shown, ["what", "value"], title=safe(target.described))


def _later(ledger: Ledger) -> str:
    """What later runs have to do or to leave; empty where that is nothing."""
    counts = {
        "to load again": [f"{', '.join(patch.symbols[:3])} ({patch.reason})" for patch in ledger.patches],
        "known holes": [f"{day}" for day in sorted(ledger.known_holes)],
        "silent": sorted(ledger.silent),
    }
    return "; ".join(
        f"{len(found)} {what}: {', '.join(found[:3])}{' ...' if len(found) > 3 else ''}"
        for what, found in counts.items()
        if found
    )


def _local(target: Target) -> list[tuple[str, str]]:
    config = target.local
    if config is None:
        return [("account", f"{target.account_id}, {target.region}")]
    if config.source == "live":
        sources = "live: Yahoo Finance, the ECB and Frankfurter"
    elif target.replay is None:
        sources = "the simulated sources do not answer; run: marketlake up"
    else:
        prices = target.simulated or f"prices from {config.prices}, rates are the ECB's own"
        sources = f"simulated sources at {config.replay_url}, up to {target.replay['last_day']}: {prices}"
    own = config.engine == "embedded"
    engine = "the emulator" if own else f"Step Functions Local at {config.states_url}, its executions in memory"
    endpoints = [("endpoint", config.endpoint_url), ("engine", engine)]
    records = [*endpoints, ("state on disk", str(config.root)), ("sources", sources)]
    faults = Switch(config.root).setting()
    return [*records, ("fault injection", describe(faults))] if faults else records
