from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.cli.main import main
from infra.faults.injector import Injector, Switch
from infra.faults.rules import Profile, Rule
from infra.local.config import LocalConfig
from infra.local.deploy import fingerprint


def test_chaos_says_what_is_on_and_counts_what_was_injected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--root", str(tmp_path), "chaos"]
    assert main(command) == 0
    assert "fault injection is off" in capsys.readouterr().out

    switch = Switch(tmp_path)
    switch.on(Profile((Rule("sqs", "refused"),), "SQS refuses", "always"), 5)
    Injector(switch).pick("sqs", "first")
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "fault injection always, seed 5: SQS refuses" in shown
    assert "off: marketlake up --chaos none" in shown
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"surface": "sqs", "kind": "refused", "injected": 1}]


def test_faults_are_not_injected_in_an_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["chaos"], ["up", "--chaos", "storm"]):
        assert main(["--root", str(tmp_path), "--profile", "x", *arguments]) == 2
        assert "emulator" in capsys.readouterr().err


def test_a_profile_that_is_not_there_is_one_readable_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "up", "--chaos", "strom"]) == 1
    printed = capsys.readouterr().err
    assert "no chaos profile 'strom'" in printed
    assert "storm" in printed
    assert not (tmp_path / "config.json").exists()


def test_faults_are_no_part_of_what_is_deployed(tmp_path: Path) -> None:
    calm = LocalConfig(root=tmp_path)
    assert fingerprint(calm) == fingerprint(LocalConfig(root=tmp_path, chaos="storm", chaos_seed=9))
    assert fingerprint(calm) != fingerprint(LocalConfig(root=tmp_path, fx_base="GBP"))
