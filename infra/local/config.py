"""The config of a local AWS emulator; kept beside its state, so that a later command finds the same one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from marketlake.reader.shipped import ACCOUNT_ID as ACCOUNT_ID  # noqa: PLC0414 - others have it from here

ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105 - MiniStack's root credentials; it listens on loopback only
DEFAULT_PORT = 4566
DEFAULT_SEED = 7

Engine = Literal["embedded", "stepfunctions-local"]
"""What runs the state machine: MiniStack itself, or AWS's Step Functions Local in Docker."""


class LocalError(Exception):
    """Something about the emulator on this machine; the message says what to do."""


@dataclass(frozen=True)
class LocalConfig:
    """One emulator. ``root`` holds all of its state; the simulated sources listen on the port above ``port``.

    ``yahoo_url``, ``ecb_url`` and ``frankfurter_url`` are mirrors to ask in place of the live sources, and ``proxy`` is
    the way to them; empty: the sources themselves, and the environment's proxy.
    ``requests_per_second`` is the pace of Yahoo; None: as in an account for the live one, none for the simulated one.
    ``chaos`` names a fault profile (:mod:`infra.faults`), or a JSON file with one.
    """

    root: Path
    port: int = DEFAULT_PORT
    source: Literal["replay", "live"] = "replay"
    prices: Path | None = None
    constituents: Path | None = None
    fx_base: str = "EUR"
    seed: int = DEFAULT_SEED
    chaos: str = "none"
    chaos_seed: int = 1
    prefix: str = "marketlake"
    region: str = "eu-west-2"
    yahoo_url: str = ""
    ecb_url: str = ""
    frankfurter_url: str = ""
    proxy: str = ""
    engine: Engine = "embedded"
    requests_per_second: float | None = None

    @property
    def endpoint_url(self) -> str:
        """Where the AWS APIs answer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def replay_port(self) -> int:
        """Port of the simulated sources."""
        return self.port + 1

    @property
    def replay_url(self) -> str:
        """Where the simulated sources answer."""
        return f"http://127.0.0.1:{self.replay_port}"

    @property
    def states_port(self) -> int:
        """Port of Step Functions Local, where that is the engine."""
        return self.port + 2

    @property
    def states_url(self) -> str:
        """Where Step Functions answers."""
        return self.endpoint_url if self.engine == "embedded" else f"http://127.0.0.1:{self.states_port}"

    def endpoint_of(self, service: str) -> str:
        """Where the API of ``service`` (boto3's name) answers."""
        return self.states_url if service == "stepfunctions" else self.endpoint_url

    def logs(self, process: str) -> Path:
        """Log file of one of the processes."""
        return self.root / "log" / f"{process}.log"

    @property
    def calls(self) -> Path:
        """The record of the functions' API calls, a JSON line each (:mod:`infra.local.ministack_server`)."""
        return self.root / "log" / "calls.jsonl"


def save(config: LocalConfig) -> None:
    """Write ``config`` into its root."""
    config.root.mkdir(parents=True, exist_ok=True)
    (config.root / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(config, enc_hook=str)) + b"\n")


def load(root: Path) -> LocalConfig | None:
    """The config in ``root``, or None if nothing was started there.

    Raises:
        LocalError: the file there is not one of ours.
    """
    path = root / "config.json"
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=LocalConfig, dec_hook=lambda kind, value: kind(value))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} is not readable ({error}); remove {root} to start again from nothing") from error
