"""The history: one Parquet object a year, with the rows of the year's days sorted for questions about one symbol.

Ten years of a dataset are 2,500 small objects by day and ten by year. A year's object is also the archive of its days:
a day whose own object is gone stays in it. Its metadata say of each day which object its rows are from (the ETag), so a
year that lacks what was written to a day is found by one listing, whatever the reason, and made right by whoever
writes a day of it next.

Two writers of one year: each lists the days after it wrote its own, and writes the year on the condition that it is
still the one that was read. So the last to write listed the days after every other one had written.

However many write one year side by side, none of them loses twice to others that have not brought its days into the
year for it. Of those that had listed before its days were there, one can win, since they all read the same object; who
wins after that one has listed them. So a third attempt finds its days in the year: the others are for writers that
write the same days at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import polars as pl

from marketlake.batch_rows import PARQUET, dated, to_parquet
from marketlake.contract import Contract
from marketlake.errors import StorageUnavailable
from marketlake.history import DAYS as MARKS
from marketlake.history import days_to_text
from marketlake.layout import clean_etags, year_key
from marketlake.schemas import polars_schema
from marketlake.storage import Bucket, PreconditionFailed, side_by_side
from marketlake.stored import DAYS, StoredDay, Year, read_day, read_year

ATTEMPTS = 8

ROWS_A_GROUP = 4096
"""A year of prices is 25,000 rows, sorted by ticker: Athena skips the groups that a question about one cannot be in."""


def compact_years(
    contract: Contract, clean: Bucket, held: Mapping[int, Year], written: Mapping[date, StoredDay]
) -> int:
    """Bring the years of ``written`` to what their days' objects hold; returns the number of objects that changed.

    ``held`` are the years as they were read before; one that another execution replaced since is read again.

    Raises:
        StorageUnavailable: other writers of the same year won eight times in a row.
    """
    years = sorted({day.year for day in written})
    return sum(side_by_side(lambda year: _compact_year(contract, clean, year, held.get(year), written), years))


def _compact_year(
    contract: Contract, clean: Bucket, year: int, held: Year | None, written: Mapping[date, StoredDay]
) -> bool:
    key = year_key(contract.name, year)
    for attempt in range(ATTEMPTS):
        if attempt:
            held = read_year(contract, clean, year)
        there = clean_etags(clean, contract.name, date(year, 1, 1), date(year, 12, 31))
        newer = [day for day, etag in there.items() if held is None or held.days.get(day) != etag]
        if held is not None and held.current and not newer:
            return False
        days, frame = _rows_of(contract, clean, held, {day: there[day] for day in newer}, written)
        body, about = year_parquet(contract, days, frame), {MARKS: days_to_text(year, days)}
        try:
            clean.put(key, body, PARQUET, if_match=held.etag if held else None, if_absent=held is None, metadata=about)
        except PreconditionFailed:
            continue
        return True
    raise StorageUnavailable(f"{key} was replaced {ATTEMPTS} times by other executions meanwhile; run these days again")


def year_parquet(contract: Contract, days: Mapping[date, str], frame: pl.DataFrame) -> bytes:
    """The year's object of ``frame``, rows with ``dt``, made from ``days``; the same give the same bytes."""
    metadata = {DAYS: json.dumps({f"{day}": etag for day, etag in sorted(days.items())})}
    return to_parquet(frame.sort(*contract.key, "dt"), rows_a_group=ROWS_A_GROUP, metadata=metadata)


def _rows_of(
    contract: Contract,
    clean: Bucket,
    held: Year | None,
    newer: Mapping[date, str],
    written: Mapping[date, StoredDay],
) -> tuple[dict[date, str], pl.DataFrame]:
    """The days of the year and their rows: the ``newer`` ones from ``written``, else from their objects; all others as
    the year holds them.

    What the year holds is taken over in one piece: a day more is not to cost the taking apart of all others.
    """
    rows = {day: written[day] for day, etag in newer.items() if day in written and written[day].etag == etag}
    missing = [day for day in newer if day not in rows]
    read = side_by_side(lambda day: read_day(contract, clean, day), missing)
    rows |= {day: found for day, found in zip(missing, read, strict=True) if found is not None}
    days = {day: found.etag for day, found in rows.items()}
    frames = {day: found.frame for day, found in rows.items()}
    parts = [dated(frames, pl.DataFrame(schema=polars_schema(contract))).cast({"dt": pl.String()})]
    if held is not None:
        parts.append(held.frame.filter(~pl.col("dt").is_in([f"{day}" for day in rows])))
        days = held.days | days
    return days, pl.concat(parts)
