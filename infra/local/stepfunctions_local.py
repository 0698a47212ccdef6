"""AWS's Step Functions Local beside the emulator: a Docker container that runs the state machine in its place.

It calls the emulator's Lambda, SQS and SNS (``compose.yaml``), and keeps its executions in memory only.
https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local.html
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.local import processes
from infra.local.config import ACCESS_KEY, SECRET_KEY, LocalConfig, LocalError
from infra.local.processes import NotStarted

COMPOSE = Path(__file__).with_name("compose.yaml")
WITHOUT = "or run the state machine on the emulator itself, which needs no Docker: marketlake up --engine embedded"

LOOK_SECONDS = 30
PULL_SECONDS = 900
"""Longest wait for the images to come, at the first start."""

START_SECONDS = 60.0
"""Longest wait for an answer; it refuses calls for some ten seconds after its start."""


class NoDocker(LocalError):
    """Docker, its Compose plugin or its engine is not there; nothing was started."""


def require_docker() -> None:
    """Check that containers can be started.

    Raises:
        NoDocker: with what to install or start.
    """
    if shutil.which("docker") is None:
        raise NoDocker(f"Step Functions Local needs Docker, and there is no `docker` here; install it, {WITHOUT}")
    if _docker("compose", "version", seconds=LOOK_SECONDS).returncode:
        raise NoDocker(f"Step Functions Local needs Docker Compose 2; install the plugin docker-compose, {WITHOUT}")
    if (asked := _docker("version", seconds=LOOK_SECONDS)).returncode:
        raise NoDocker(f"Docker's engine does not answer ({processes.last_line(asked.stderr)}); start it, {WITHOUT}")


def start(config: LocalConfig) -> None:
    """Start the container and its relays, and wait until it answers; ``require_docker`` comes first.

    Raises:
        PortTaken: something else listens on its port.
        NotStarted: an image cannot be had, or it does not answer; its containers are removed again.
    """
    processes.require_free(config.states_port, "Step Functions Local")
    try:
        done = _compose(config, "up", "--detach", "--wait")
        if done.returncode:
            raise NotStarted(
                f"Step Functions Local did not start: {processes.last_line(done.stderr)}; correct that, {WITHOUT}"
            )
        if not processes.wait_for(lambda: answers(config), START_SECONDS):
            raise NotStarted(
                f"Step Functions Local did not answer at {config.states_url} within {START_SECONDS:.0f} s; "
                f"try again, {WITHOUT}"
            )
    except (NotStarted, KeyboardInterrupt):
        _compose(config, "down", "--volumes")
        raise


def stop(config: LocalConfig) -> bool:
    """Remove the container and its relays; False where it did not answer before.

    Raises:
        NoDocker, LocalError: Docker cannot do it.
    """
    answered = answers(config)
    require_docker()
    done = _compose(config, "down", "--volumes")
    if done.returncode:
        raise LocalError(
            f"Step Functions Local did not stop: {processes.last_line(done.stderr)}; "
            f"look at its containers with: docker ps --filter name={_project(config)}"
        )
    return answered


def answers(config: LocalConfig) -> bool:
    """Whether Step Functions answers at the config's port."""
    client = boto3.client(
        "stepfunctions",
        endpoint_url=config.states_url,
        region_name=config.region,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}),
    )
    try:
        client.list_state_machines(maxResults=1)
    except (BotoCoreError, ClientError):
        return False
    return True


def _project(config: LocalConfig) -> str:
    return f"marketlake-{config.port}"


def _compose(config: LocalConfig, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ["--project-name", _project(config), "--file", str(COMPOSE), "--profile", "engine"]
    settings = {
        "MARKETLAKE_PORT": str(config.port),
        "MARKETLAKE_STATES_PORT": str(config.states_port),
        "MARKETLAKE_REGION": config.region,
    }
    return _docker("compose", *options, *arguments, seconds=PULL_SECONDS, **settings)


def _docker(*arguments: str, seconds: float, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("docker") or "docker", *arguments]
    try:
        return subprocess.run(
            command, env=os.environ | settings, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"`docker {arguments[0]}` took over {seconds:.0f} s; look at it with: docker info") from error
