"""What `make deploy` says before Terraform starts, and when it builds the packages first."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from infra.cli.preflight import main, problems
from infra.facts import FUNCTIONS, function_names
from infra.package import __main__ as package
from infra.package.sources import source_files
from infra.package.stale import stale_reason
from infra.package.target import targets

ARM = targets()["arm64"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that is needed."""
    (tmp_path / "terraform.tfvars").touch()
    terraform = tmp_path / "terraform"
    terraform.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)


def test_nothing_is_missing(checkout: Path) -> None:
    assert list(problems(checkout)) == []


def test_no_terraform(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert [line.partition(":")[0] for line in problems(checkout)] == ["terraform is not on the PATH"]


def test_no_variables(checkout: Path) -> None:
    (checkout / "terraform.tfvars").unlink()
    (line,) = problems(checkout)
    assert "cp terraform.tfvars.example terraform.tfvars" in line


def test_no_credentials(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(monkeypatch)
    (line,) = problems(checkout)
    assert line == "no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY"


def test_a_profile_that_is_not_there(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    (line,) = problems(checkout)
    assert "nobody" in line
    assert line.endswith("set AWS_PROFILE or AWS_ACCESS_KEY_ID/AWS_SECRET_ACCESS_KEY")


def test_problems_are_lines_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_credentials(monkeypatch)
    monkeypatch.setenv("PATH", "")
    assert main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {"terraform is not on the PATH", "no AWS credentials"} <= {
        line.partition(":")[0] for line in printed.err.splitlines()
    }


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Zips of our sources alone, newer than all that they are made from."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in function_names():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as whole:
            for entry, path in source_files(name).items():
                whole.write(path, entry)
    (folder / "packages.json").write_text(json.dumps({"architecture": "arm64", "python": ARM.python}), "utf-8")
    return folder


def test_fresh_packages_are_left_alone(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stale_reason(ARM, packages) == ""
    monkeypatch.delattr(package, "package")  # building would fail
    assert package.main(["--if-stale", "--out", str(packages)]) == 0


def test_stale_packages_are_built(
    packages: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[object] = []
    monkeypatch.setattr(package, "package", lambda *arguments: built.append(arguments))
    (packages / "fetch.zip").unlink()
    assert package.main(["--if-stale", "--out", str(packages)]) == 0
    assert built == [(ARM, packages)]
    assert capsys.readouterr().out == "Building the packages: fetch.zip is missing or broken\n"


def test_packages_of_another_machine_are_stale(packages: Path) -> None:
    assert stale_reason(targets()["x86_64"], packages) == f"they are for arm64, Python {ARM.python}"
    with zipfile.ZipFile(packages / "plan.zip", "a") as whole:
        whole.writestr("bootstrap", "")
    assert stale_reason(ARM, packages) == "plan.zip is for the embedded AWS"


def test_packages_of_other_sources_are_stale(packages: Path) -> None:
    with zipfile.ZipFile(packages / "report.zip", "a") as whole:
        whole.writestr("report/removed.py", "")
    assert stale_reason(ARM, packages) == "the sources of report changed"


def test_packages_of_an_older_lock_are_stale(packages: Path) -> None:
    earlier = (FUNCTIONS / "functions.json").stat().st_mtime - 1
    os.utime(packages / "packages.json", (earlier, earlier))
    assert stale_reason(ARM, packages) == "a lock or functions.json changed"


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_an_index_that_is_none_is_stale(packages: Path, text: str) -> None:
    (packages / "packages.json").write_text(text, "utf-8")
    assert stale_reason(ARM, packages)
