"""The root of an emulator with a lake of given rows, or with the sample data, without an emulator."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl

from infra.facts import ROOT, names
from infra.local.config import ACCOUNT_ID
from marketlake.contract import load_contract
from marketlake.layout import year_key
from transform.compact import year_parquet

PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
"""The code on the analyst's page; the first are the five lines."""

SAMPLE_DATA = ROOT / "assets" / "sample_data"


def bucket(root: Path, kind: str) -> Path:
    """The folder of a bucket: ``raw``, ``clean`` or ``artifacts``."""
    return root / "s3" / ACCOUNT_ID / names("marketlake", ACCOUNT_ID, "eu-west-2")[f"{kind}_bucket"]


def empty_root(root: Path, **config: object) -> Path:
    """A lake without any object."""
    root.mkdir(parents=True)
    (root / "config.json").write_text(json.dumps({"seed": 7, **config}), "utf-8")
    return root


def sample_root(root: Path) -> Path:
    """The sample data: September 2022 of all datasets."""
    empty_root(root)
    shutil.copytree(SAMPLE_DATA / "by_year", bucket(root, "clean") / "by_year")
    return root


def write_years(root: Path, dataset: str, rows: pl.DataFrame, days: Iterable[str] = ()) -> None:
    """The years' objects of ``rows`` (``dt`` is text); they hold the days of the rows, and ``days``."""
    held = {*rows["dt"], *days}
    for year in sorted({int(day[:4]) for day in held}):
        own = {date.fromisoformat(day): "etag" for day in held if day.startswith(f"{year}")}
        path = bucket(root, "clean") / year_key(dataset, year)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            year_parquet(load_contract(dataset), own, rows.filter(pl.col("dt").str.starts_with(f"{year}")))
        )
