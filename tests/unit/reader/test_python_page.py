"""docs/python.md: its code runs in the order of the page, its tables are what the library answers and raises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from marketlake import Lake
from marketlake.reader import errors
from tests.lake_root import CODE, PAGE, sample_root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_root(tmp_path_factory.mktemp("page") / ".marketlake")


def test_the_code_runs_as_printed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAKE_ROOT", f"{root}")
    found: dict[str, Any] = {"pl": pl, "duckdb": duckdb}
    for block in CODE:
        exec(block, found)  # noqa: S102 - the page's own code
    assert len(CODE[0].strip().splitlines()) == 5, "the five lines"
    assert found["prices"].height == 2 * 21
    assert found["holes"].is_empty()
    assert found["total"].height == 2
    assert found["against"].height == found["prices"].height
    assert found["mean"].collect().height == len(found["lake"].sql("SELECT DISTINCT target_currency FROM fx_rates"))


def test_the_columns_are_those_of_the_answers(root: Path) -> None:
    lake = Lake.local(root)
    rows = re.findall(r"^\| `(\w+)\(.*?\)` \| .*? \| (.*) \|$", PAGE, re.MULTILINE)
    said = {method: re.findall(r"`(\w+)`", columns) for method, columns in rows}
    answers: dict[str, Any] = {
        "prices": lake.prices("AZN.L", currency="EUR"),
        "index": lake.index(),
        "rates": lake.rates("USD"),
        "actions": lake.actions(),
        "gaps": lake.gaps("fx_rates"),
    }
    assert said == {method: frame.columns for method, frame in answers.items()}
    made = re.findall(r"\*`(\w+)`\*", PAGE)
    assert made == re.findall(r"^\| `(\w+)` \| [^|]*\|[^|]*\|$", PAGE, re.MULTILINE)
    assert made == [
        name for name in answers["prices"].columns if name not in lake.prices("AZN.L", adjusted=False).columns
    ]


def test_each_error_is_on_the_page() -> None:
    classes = {
        name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, errors.LakeError)
    }
    table = PAGE[PAGE.index("| error, all of them") :].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == classes
