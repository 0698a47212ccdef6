from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra import facts
from infra.cli.main import main
from infra.cli.options import Setup
from infra.cli.up import wanted_config
from infra.faults.injector import Switch
from infra.local import config as configs
from infra.local import deploy, server
from infra.local.config import LocalConfig
from infra.local.processes import PortTaken
from infra.local.server import Status


def given(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(("port", "source", "prices", "constituents", "fx_base", "seed", "proxy", "yahoo_url")) | values


def test_what_is_not_given_stays_as_it_was_last_time(tmp_path: Path) -> None:
    before = LocalConfig(root=tmp_path, port=4810, source="live", fx_base="GBP", seed=3)
    config = wanted_config(Setup(tmp_path), before, given(seed=4))
    assert (config.port, config.source, config.fx_base, config.seed) == (4810, "live", "GBP", 4)
    assert wanted_config(Setup(tmp_path), None, given()) == LocalConfig(root=tmp_path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[LocalConfig]:
    """The configs that the emulator was started with; it is not really started."""
    found: list[LocalConfig] = []
    replay = {"last_day": "2026-01-05", "prices": {"simulated": True, "seed": 7, "source": "simulated"}}

    def start(config: LocalConfig) -> Status:
        found.append(config)
        configs.save(config)
        Switch(config.root).turn(server.profile_of(config), config.chaos_seed)
        (config.root / "s3").mkdir(exist_ok=True)
        return Status(config, {"ok": True}, replay)

    monkeypatch.setattr(server, "start", start)
    monkeypatch.setattr(server, "status", lambda _root: Status(found[-1], {"ok": True}, replay))
    deployment = deploy.Deployment("arn", {}, changed=True)
    monkeypatch.setattr(deploy, "deploy", lambda _config, last_day: deployment if last_day == "2026-01-05" else None)
    return found


def test_up_starts_deploys_and_says_what_is_simulated(
    tmp_path: Path, started: list[LocalConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(tmp_path), "up", "--port", "4810"]) == 0
    out = capsys.readouterr().out
    assert "http://127.0.0.1:4810" in out
    assert "prices are simulated (seed 7)" in out
    assert [config.port for config in started] == [4810]


def test_other_sources_for_a_lake_that_is_there_are_warned_of(
    tmp_path: Path, started: list[LocalConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--root", str(tmp_path)]
    main([*root, "up"])
    assert "changed" not in capsys.readouterr().out
    main([*root, "up", "--seed", "9", "--fx-base", "GBP"])
    assert "--fx-base and --seed changed" in capsys.readouterr().out
    main([*root, "up"])
    assert "changed" not in capsys.readouterr().out
    assert (started[-1].seed, started[-1].fx_base) == (9, "GBP")
    main([*root, "up", "--defaults"])
    assert (started[-1].seed, started[-1].fx_base) == (7, "EUR")


def test_faults_are_said_on_screen_and_kept_until_they_are_turned_off(
    tmp_path: Path, started: list[LocalConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--root", str(tmp_path)]
    main([*root, "up", "--chaos", "storm", "--chaos-seed", "3"])
    assert "fault injection storm, seed 3" in capsys.readouterr().out
    main([*root, "up"])
    assert (started[-1].chaos, started[-1].chaos_seed) == ("storm", 3)
    assert "fault injection storm, seed 3" in capsys.readouterr().out
    main([*root, "up", "--chaos", "none"])
    assert started[-1].chaos == "none"
    assert "fault injection" not in capsys.readouterr().out


def test_a_taken_port_is_one_readable_line_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def taken(_config: LocalConfig) -> Status:
        raise PortTaken("port 4566 for the emulator is taken by another program")

    monkeypatch.setattr(server, "start", taken)
    assert main(["--root", str(tmp_path), "up"]) == 1
    assert "marketlake: port 4566" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--source", "mars"], ["--port", "80"], ["--seed", "x"], ["--nope"]])
def test_usage_errors_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    assert main(["--root", str(tmp_path), "up", *arguments]) == 2


def test_down_says_whether_anything_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "down"]) == 0
    assert "nothing was running" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--yahoo-url", "http://127.0.0.1:1/y"], "--yahoo-url: simulated sources are asked directly"),
        (["--source", "live", "--ecb-url", "mirror"], "--ecb-url: 'mirror' is not an http or https URL"),
        (["--source", "live", "--proxy", "socks5://127.0.0.1:1"], "--proxy: 'socks5://127.0.0.1:1' is not an http"),
        (["--source", "live", "--frankfurter-url", "http://[::1"], "--frankfurter-url: 'http://[::1' is not a URL"),
    ],
)
def test_what_is_no_mirror_and_no_proxy_is_refused_when_given(
    tmp_path: Path, started: list[LocalConfig], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["--root", str(tmp_path), "up", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert started == []


def test_live_sources_get_their_mirrors_and_the_patience_of_aws(tmp_path: Path) -> None:
    mirrors = {"yahoo_url": "https://y.example.com", "ecb_url": "https://e.example.com", "proxy": "http://p.example:1"}
    values = deploy.values_of(LocalConfig(root=tmp_path, source="live", **mirrors))  # type: ignore[arg-type]
    usual = facts.parameters()
    changed = {name: values[name] for name, value in usual.items() if values[name] != value}
    assert changed == {
        "yahoo_base_url": "https://y.example.com",
        "ecb_base_url": "https://e.example.com",
        "upstream_proxy": "http://p.example:1",
    }
    simulated = deploy.values_of(LocalConfig(root=tmp_path))
    assert {name: simulated[name] for name in deploy.SHORT_WAITS} == deploy.SHORT_WAITS
