"""The wheel for readers installs into an empty environment, without what it is not for, and reads a lake from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.facts import ROOT
from infra.package.locks import RegistryUnreachable, run_uv
from tests.infra.bundles_built import no_registry
from tests.lake_root import CODE, sample_root

NOT_FOR_READERS = {"yfinance", "ministack", "pandas", "pyarrow", "numpy", "currencyconverter", "curl_cffi", "starlette"}


def test_it_installs_as_a_tool_and_reads_a_lake_by_the_five_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("marketlake-*.whl")
    monkeypatch.setenv("UV_TOOL_DIR", f"{tmp_path / 'tools'}")
    monkeypatch.setenv("UV_TOOL_BIN_DIR", f"{tmp_path / 'bin'}")
    try:
        run_uv(["tool", "install", "--quiet", "--python", sys.executable, str(wheel)])
    except RegistryUnreachable as error:
        no_registry(error)
    python = tmp_path / "tools" / "marketlake" / "bin" / "python"
    listed = run_uv(["pip", "freeze", "--python", str(python)])
    assert {line.partition("==")[0].lower() for line in listed.splitlines()} & NOT_FOR_READERS == set()

    environment = {
        "MARKETLAKE_ROOT": f"{sample_root(tmp_path / 'lake')}",
        "HOME": f"{tmp_path}",
        "PATH": os.environ["PATH"],
    }

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    sql = "lake.sql('SELECT count(*) FROM ftse100_prices_adjusted').item()"
    printed = run(python, "-c", f"{CODE[0]}\nprint({sql}, lake.simulated)")
    assert "2022-09-30 ┆ SHEL.L" in printed
    assert "2079 prices are simulated (seed 7)" in printed
    command = tmp_path / "bin" / "marketlake"
    assert "total_return" in run(command, "query", "--list", "--json")
    refused = subprocess.run([command, "console"], env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused.stderr
    assert "for those who only read" in " ".join(refused.stderr.split())
    shutil.rmtree(tmp_path / "tools")  # 0.3 GB, and pytest keeps the last three
