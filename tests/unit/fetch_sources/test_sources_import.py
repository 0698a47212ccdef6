from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("pandas", "numpy", "yfinance", "polars", "pyarrow", "curl_cffi")


@pytest.mark.parametrize(
    "module",
    [
        "fetch.sources",
        "fetch.sources.base",
        "fetch.sources.rates",
        "fetch.sources.ecb",
        "fetch.sources.frankfurter",
        "fetch.sources.yahoo",
    ],
)
def test_importing_a_source_loads_no_data_library(module: str) -> None:
    program = f"import sys, {module}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
