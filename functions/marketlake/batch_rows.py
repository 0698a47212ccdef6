"""The good rows of a batch on their way from Validate to Transform: one Parquet object, which soon expires.

Its footer describes the days. So a day's rows and the hash of the raw bytes that they came from are read together,
whatever another execution has stored in raw since.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
from msgspec import Struct

from marketlake.errors import UnexpectedError
from marketlake.storage import Bucket

if TYPE_CHECKING:
    from polars.io.partition import FileProviderArgs

PARQUET = "application/vnd.apache.parquet"

DESCRIPTION = "marketlake.batch"

_FORM: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "statistics": True}


class AcceptedDay(Struct, frozen=True):
    """A day that Validate accepted: the hash of the raw bytes that its rows came from, and the number quarantined."""

    dt: date
    raw_sha256: str
    quarantined: int = 0


class _Description(Struct, frozen=True):
    days: list[AcceptedDay]
    unchanged: list[date]


@dataclass(frozen=True)
class BatchRows:
    """What Validate accepted of a batch. The frames have the clean table's columns, sorted by key.

    ``frame`` has ``dt`` too: the good rows of ``days``. ``before`` has the last row before the batch of each symbol,
    as it came in the same pass over the source; it is empty where there were none. ``unchanged`` are days that came
    as the lake has them: their rows are not here.
    """

    days: list[AcceptedDay]
    frame: pl.DataFrame
    before: pl.DataFrame
    unchanged: list[date]


def write_batch_rows(bucket: Bucket, key: str, rows: BatchRows) -> None:
    """Write ``rows`` at ``key``; the same rows give the same bytes."""
    described = msgspec.json.encode(_Description(rows.days, rows.unchanged)).decode()
    before = rows.before.select(pl.lit(None, pl.Date()).alias("dt"), pl.all())
    frame = pl.concat([before, rows.frame])
    bucket.put(key, to_parquet(frame, metadata={DESCRIPTION: described}), PARQUET)


def read_batch_rows(bucket: Bucket, key: str) -> BatchRows:
    """What ``write_batch_rows`` wrote at ``key``."""
    body = bucket.get(key).body
    metadata = pl.read_parquet_metadata(io.BytesIO(body))
    described = msgspec.json.decode(metadata[DESCRIPTION], type=_Description)
    frame = pl.read_parquet(io.BytesIO(body))
    before = frame.filter(pl.col("dt").is_null()).drop("dt")
    return BatchRows(described.days, frame.filter(pl.col("dt").is_not_null()), before, described.unchanged)


def to_parquet(
    frame: pl.DataFrame, *, rows_a_group: int | None = None, metadata: dict[str, str] | None = None
) -> bytes:
    """``frame`` as Parquet; the same rows (and ``metadata``, kept in the footer) give the same bytes.

    Zstandard, one row group by default: Athena reads it natively
    (https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html).
    """
    buffer = io.BytesIO()
    frame.write_parquet(buffer, row_group_size=rows_a_group, metadata=metadata, **_FORM)
    return buffer.getvalue()


def to_parquet_by_day(frame: pl.DataFrame) -> dict[date, bytes]:
    """``to_parquet`` of the rows of each day, without ``dt``, by which ``frame`` is sorted: the same bytes.

    One sink for all writes small files at half the CPU that a sink for each takes (docs/benchmarks.md).
    """
    buffers: dict[date, io.BytesIO] = {}

    def buffer_of(place: FileProviderArgs) -> io.BytesIO:
        (day,) = place.partition_keys.row(0)
        if day in buffers:
            raise UnexpectedError(f"the Parquet of {day} came in two parts; please report it")
        return buffers.setdefault(day, io.BytesIO())

    by_day = pl.PartitionBy("", key="dt", include_key=False, file_path_provider=buffer_of)
    frame.lazy().sink_parquet(by_day, **_FORM)
    return {day: buffer.getvalue() for day, buffer in buffers.items()}


def dated(frames: Mapping[date, pl.DataFrame], nothing: pl.DataFrame) -> pl.DataFrame:
    """The rows of all ``frames``, day by day, with the day as ``dt`` first; ``nothing`` has their columns, too."""
    days = column_of_days({day: frame.height for day, frame in frames.items()})
    return pl.concat([nothing, *frames.values()]).insert_column(0, days)


def column_of_days(rows: Mapping[date, int]) -> pl.Series:
    """``dt`` of so many ``rows`` of each day, in their order."""
    days = pl.DataFrame({"dt": list(rows), "rows": list(rows.values())}, {"dt": pl.Date(), "rows": pl.UInt32()})
    return days.filter(pl.col("rows") > 0).select(pl.col("dt").repeat_by("rows").explode()).to_series()
