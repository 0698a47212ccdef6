"""Doctor's look at this machine: Python, packages, disk, ports, and the embedded AWS with its replay."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from infra.cli.checks import Check
from infra.cli.setup import Setup
from infra.facts import ROOT
from infra.local import deploy, processes, server
from infra.local.config import LocalConfig

LOCK = ROOT / "requirements.lock"
LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2_000_000_000
"""A 25-year lake with its states and logs takes some hundred megabytes; below this a backfill may fill the disk."""

PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def machine_checks() -> list[Check]:
    """Python and packages."""
    return [_python(sys.version_info[:2]), packages_check(LOCK)]


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
    return Check("packages", "warning", ", ".join(differing[:5]) + more, "make install")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def local_checks(setup: Setup) -> Iterator[Check]:
    """The embedded AWS of ``setup.root``: its folder, ports, processes and what is deployed on it."""
    yield folder_check(setup.root)
    status = server.status(setup.root)
    config = status.config or LocalConfig(root=setup.root)
    if status.health is None:
        yield from _ports(config)
        yield Check("embedded AWS", "failed", "not running", "marketlake up")
        return
    yield Check("embedded AWS", "ok", f"healthy at {config.endpoint_url}")
    if config.engine == "stepfunctions-local":
        yield engine_check(config, status.states)
    if config.source == "live":
        yield Check("sources", "ok", "live: Yahoo Finance and the Frankfurter API")
    elif status.replay is None:
        yield Check("sources", "failed", "the replay does not answer", "marketlake up")
    else:
        kind = status.replay["prices"]["source"]
        yield Check("sources", "ok", f"replay at {config.replay_url}, {kind} prices, up to {status.replay['last_day']}")
    yield deployed_check(config)


def engine_check(config: LocalConfig, answers: bool) -> Check:
    """Whether Step Functions Local, which is the engine of ``config``, answers."""
    if answers:
        return Check("engine", "ok", f"Step Functions Local at {config.states_url}")
    advice = "start Docker, then: marketlake up; or without Docker: marketlake up --engine embedded"
    return Check("engine", "failed", f"Step Functions Local does not answer at {config.states_url}", advice)


def folder_check(root: Path) -> Check:
    """Whether state can be written in ``root``, and enough of it."""
    there = next(path for path in (root, *root.resolve().parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Check("folder", "failed", f"{root} cannot be written", "choose another: marketlake --root DIR up")
    free = shutil.disk_usage(there).free
    found = f"{root}, {free / 1e9:,.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return Check("folder", "warning", found, "make room, or choose another: marketlake --root DIR up")
    return Check("folder", "ok", found)


def _ports(config: LocalConfig) -> Iterator[Check]:
    for port, what in ((config.port, "embedded AWS"), (config.replay_port, "replay")):
        if processes.port_is_free(port):
            yield Check(f"port {port}", "ok", f"free for the {what}")
        else:
            advice = f"stop what listens there, or: marketlake up --port {config.port + 100}"
            yield Check(f"port {port}", "failed", f"taken by another program; it is for the {what}", advice)


def deployed_check(config: LocalConfig) -> Check:
    """Whether what is deployed was made from the sources as they are now."""
    mark = config.root / "deployed"
    if not mark.is_file():
        return Check("deployment", "failed", "nothing is deployed", "marketlake up")
    if mark.read_text("utf-8").split(" ")[0] != deploy.fingerprint(config):
        return Check("deployment", "warning", "made from other sources than those here now", "marketlake up")
    return Check("deployment", "ok", "made from the sources as they are")
