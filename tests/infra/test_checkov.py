"""Security: the scanner's findings, reasons for what it leaves out, the policies' wildcards, the workflows' actions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.facts import POLICIES, ROOT
from infra.package.locks import UNREACHABLE

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
POLICY_FILES = sorted(POLICIES.rglob("*.json.tftpl"))

SKIP = re.compile(r"checkov:skip=(\w+):?(.*)")
SKIP_WITH_REASON = re.compile(r"checkov:skip=CKV2?_[A-Z]+_\d+: \S.{19,}")
USES = re.compile(r"^\s*(?:- )?uses:\s*(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
BARE_PLACEHOLDER = re.compile(r"(?<!\")\$\{\w+\}(?=\s*[},])")
EXPLAINED = re.compile(r"^\| (`[a-z].*?) \| ([a-z_, ]+) \| .{20,} \|$", re.MULTILINE)


def scan(*folders: str) -> dict[str, Any]:
    """Checkov's answer by framework; the version is the one that the workflow uses."""
    pin = re.search(r'CHECKOV_VERSION: "([\d.]+)"', (ROOT / ".github" / "workflows" / "check.yml").read_text("utf-8"))
    assert pin is not None
    command = [sys.executable, "-m", "uv", "tool", "run", "--system-certs", "--from", f"checkov=={pin[1]}", "checkov"]
    command += ["--framework", "terraform", "github_actions", "--skip-download", "--quiet", "--output", "json"]
    command += [word for folder in folders for word in ("--directory", folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout and UNREACHABLE.search(done.stderr):
        reason = f"checkov cannot be had from the package registry: {done.stderr[-300:]}"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}; CI must run this test")
        pytest.skip(reason)
    assert done.stdout, done.stderr[-2000:]
    return {answer["check_type"]: answer for answer in _documents(done.stdout) if "check_type" in answer}


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """One JSON document a folder, one after the other; a list where it has both frameworks."""
    while text := text.strip():
        document, end = json.JSONDecoder().raw_decode(text)
        yield from document if isinstance(document, list) else [document]
        text = text[end:]


def test_checkov_finds_nothing() -> None:
    answers = scan("infra", ".github")
    assert answers.keys() == {"terraform", "github_actions"}
    for answer in answers.values():
        failed = answer["results"]["failed_checks"]
        assert [(check["check_id"], check["resource"], check["check_name"]) for check in failed] == []
        assert answer["summary"]["parsing_errors"] == 0
        assert answer["summary"]["passed"] > 40


def test_every_skipped_check_has_a_reason() -> None:
    lines = [line for path in sorted((ROOT / "infra").rglob("*.tf")) for line in path.read_text("utf-8").splitlines()]
    skips = [line for line in lines if SKIP.search(line)]
    assert skips
    assert [line for line in skips if not SKIP_WITH_REASON.search(line)] == []


@pytest.mark.parametrize("path", POLICY_FILES, ids=lambda path: path.name.partition(".")[0])
def test_no_action_has_a_wildcard(path: Path) -> None:
    allowed = [action for statement in _allowing(path) for action in _listed(statement["Action"])]
    assert [action for action in allowed if "*" in action or "?" in action] == []
    assert all("NotAction" not in statement and "NotResource" not in statement for statement in _allowing(path))


def test_services_that_publish_to_the_topic_are_held_to_this_account() -> None:
    """Not EventBridge: by a version of AWS's page, no condition works for it there (decision 16)."""
    services = {
        statement["Principal"]["Service"]: statement["Condition"]["StringEquals"]
        for statement in _allowing(POLICIES / "resources" / "topic.json.tftpl")
    }
    assert services == {"cloudwatch.amazonaws.com": {"aws:SourceAccount": "${account_id}"}}


def test_every_resource_of_all_is_explained() -> None:
    explained = {
        (role, action)
        for actions, roles in EXPLAINED.findall((POLICIES / "README.md").read_text("utf-8"))
        for role in roles.split(", ")
        for action in re.findall(r"`([a-z0-9-]+:\w+)`", actions)
    }
    used = {
        (path.name.partition(".")[0], action)
        for path in POLICY_FILES
        for statement in _allowing(path)
        if "*" in _listed(statement.get("Resource", []))
        for action in _listed(statement["Action"])
    }
    assert used == explained


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_hash(path: Path) -> None:
    used = USES.findall(path.read_text("utf-8"))
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


def _allowing(path: Path) -> list[dict[str, Any]]:
    text = BARE_PLACEHOLDER.sub("[]", path.read_text("utf-8"))
    return [statement for statement in json.loads(text)["Statement"] if statement["Effect"] == "Allow"]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
