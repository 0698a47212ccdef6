"""Every command in the README and the pages exists, and runs as it is printed, on an emulator of the test's own."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from infra.cli.main import app, main
from infra.facts import ROOT
from tests.e2e.docs_commands import Command, commands
from tests.e2e.pipeline import Pipeline, new_pipeline

pytestmark = pytest.mark.xdist_group("docs")

COMMANDS = commands()

NOT_RUN = {
    r"--profile |--region ": "needs an AWS account",
    r"stepfunctions-local": "needs Docker",
    r"--source live|--live": "asks the real sources",
    r"FILE\.csv|--prices$|…|\[": "is a form that a reader fills in",
    r"^marketlake console$": "serves until Ctrl-C; test_console.py drives it",
    r"^marketlake (dlq|dlq redrive|query|retry|restore|as-known|export)$": "is a name in a sentence",
    r"^marketlake (backfill|backfill --force)$": "is a name in a sentence",
    r"^marketlake shell$": "asks for statements; tests/unit/cli/test_ops_shell.py types some",
    r"^marketlake acceptance$": "test_stack_acceptance.py runs it",
    r"--end 2024-12-31$": "takes long; the quarter in the README is the same",
    r"^make down$": "stops the emulator, as the end of this test does",
}
"""What is not run, as patterns, with the reason. Targets of make that call other programs are looked up, not run."""

PRINTED_NAME = re.compile(r"\b(?:run|backfill)-\d{8}T\d{6}-[0-9a-f]{4}\b")
"""Name of an execution of whoever printed a page; here it stands for one that is there."""

FILLED_IN = {"FIRST": "2022-01-04", "DAY": "2022-01-07"}


def reason_not_to_run(command: Command) -> str | None:
    return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, command.text)), None)


def made_by(target: str) -> list[str]:
    """The lines that ``make TARGET`` would run.

    Raises:
        subprocess.CalledProcessError: there is no such target.
    """
    made = subprocess.run([*shlex.split(target), "-n"], cwd=ROOT, capture_output=True, text=True, check=True)
    return made.stdout.splitlines()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.text.startswith("make ")], ids=lambda c: c.text)
def test_each_target_of_make_exists(command: Command) -> None:
    assert made_by(command.text)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.text.startswith("marketlake ")], ids=lambda c: c.text)
def test_each_command_and_its_options_exist(command: Command) -> None:
    found: Any = typer.main.get_command(app)
    known = options_of(found)
    words = re.sub(r"[\[\]]", " ", command.text)
    for word in shlex.split(words)[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in known
        elif word in getattr(found, "commands", {}):
            found = found.commands[word]
            known |= options_of(found)
    assert not hasattr(found, "commands") or command.inline


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def test_each_exception_is_for_a_command_that_is_there() -> None:
    texts = [command.text for command in COMMANDS]
    assert [pattern for pattern in NOT_RUN if not any(re.search(pattern, text) for text in texts)] == []


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Pipeline]:
    """An emulator of its own, which the commands find, with one failed execution; what they write goes to a folder."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", "0.05")
        environment.setenv("MARKETLAKE_ROOT", f"{tmp_path / 'root'}")
        environment.chdir(tmp_path)
        pipeline = new_pipeline(tmp_path / "root")
        yield pipeline
        pipeline.down()


def failed_execution(pipeline: Pipeline) -> str:
    """The name of a new execution whose one batch is a dead letter."""
    pipeline.inject({"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"})
    name = pipeline.run({"datasets": ["fx_rates"], "start": "2021-03-01", "end": "2021-03-03", "force": True}).name
    pipeline.inject()
    return name


def filled_in(text: str, pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> str:
    """``text`` with the names of things that are there."""
    words = dict(FILLED_IN)
    text = PRINTED_NAME.sub("NAME", text)
    if re.search(r"\b(NAME|ID)\b", text):
        words["NAME"] = failed_execution(pipeline)
        capsys.readouterr()
        main(["dlq", "list", "--json"])
        words["ID"] = json.loads(capsys.readouterr().out)[0]["id"]
    return re.sub(rf"\b({'|'.join(words)})\b", lambda found: words[found[0]], text)


def test_each_command_runs_as_printed(emulator: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    failures = []
    for command in COMMANDS:
        if reason_not_to_run(command):
            continue
        lines = made_by(command.text) if command.text.startswith("make ") else [command.text]
        for line in (line.removeprefix(".venv/bin/") for line in lines):
            if not line.startswith("marketlake "):
                continue
            status = main(shlex.split(filled_in(line, emulator, capsys))[1:])
            printed = capsys.readouterr()
            if status != 0:
                failures.append(f"{command.page}: {line}: {status}\n{printed.out[-1000:]}{printed.err[-1000:]}")
    assert failures == []
