"""The canary's shell steps, run as they are with a `gh` that only writes down how it was called."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

from infra.facts import ROOT

WORKFLOW = (ROOT / ".github" / "workflows" / "canary.yml").read_text("utf-8")
TITLE = "Canary: a live source does not answer as expected"
CHECKS = [
    {"check": "live Yahoo", "status": "failed", "found": "crumb: `@all` status 429", "advice": "wait"},
    {"check": "live ECB", "status": "ok", "found": "1 EUR = 1.16 USD", "advice": ""},
]

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is on GitHub's machines, not on this one")


def step(name: str) -> str:
    """The script of a step."""
    after = WORKFLOW.partition(f"- name: {name}\n")[2].partition("run: |\n")[2]
    lines = re.match(r"(?: {10}.*\n|\n)+", after)
    assert lines is not None
    return textwrap.dedent(lines[0])


def tool(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n", "utf-8")
    path.chmod(0o755)


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """As a step runs: bash, which stops at the first command that fails."""
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    given = {"PATH": path, "GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary", **environment}
    return subprocess.run(
        ["bash", "-e", "-c", script],  # noqa: S607
        cwd=folder, capture_output=True, text=True, env=given, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("status", "verdict"), [(0, "works"), (1, "broken")])
def test_the_answers_become_a_verdict_and_a_text_that_mentions_nobody(
    tmp_path: Path, status: int, verdict: str
) -> None:
    tool(tmp_path / ".venv" / "bin" / "marketlake", f"cat <<'END'\n{json.dumps(CHECKS)}\nEND\nexit {status}")
    done = run(step("Ask the live sources"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output").read_text("utf-8") == f"verdict={verdict}\n"
    assert (tmp_path / "canary.md").read_text("utf-8").splitlines() == [
        "```text",
        "live Yahoo: failed, crumb: @all status 429. What to do: wait",
        "live ECB: ok, 1 EUR = 1.16 USD",
        "```",
    ]


@pytest.mark.parametrize("printed", ["", "Traceback", "[]"])
def test_a_command_that_says_nothing_fails_the_job(tmp_path: Path, printed: str) -> None:
    tool(tmp_path / ".venv" / "bin" / "marketlake", f"echo '{printed}'\nexit 1")
    assert run(step("Ask the live sources"), tmp_path).returncode != 0


@pytest.mark.parametrize(
    ("verdict", "opened", "wanted"),
    [
        ("broken", [], "issue create"),
        ("broken", [{"number": 7, "title": TITLE}], "issue comment 7"),
        ("broken", [{"number": 8, "title": "another"}], "issue create"),
        ("works", [{"number": 7, "title": TITLE}], "issue close 7"),
        ("works", [], ""),
    ],
)
def test_there_is_one_issue_while_a_source_is_broken(
    tmp_path: Path, verdict: str, opened: list[dict[str, Any]], wanted: str
) -> None:
    # gh's --jq is jq's language: the last argument of `issue list`.
    answer = f"echo '{json.dumps(opened)}' | jq -r \"${{@: -1}}\""
    tool(tmp_path / "bin" / "gh", f'if [ "$2" = list ]; then {answer}; else echo "$@" >> calls; fi')
    (tmp_path / "canary.md").write_text("what was found\n", "utf-8")
    done = run(step("Open, continue or close the issue"), tmp_path, VERDICT=verdict, TITLE=TITLE, RUN_URL="https://run")
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text("utf-8") if (tmp_path / "calls").exists() else ""
    assert calls.startswith(wanted)
    assert len(calls.splitlines()) == bool(wanted)
    assert (tmp_path / "body.md").read_text("utf-8").endswith("\n\nwhat was found\n")


def test_the_job_that_runs_code_may_write_nothing() -> None:
    probe, _, tell = WORKFLOW.partition("  tell:\n")
    assert "permissions: {}" in probe
    assert "contents: read" in probe
    assert "write" not in re.sub(r"#.*", "", probe)
    assert "issues: write" in tell
    assert "checkout" not in tell
