"""A fake ``docker``: run as a program, it starts the stand-in where Compose would start Step Functions Local.

It reads the shipped compose file: the stand-in gets the environment and the published port that the container would.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from infra.facts import ROOT
from infra.local import processes


def interpolated(text: str) -> str:
    """``text`` with ``${NAME:-default}`` replaced, as Compose does it."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: os.environ.get(found[1]) or found[2], text)


def main(arguments: list[str]) -> None:
    """Do what is asked, as far as ``marketlake`` asks it; all else succeeds and does nothing."""
    folder = Path(os.environ["FAKE_DOCKER"])
    if "up" in arguments:
        compose = interpolated(Path(arguments[arguments.index("--file") + 1]).read_text("utf-8"))
        _start(yaml.safe_load(compose)["services"]["engine"], folder)
    elif "down" in arguments:
        processes.stop(folder / "pid")


def _start(service: dict[str, Any], folder: Path) -> None:
    host, port, _ = service["ports"][0].split(":")
    server = {"GATEWAY_PORT": port, "BIND_HOST": host, "AUTH": "false", "PERSIST_STATE": "0", "S3_PERSIST": "0"}
    server |= {
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": service["environment"]["AWS_DEFAULT_REGION"],
    }
    environment = os.environ | service["environment"] | server
    command = [sys.executable, "-m", "tests.e2e.states_stand_in"]
    processes.spawn(command, environment, folder / "log", folder / "pid", ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
