"""Step Functions Local as the engine, with a fake ``docker`` that keeps what it was asked; no container is started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ministack.core import iam_evaluator
from ministack.services import sts

from infra.cli.doctor import engine_check
from infra.cli.main import main
from infra.cli.options import Setup
from infra.cli.up import wanted_config
from infra.client.target import local_target
from infra.local import config as configs
from infra.local import ministack_server, processes, server, stepfunctions_local
from infra.local.config import ACCOUNT_ID, LocalConfig
from infra.local.processes import NotStarted
from infra.local.server import Status

ENGINE_ASKED = "=version="
FAKE = """#!/bin/sh
echo "$* MARKETLAKE_PORT=$MARKETLAKE_PORT MARKETLAKE_STATES_PORT=$MARKETLAKE_STATES_PORT" >> "{log}"
case "=$*=" in *"{failing}"*) echo "first line" >&2; echo "{words}" >&2; exit 1;; esac
"""


@dataclass(frozen=True)
class FakeDocker:
    """A folder for PATH with a ``docker`` that records its arguments."""

    folder: Path

    def install(self, failing: str = "nothing", words: str = "") -> None:
        """Put it there; calls whose arguments hold ``failing`` end with exit status 1 and ``words``."""
        script = self.folder / "docker"
        script.write_text(FAKE.format(log=self.folder / "log", failing=failing, words=words), "utf-8")
        script.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """What it was asked, in order."""
        log = self.folder / "log"
        return log.read_text("utf-8").splitlines() if log.exists() else []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return FakeDocker(folder)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalConfig:
    """A config with Step Functions Local, whose ports are free and which answers at once."""
    monkeypatch.setattr(processes, "require_free", lambda _port, _what: None)
    monkeypatch.setattr(stepfunctions_local, "answers", lambda _config: True)
    return LocalConfig(root=tmp_path / "root", port=4810, engine="stepfunctions-local")


def up(config: LocalConfig) -> int:
    return main(["--root", str(config.root), "up", "--engine", "stepfunctions-local"])


@pytest.mark.parametrize(
    ("failing", "words", "message"),
    [
        (None, "", "install it"),
        ("=compose version=", "unknown command: docker compose", "install the plugin docker-compose"),
        (ENGINE_ASKED, "Cannot connect to the Docker daemon", "(Cannot connect to the Docker daemon); start it"),
    ],
)
def test_without_docker_it_is_refused_with_what_to_do_and_nothing_is_started(
    failing: str | None,
    words: str,
    message: str,
    docker: FakeDocker,
    config: LocalConfig,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if failing:
        docker.install(failing, words)
    monkeypatch.setattr(processes, "spawn", lambda *_: pytest.fail("a process was started"))
    monkeypatch.setattr(server, "stop", lambda _root: pytest.fail("what ran was stopped"))
    assert up(config) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "marketlake up --engine embedded" in err
    assert not (config.root / "config.json").exists()
    assert not any(" up " in call for call in docker.calls)


def test_its_container_is_started_with_the_ports_of_the_config_and_removed(
    docker: FakeDocker, config: LocalConfig
) -> None:
    docker.install()
    stepfunctions_local.start(config)
    assert stepfunctions_local.stop(config)
    options = f"compose --project-name marketlake-4810 --file {stepfunctions_local.COMPOSE} --profile engine"
    ports = "MARKETLAKE_PORT=4810 MARKETLAKE_STATES_PORT=4812"
    asked = [call for call in docker.calls if "--project-name" in call]
    assert asked == [f"{options} up --detach --wait {ports}", f"{options} down --volumes {ports}"]


def test_a_start_that_fails_leaves_no_container_and_no_config(docker: FakeDocker, config: LocalConfig) -> None:
    docker.install(" up ", "pull access denied")
    with pytest.raises(NotStarted, match=r"pull access denied.*marketlake up --engine embedded"):
        server.start(config)
    assert "down --volumes" in docker.calls[-1]
    assert not (config.root / "config.json").exists()


def test_one_that_never_answers_is_removed(
    docker: FakeDocker, config: LocalConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.install()
    monkeypatch.setattr(stepfunctions_local, "answers", lambda _config: False)
    monkeypatch.setattr(stepfunctions_local, "START_SECONDS", 0.0)
    with pytest.raises(NotStarted, match=r"did not answer at http://127.0.0.1:4812"):
        stepfunctions_local.start(config)
    assert "down --volumes" in docker.calls[-1]


def test_down_removes_the_container_where_that_is_the_engine(docker: FakeDocker, config: LocalConfig) -> None:
    docker.install()
    configs.save(replace(config, engine="embedded"))
    assert not server.stop(config.root)
    assert docker.calls == []
    configs.save(config)
    assert server.stop(config.root)
    assert "down --volumes" in docker.calls[-1]


def test_the_engine_is_kept_and_only_its_api_is_elsewhere(config: LocalConfig) -> None:
    configs.save(config)
    kept = configs.load(config.root)
    assert kept == config
    assert wanted_config(Setup(config.root), kept, {"seed": 3}).engine == "stepfunctions-local"
    assert config.endpoint_of("stepfunctions") == "http://127.0.0.1:4812"
    assert config.endpoint_of("s3") == "http://127.0.0.1:4810"
    assert replace(config, engine="embedded").endpoint_of("stepfunctions") == "http://127.0.0.1:4810"


def test_commands_ask_the_engine_for_executions_and_the_emulator_for_the_rest(
    config: LocalConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "status", lambda _root: Status(config, {"ok": True}, None))
    target = local_target(config.root)
    asked: Any = (target.states, target.s3, target.sqs, target.athena)
    assert [client.meta.endpoint_url for client in asked] == ["http://127.0.0.1:4812"] + ["http://127.0.0.1:4810"] * 3


def test_an_engine_that_is_gone_is_not_running_and_doctor_says_so(config: LocalConfig) -> None:
    assert not Status(config, {"ok": True}, {"last_day": ""}, states=False).running
    found = engine_check(config, False)
    assert (found.status, "http://127.0.0.1:4812" in found.found) == ("failed", True)
    assert engine_check(config, True).status == "ok"


def test_unknown_keys_are_the_accounts_own_and_roles_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step Functions Local signs with a key of its own, which the emulator would refuse."""
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/marketlake-fetch/fetch",
        "AccountId": ACCOUNT_ID,
        "SecretAccessKey": "s",
        "SessionToken": "t",
    }
    monkeypatch.setitem(sts._sessions, "ASIAFETCH", session)
    principals = {key: _principal(key) for key in ("AKIAUNKNOWN", "ASIAFETCH")}
    assert principals == {"AKIAUNKNOWN": "refused", "ASIAFETCH": session["Arn"]}
    monkeypatch.setattr(iam_evaluator, "is_root_access_key", iam_evaluator.is_root_access_key)  # put back afterwards
    ministack_server.trust_unknown_keys()
    assert _principal("AKIAUNKNOWN") == f"arn:aws:iam::{ACCOUNT_ID}:root"
    assert _principal("ASIAFETCH") == session["Arn"]


def _principal(key: str) -> str:
    found = iam_evaluator.resolve_credential(key, ACCOUNT_ID)
    return str(getattr(found, "principal_arn", "refused"))


def test_the_server_gets_the_engine(config: LocalConfig) -> None:
    assert server.ministack_environment(config)["MARKETLAKE_ENGINE"] == "stepfunctions-local"
