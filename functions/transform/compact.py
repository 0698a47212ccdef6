"""The compact form of a dataset: one Parquet object a year, with the same rows as that year's objects of days.

Ten years of a dataset are 2,500 small objects by day and ten by year. The days stay the contract; a year is made from
them, and its own metadata say which (each day's ETag), so that a year that lacks or outlived a day is found by one
listing, whatever the reason, and made right by whoever writes a day of it next.

Two writers of one year: each reads the year, then lists the days, and writes on the condition that the year is still
the one that it read. So the last to write listed the days after every other one had written.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from marketlake.batch_rows import PARQUET, to_parquet
from marketlake.contract import Contract
from marketlake.errors import StorageUnavailable
from marketlake.history import DAYS as DAYS_HELD
from marketlake.history import days_to_text
from marketlake.layout import clean_prefix, objects_by_day, year_key
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed, side_by_side
from transform.days import StoredDay, read_day

ATTEMPTS = 8

ROWS_A_GROUP = 4096
"""A year of prices is 25,000 rows, sorted by ticker: Athena skips the groups that a question about one cannot be in."""

DAYS, VERSION = "marketlake.days", "marketlake.contract_version"


@dataclass(frozen=True)
class Year:
    """A year's object: its ETag, the ETags of the days' objects that it was made from, and its rows with ``dt``."""

    etag: str
    days: dict[date, str]
    frame: pl.DataFrame


def compact_years(contract: Contract, clean: Bucket, written: Mapping[date, StoredDay]) -> int:
    """Bring the years of ``written`` to what their days' objects hold; returns the number of objects that changed.

    Raises:
        StorageUnavailable: other writers of the same year won eight times in a row.
    """
    years = sorted({day.year for day in written})
    return sum(side_by_side(lambda year: _compact_year(contract, clean, year, written), years))


def _compact_year(contract: Contract, clean: Bucket, year: int, written: Mapping[date, StoredDay]) -> bool:
    key, prefix = year_key(contract.name, year), clean_prefix(contract.name)
    for _ in range(ATTEMPTS):
        held = read_year(contract, clean, year)
        there = {day: etag for day, _, etag in objects_by_day(clean, prefix, date(year, 1, 1), date(year, 12, 31))}
        if held is not None and held.days == there:
            return False
        days, frame = _rows_of(contract, clean, there, held, written)
        body = year_parquet(contract, days, frame)
        try:
            about = {DAYS_HELD: days_to_text(days)}
            clean.put(key, body, PARQUET, if_match=held.etag if held else None, if_absent=held is None, metadata=about)
        except PreconditionFailed:
            continue
        return True
    raise StorageUnavailable(f"{key} was replaced {ATTEMPTS} times by other executions meanwhile; run these days again")


def read_year(contract: Contract, clean: Bucket, year: int) -> Year | None:
    """The year's object, or None; one of another version of the contract counts as made of no days."""
    key = year_key(contract.name, year)
    # Listed first: to who may list some prefixes only, S3 answers 403 for an object that is not there.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    if not list(clean.keys(key)):
        return None
    stored = clean.get(key)
    metadata = pl.read_parquet_metadata(io.BytesIO(stored.body))
    if metadata.get(VERSION) != f"{contract.version}":
        return Year(stored.etag, {}, pl.DataFrame(schema={"dt": pl.String()}))
    days = {date.fromisoformat(day): etag for day, etag in json.loads(metadata[DAYS]).items()}
    return Year(stored.etag, days, pl.read_parquet(io.BytesIO(stored.body)))


def year_parquet(contract: Contract, days: Mapping[date, str], frame: pl.DataFrame) -> bytes:
    """The year's object of ``frame``, rows with ``dt``, made from ``days``; the same give the same bytes."""
    metadata = {
        DAYS: json.dumps({f"{day}": etag for day, etag in sorted(days.items())}),
        VERSION: f"{contract.version}",
    }
    return to_parquet(frame.sort(*contract.key, "dt"), rows_a_group=ROWS_A_GROUP, metadata=metadata)


def _rows_of(
    contract: Contract, clean: Bucket, there: Mapping[date, str], held: Year | None, written: Mapping[date, StoredDay]
) -> tuple[dict[date, str], pl.DataFrame]:
    """The days in ``there`` and their rows: those just written, else those that the year holds, else the day's object.

    What the year holds is taken over in one piece: a day more is not to cost the taking apart of all others.
    """
    rows = {day: written[day] for day, etag in there.items() if day in written and written[day].etag == etag}
    held_days = held.days.items() if held else ()
    kept = {day: etag for day, etag in held_days if there.get(day) == etag and day not in rows}
    missing = [day for day in there if day not in rows and day not in kept]
    read = side_by_side(lambda day: _read_day(contract, clean, day), missing)
    rows |= {day: found for day, found in zip(missing, read, strict=True) if found is not None}
    parts = [_with_dt(contract, rows)]
    if held is not None and kept:
        parts.append(held.frame.filter(pl.col("dt").is_in([f"{day}" for day in kept])))
    return kept | {day: found.etag for day, found in rows.items()}, pl.concat(parts)


def _with_dt(contract: Contract, rows: Mapping[date, StoredDay]) -> pl.DataFrame:
    frame = pl.concat([pl.DataFrame(schema=polars_schema(contract)), *(found.frame for found in rows.values())])
    days = [f"{day}" for day, found in rows.items() for _ in range(found.frame.height)]
    return frame.insert_column(0, pl.Series("dt", days, pl.String))


def _read_day(contract: Contract, clean: Bucket, day: date) -> StoredDay | None:
    """The day's object as it is now, which may be another than was listed; None where it is gone by now."""
    try:
        return read_day(contract, clean, day)
    except ObjectMissing:
        return None
