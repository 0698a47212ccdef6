"""The compose file of Step Functions Local, read as Compose reads it; no container was started from it here."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from infra.facts import ROOT
from infra.local.config import ACCESS_KEY, ACCOUNT_ID, SECRET_KEY, LocalConfig
from infra.local.stepfunctions_local import COMPOSE

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
DEFAULT = LocalConfig(root=ROOT)
PINNED = re.compile(r"[a-z/-]+:\d+\.\d+\.\d+(\.\d+)?")

every_service = pytest.mark.parametrize("name", SERVICES)


@every_service
def test_images_are_pinned_and_nothing_starts_unasked(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])
    assert SERVICES[name]["profiles"] == ["tests" if name == "tests" else "engine"]


@every_service
def test_all_listen_on_loopback_only(name: str) -> None:
    service = SERVICES[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    listening = re.findall(r"(\S+)-LISTEN:(\S+)", service.get("command", ""))
    if "network_mode" not in service:
        assert service["ports"]
        assert not listening
    elif service["network_mode"] == "host":
        assert [kind for kind, _ in listening] == ["UNIX"]
    else:
        assert [(kind, "bind=127.0.0.1" in options) for kind, options in listening] == [("TCP", True)]


@pytest.mark.parametrize("name", ["engine", "tests"])
def test_arns_and_credentials_are_those_of_the_emulator(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["AWS_ACCOUNT_ID"] == ACCOUNT_ID
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) == (ACCESS_KEY, SECRET_KEY)
    assert DEFAULT.region in environment["AWS_DEFAULT_REGION"]


def test_ports_without_settings_are_those_of_a_first_start() -> None:
    text = COMPOSE.read_text("utf-8")
    assert set(re.findall(r"MARKETLAKE_PORT:-(\d+)", text)) == {str(DEFAULT.port)}
    assert set(re.findall(r"MARKETLAKE_STATES_PORT:-(\d+)", text)) == {str(DEFAULT.states_port)}


def test_every_service_that_the_definition_calls_is_the_emulators() -> None:
    definition = (ROOT / "statemachine" / "pipeline.asl.json").read_text("utf-8")
    called = {service.upper() for service in re.findall(r":states:::(\w+):", definition)}
    endpoints = {key: value for key, value in SERVICES["engine"]["environment"].items() if key.endswith("_ENDPOINT")}
    assert {key.removesuffix("_ENDPOINT") for key in endpoints} == called
    assert set(endpoints.values()) == {"http://127.0.0.1:${MARKETLAKE_PORT:-4566}"}


def test_the_tests_of_the_definition_get_their_file() -> None:
    source, target, mode = SERVICES["tests"]["volumes"][0].split(":")
    assert (COMPOSE.parent / source).resolve() == ROOT / "tests" / "statemachine" / "MockConfigFile.json"
    assert target == SERVICES["tests"]["environment"]["SFN_MOCK_CONFIG"]
    assert mode == "ro"
