"""The emulator's Athena over files that were written under other versions of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from infra.local.ministack_server import parquet_of

TABLE: dict[str, Any] = {
    "StorageDescriptor": {
        "Columns": [
            {"Name": "ticker", "Type": "string"},
            {"Name": "close", "Type": "double"},
            {"Name": "volume", "Type": "bigint"},
        ]
    },
    "PartitionKeys": [{"Name": "dt", "Type": "string"}],
}

FILES = {
    "2026-01-05": pl.DataFrame({"ticker": ["A.L"], "close": [1.0], "volume": [10]}),
    "2026-01-06": pl.DataFrame({"ticker": ["A.L"], "close": [2.0]}),  # before volume was added
    "2026-01-07": pl.DataFrame({"gone": ["x"], "ticker": ["A.L"], "close": [3.0], "volume": [30]}),  # one was removed
    "2026-01-08": pl.DataFrame({"volume": [40], "close": [4.0], "ticker": ["A.L"]}),  # in another order
}

ROWS = [
    ("A.L", 1.0, 10, "2026-01-05"),
    ("A.L", 2.0, None, "2026-01-06"),
    ("A.L", 3.0, 30, "2026-01-07"),
    ("A.L", 4.0, 40, "2026-01-08"),
]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Day to path."""
    paths = {day: tmp_path / f"dt={day}" / "part-0.parquet" for day in FILES}
    for day, path in paths.items():
        path.parent.mkdir()
        FILES[day].write_parquet(path)
    return {day: str(path) for day, path in paths.items()}


@pytest.mark.parametrize("first", list(FILES))
def test_columns_are_those_of_the_table_by_name_whichever_file_comes_first(files: dict[str, str], first: str) -> None:
    ordered = sorted(files.values(), key=lambda path: (first not in path, path))
    found = duckdb.execute(f"SELECT * FROM {parquet_of(TABLE, ordered)} AS prices ORDER BY dt")  # noqa: S608
    assert [column[0] for column in found.description or []] == ["ticker", "close", "volume", "dt"]
    assert found.fetchall() == ROWS


@pytest.mark.parametrize(
    ("where", "days"),
    [
        ("dt = '2026-01-07'", {"2026-01-07"}),
        ("dt BETWEEN '2026-01-05' AND '2026-01-06'", {"2026-01-05", "2026-01-06"}),
        ("dt = '2026-01-05' OR dt BETWEEN '2026-01-07' AND '2026-01-08'", {"2026-01-05", "2026-01-07", "2026-01-08"}),
    ],
)
def test_only_the_files_of_the_days_asked_for_are_opened(files: dict[str, str], where: str, days: set[str]) -> None:
    for day in set(files) - days:
        Path(files[day]).write_bytes(b"not Parquet")
    relation = parquet_of(TABLE, list(files.values()))
    # Grouped and united, as AthenaCheck asks.
    one = f"SELECT dt, count(*) AS n, min(close), count(volume) FROM {relation} AS t WHERE {where} GROUP BY dt"  # noqa: S608
    found = duckdb.execute(f"{one} UNION ALL {one}").fetchall()
    assert sorted(row[:2] for row in found) == sorted([(day, 1) for day in days] * 2)
