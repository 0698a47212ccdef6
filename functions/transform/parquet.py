"""Frames as Parquet, deterministically, and what Athena must find in them."""

from __future__ import annotations

import io

import polars as pl

from marketlake.contract import Contract

CONTENT_TYPE = "application/vnd.apache.parquet"


def to_parquet(
    frame: pl.DataFrame, *, rows_a_group: int | None = None, metadata: dict[str, str] | None = None
) -> bytes:
    """``frame`` as Parquet; the same rows (and ``metadata``, kept in the footer) give the same bytes.

    Zstandard, one row group unless told otherwise: Athena reads it natively (https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html).
    """
    buffer = io.BytesIO()
    frame.write_parquet(
        buffer,
        compression="zstd",
        compression_level=3,
        statistics=True,
        row_group_size=rows_a_group,
        metadata=metadata,
    )
    return buffer.getvalue()


def ranges_of(contract: Contract, frame: pl.DataFrame) -> dict[str, tuple[float, float] | None]:
    """Least and greatest value of each number column, None where all are null."""
    names = contract.number_columns
    lows = frame.select(pl.col(names).min()).row(0)
    highs = frame.select(pl.col(names).max()).row(0)
    return {name: None if low is None else (low, high) for name, low, high in zip(names, lows, highs, strict=True)}


def nulls_of(frame: pl.DataFrame) -> dict[str, int]:
    """Count of nulls of each column that has any."""
    counts = frame.null_count().row(0, named=True)
    return {name: number for name, number in counts.items() if number}
