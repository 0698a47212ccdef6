"""A cold start pays for what is imported: what each handler must not load, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ["polars", "pandas", "pyarrow", "yfinance", "numpy"]

FORBIDDEN = {
    "plan": [*HEAVY, "boto3"],
    "athena_check": [*HEAVY, "boto3"],
    "report": [*HEAVY, "boto3"],
    "validate": ["pandas", "pyarrow", "yfinance", "boto3"],
    "transform": ["pandas", "pyarrow", "yfinance", "boto3"],
    "fetch": ["polars", "pandas", "yfinance", "pyarrow", "numpy", "boto3"],
}

CODE = """
import sys, {function}.handler
print(*sorted(set(name.partition(".")[0] for name in sys.modules)))
"""


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_handler_loads_no_more_than_its_bundle(function: str) -> None:
    command = [sys.executable, "-c", CODE.format(function=function)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert {"aws_lambda_powertools", "marketlake", function} <= loaded, "the probe itself works"
    assert not loaded & set(FORBIDDEN[function])
    # Tests, the command and the emulator are in no function's zip.
    assert not loaded & {"infra", "tests", "pytest", "moto", "duckdb"}
