"""``--output``, what reads the output going away, and Ctrl-C: the same for all commands."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer

from infra.cli import doctor, partitions
from infra.cli.main import app
from infra.cli.screen import Screen
from infra.client.errors import EXIT_STATUSES, OpsError, Refusal
from tests.unit.cli.conftest import Command

WITHOUT = {"up", "down", "console", "purge"}
"""Commands that have nothing to write."""


def commands(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        yield from commands(command) if hasattr(command, "commands") else [command]


def test_each_command_that_prints_takes_output_and_replace() -> None:
    taking = {
        command.name: {name for parameter in command.params for name in parameter.opts}
        for command in commands(typer.main.get_command(app))
    }
    assert len(taking) > 15
    assert {name for name, options in taking.items() if not {"--output", "-o", "--replace"} <= options} == WITHOUT


def test_a_file_has_what_the_terminal_shows_and_the_terminal_nothing(
    command: Command, store: Any, tmp_path: Path
) -> None:
    store("fx_rates", date(2025, 12, 22))
    shown, path = command("partitions", "fx_rates"), tmp_path / "days.txt"
    printed = command("partitions", "fx_rates", "--output", f"{path}")
    assert (printed.status, printed.out) == (0, "")
    assert path.read_text("utf-8") == shown.out
    assert "fx_rates" in shown.out


def test_the_ending_json_is_json(command: Command, store: Any, tmp_path: Path) -> None:
    store("fx_rates", date(2025, 12, 22))
    path = tmp_path / "days.json"
    assert command("partitions", "fx_rates", "-o", f"{path}").status == 0
    assert json.loads(path.read_text("utf-8")) == command("partitions", "fx_rates", "--json").document


@pytest.mark.parametrize("name", ["days.csv", "nowhere/days.txt", "there.txt", "days.txt/x.txt"])
def test_a_file_that_cannot_be_written_is_refused_in_a_line_and_nothing_is_looked_at(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(partitions, "take_inventory", None)
    (tmp_path / "there.txt").write_text("mine")
    printed = command("partitions", "--output", f"{tmp_path / name}")
    assert printed.status == 2
    assert len(printed.err.splitlines()) <= 2
    assert name in printed.err
    assert (tmp_path / "there.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["there.txt"]


def test_replace_replaces(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "there.txt"
    path.write_text("mine")
    assert command("partitions", "--output", f"{path}", "--replace").status == 0
    assert "no day is stored yet" in path.read_text()


def test_a_command_that_fails_leaves_no_file_and_the_old_one(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OpsError("no [bold]luck")

    monkeypatch.setattr(partitions, "take_inventory", fail)
    path = tmp_path / "there.txt"
    path.write_text("mine")
    printed = command("partitions", "--output", f"{path}", "--replace")
    assert (printed.status, printed.out) == (1, "")
    assert "no [bold]luck" in printed.err
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_list_of_problems_is_written_whatever_the_status(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "all_checks", lambda _: [doctor.Check("python", "failed", "too old", "a new one")])
    path = tmp_path / "checks.json"
    assert command("doctor", "--output", f"{path}").status == 1
    assert [check["status"] for check in json.loads(path.read_text())] == ["failed"]


def test_ctrl_c_is_a_line_and_130(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(partitions, "take_inventory", stop)
    printed = command("partitions")
    assert (printed.status, printed.err.strip()) == (130, "marketlake: stopped")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nobody_reading_is_141_and_silence(form: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "infra.cli.main", "query", "--list", *form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_each_error_s_exit_status_is_in_the_table() -> None:
    def below(cls: type[OpsError]) -> Iterator[type[OpsError]]:
        yield cls
        for child in cls.__subclasses__():
            yield from below(child)

    assert {0, *(cls.status for cls in below(OpsError))} == set(EXIT_STATUSES)
    assert Refusal.status == 2, "as Click's own for an unknown option"


def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is written to standard error, which is a terminal."""
    written = io.StringIO()
    written.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setenv("TERM", "xterm")
    return written


def test_a_bar_names_each_step_and_leaves_standard_output_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = terminal(monkeypatch)
    screen = Screen()
    with screen.progress("asking", 2) as step:
        for name in ("[red]one", "two"):
            step(name)
            screen.err._live_stack[-1].refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.getvalue())
    assert "0/2 steps" in text
    assert "1/2 steps" in text
    assert "asking [red]one" in text
    assert "left" in text
    assert capsys.readouterr().out == ""


def test_in_a_log_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(Screen().each("looking at", ["a", "b"])) == ["a", "b"]
    assert capsys.readouterr() == ("", "")
