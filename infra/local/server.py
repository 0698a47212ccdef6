"""Start, find and stop an emulator: MiniStack and, unless the sources are live, the simulated sources."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.facts import ROOT
from infra.faults.injector import Switch
from infra.faults.rules import OFF, Profile, load_profile
from infra.local import config as configs
from infra.local import processes, stepfunctions_local
from infra.local.config import ACCESS_KEY, SECRET_KEY, LocalConfig, LocalError

DEFAULT_ROOT = (ROOT if (ROOT / "pyproject.toml").exists() else Path.cwd()) / ".marketlake"
"""In the repository; where the package is installed without it, in the folder in which a command is run."""
EMULATOR, SOURCES = "the local AWS emulator", "the simulated sources"


@dataclass(frozen=True)
class Status:
    """What is running for a root; ``health`` and ``replay`` are what the servers report, None if they do not answer.

    ``states`` is whether Step Functions Local answers; True where it is not the engine.
    """

    config: LocalConfig | None
    health: dict[str, Any] | None
    replay: dict[str, Any] | None
    states: bool = True

    @property
    def running(self) -> bool:
        """Whether everything that the config asks for answers."""
        if self.config is None or self.health is None or not self.states:
            return False
        return self.config.source == "live" or self.replay is not None


def status(root: Path) -> Status:
    """What is running for ``root``."""
    config = configs.load(root)
    if config is None:
        return Status(None, None, None)
    health = processes.get_json(_health_url(config)) if processes.pid_of(_pid(config, "ministack")) else None
    replay = processes.get_json(f"{config.replay_url}/health") if processes.pid_of(_pid(config, "replay")) else None
    return Status(config, health, replay, config.engine == "embedded" or stepfunctions_local.answers(config))


def start(config: LocalConfig) -> Status:
    """Start what is not running yet, and restart what runs with another config. Faults alone change while it runs.

    Raises:
        PortTaken: another program listens on a port that is needed.
        NotStarted: a process ended or does not answer.
        NoDocker: the engine is Step Functions Local, and there is no Docker; nothing was started or stopped.
        LocalError: a file that the config names is not there.
        BadProfile: the config does not name a fault profile.
    """
    config = _resolved(config)
    if config.engine == "stepfunctions-local":
        stepfunctions_local.require_docker()
    profile = profile_of(config)
    before = status(config.root)
    old = before.config and replace(before.config, chaos=config.chaos, chaos_seed=config.chaos_seed)
    if old is not None and old != config and _anything(before):
        stop(config.root)
        before = Status(None, None, None)
    if config.engine == "stepfunctions-local" and (before.config is None or not before.states):
        stepfunctions_local.start(config)
    configs.save(config)
    Switch(config.root).turn(profile, config.chaos_seed)
    if before.health is None:
        _start_ministack(config)
    if config.source == "replay" and before.replay is None:
        _start_sources(config)
    now = status(config.root)
    if not now.running:
        raise LocalError(f"the emulator did not start; see the logs in {config.root / 'log'}")
    return now


def stop(root: Path) -> bool:
    """Stop what runs for ``root``; MiniStack saves its state on the way. False where nothing ran."""
    config = configs.load(root)
    if config is None:
        return False
    stopped = [processes.stop(_pid(config, "replay")), processes.stop(_pid(config, "ministack"))]
    if config.engine == "stepfunctions-local":
        stopped.append(stepfunctions_local.stop(config))
    return any(stopped)


def profile_of(config: LocalConfig) -> Profile | None:
    """The profile of faults that ``config`` names, or None where fault injection is off.

    Raises:
        BadProfile: no profile has this name, or it cannot be understood.
        LocalError: it needs simulated sources, and they are live.
    """
    if config.chaos == OFF:
        return None
    profile = load_profile(config.chaos)
    if config.source == "live" and profile.concerns("upstream"):
        raise LocalError(f"the profile {config.chaos} makes faults in simulated sources; give --source replay too")
    return profile


def _anything(found: Status) -> bool:
    on_docker = found.config is not None and found.config.engine == "stepfunctions-local"
    return bool(found.health or found.replay or (on_docker and found.states))


def _resolved(config: LocalConfig) -> LocalConfig:
    for path in (config.prices, config.constituents):
        if path is not None and not path.is_file():
            raise LocalError(f"{path} is not a file; give the path of a CSV file")
    return replace(
        config,
        root=config.root.resolve(),
        prices=config.prices and config.prices.resolve(),
        constituents=config.constituents and config.constituents.resolve(),
        chaos=str(Path(config.chaos).resolve()) if config.chaos.endswith(".json") else config.chaos,
    )


def _start_ministack(config: LocalConfig) -> None:
    processes.require_free(config.port, EMULATOR)
    for folder in ("s3", "state", "tmp"):
        (config.root / folder).mkdir(parents=True, exist_ok=True)
    pid_file, log = _pid(config, "ministack"), config.logs("ministack")
    command = [sys.executable, "-m", "infra.local.ministack_server"]
    processes.spawn(command, ministack_environment(config), log, pid_file, config.root)
    processes.wait_until_up(_health_url(config), pid_file, log, EMULATOR)


def _start_sources(config: LocalConfig) -> None:
    processes.require_free(config.replay_port, SOURCES)
    command = [sys.executable, "-m", "infra.sources"]
    command += ["--port", str(config.replay_port), "--seed", str(config.seed), "--chaos-root", str(config.root)]
    command += ["--prices", str(config.prices)] if config.prices else []
    command += ["--constituents", str(config.constituents)] if config.constituents else []
    pid_file, log = _pid(config, "replay"), config.logs("replay")
    processes.spawn(command, dict(os.environ), log, pid_file, ROOT)
    processes.wait_until_up(f"{config.replay_url}/health", pid_file, log, SOURCES)


def ministack_environment(config: LocalConfig) -> dict[str, str]:
    """Environment of the server, which the functions inherit: nothing of the caller's AWS settings reaches them."""
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MINISTACK_", "PYTHON"))
    }
    return {
        **inherited,
        "GATEWAY_PORT": str(config.port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(config.root / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(config.root / "s3"),
        "TMPDIR": str(config.root / "tmp"),
        "MINISTACK_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_ENDPOINT_URL": config.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "ATHENA_ENGINE": "duckdb",
        # Listeners that MiniStack would open too, one of them on all interfaces.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MARKETLAKE_PYTHON": sys.executable,
        "MARKETLAKE_WORKER": str(Path(__file__).with_name("worker.py")),
        "MARKETLAKE_ENGINE": config.engine,
        "MARKETLAKE_CHAOS_ROOT": str(config.root),
        "MARKETLAKE_CALLS": str(config.calls),
        "LOG_LEVEL": "WARNING",
    }


def _health_url(config: LocalConfig) -> str:
    return f"{config.endpoint_url}/_ministack/health"


def _pid(config: LocalConfig, process: str) -> Path:
    return config.root / f"{process}.pid"
