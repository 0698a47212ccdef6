"""Raw days as frames, by the way that Validate takes."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from marketlake.contract import Contract
from marketlake.schemas import polars_schema
from validate.handler import judged_rows
from validate.raw import RawDay, read_raw


def clean_frames(contract: Contract, days: Sequence[RawDay]) -> list[pl.DataFrame]:
    """The rows of each day, good or bad, in the clean table's columns."""
    frames = read_raw(contract, days).partition_by("dt", as_dict=True, include_key=False)
    empty = pl.DataFrame(schema=polars_schema(contract))
    return [frames.get((day.day,), empty) for day in days]


def judged(contract: Contract, days: Sequence[RawDay], before: RawDay | None = None) -> pl.DataFrame:
    """All rows of ``days`` with a ``reason``, null for good ones."""
    return judged_rows(contract, read_raw(contract, [*([before] if before else []), *days]))
