"""The command with Step Functions Local as the engine; Docker is a fake, and a stand-in runs the state machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.main import main
from infra.client.target import Target, local_target
from infra.facts import ROOT
from infra.faults.injector import Switch
from infra.local import config as configs
from infra.local import server, stepfunctions_local
from infra.local.config import LocalConfig
from infra.local.processes import port_is_free
from tests.e2e.pipeline import free_port_pair
from tests.inject import profile_of

pytestmark = pytest.mark.xdist_group("stepfunctions_local")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.e2e.fake_docker "$@"\n', "utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker.parent), prepend=":")
    monkeypatch.setenv("FAKE_DOCKER", str(tmp_path))
    monkeypatch.setenv("SFN_WAIT_SCALE", "0.05")
    made = tmp_path / "root"
    yield made
    server.stop(made)


def free_ports() -> int:
    """A port that is free, as are the two above it."""
    while not port_is_free((port := free_port_pair()) + 2):
        pass
    return port


def on_embedded(target: Target, config: LocalConfig) -> list[str]:
    """Names of the state machines on the emulator itself."""
    own = target.session.client("stepfunctions", endpoint_url=config.endpoint_url)
    return [machine["name"] for machine in own.list_state_machines()["stateMachines"]]


def test_the_engine_runs_the_state_machine_and_the_embedded_aws_does_the_rest(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ["--root", str(root)]

    def marketlake(*arguments: str) -> str:
        assert main([*on, *arguments]) == 0, capsys.readouterr()
        return capsys.readouterr().out

    said = marketlake("up", "--port", str(free_ports()), "--engine", "stepfunctions-local")
    config = configs.load(root)
    assert config is not None
    assert f"Step Functions Local at {config.states_url} runs it" in said

    marketlake("backfill", "--start", "2024-01-02", "--end", "2024-01-05", "--dataset", "fx_rates")
    target = local_target(root)
    (execution,) = target.states.list_executions(stateMachineArn=target.state_machine_arn)["executions"]
    assert execution["status"] == "SUCCEEDED"
    assert on_embedded(target, config) == []
    objects = target.s3.list_objects_v2(Bucket=target.names["clean_bucket"], Prefix="clean/fx_rates/")["Contents"]
    assert len(objects) == 4
    assert execution["name"] in marketlake("history", "--json")
    assert "Step Functions Local" in marketlake("doctor")

    # The queue's address, a parameter of the definition, is good for the engine as it is for the command.
    Switch(root).on(profile_of({"kind": "status", "status": 503}), seed=1)
    assert main([*on, "backfill", "--start", "2024-01-08", "--end", "2024-01-09", "--dataset", "fx_rates"]) == 1
    assert "UpstreamUnavailable" in marketlake("dlq", "list")
    assert "UpstreamUnavailable" in marketlake("mail")

    marketlake("down")
    assert not stepfunctions_local.answers(config)
