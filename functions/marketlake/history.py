"""The history: which days the tables by year hold, and so which days are loaded.

The tables by year are the archive: a day stays there after the lifecycle has removed its daily object. Each year's
object says in its user metadata which days it holds, one bit a day, so that a function without Parquet can ask by a
request a year. Who writes the object writes the bits with it, in one request: they cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from marketlake.errors import ContractViolation
from marketlake.layout import year_key, year_prefix
from marketlake.markers import marked_days
from marketlake.storage import Bucket, ObjectMissing, side_by_side

DAYS = "days"
"""Name of the user metadata with the days of a year's object."""


def days_to_text(days: Collection[date]) -> str:
    """``days`` of one year as a hexadecimal number: bit 0 is 1 January; 92 characters at most."""
    return f"{sum(1 << day.timetuple().tm_yday - 1 for day in set(days)):x}"


def days_from_text(year: int, text: str) -> set[date]:
    """What ``days_to_text`` wrote of ``year``.

    Raises:
        ValueError: ``text`` is not such a number, or has more days than the year.
    """
    bits, first = int(text, 16), date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    if not 0 <= bits < 1 << length:
        raise ValueError(f"{text!r} is not a set of days of {year}")
    return {first + timedelta(days=place) for place in range(length) if bits >> place & 1}


def days_in_history(bucket: Bucket, dataset: str, start: date | None, end: date) -> set[date]:
    """Days from ``start`` (else the first) to ``end`` that the table of ``dataset`` by year holds.

    One request for each year, and one that lists them.

    Raises:
        ContractViolation: a year's object does not say which days it holds; the message says what to do.
    """
    first = start.year if start else 0
    years = [year for year in years_stored(bucket, dataset) if first <= year <= end.year]
    held = side_by_side(lambda year: _days_of(bucket, dataset, year), years)
    return {day for days in held for day in days if (start is None or start <= day) and day <= end}


def years_stored(bucket: Bucket, dataset: str) -> list[int]:
    """The years of ``dataset`` that have an object, ascending."""
    keys = {key for key, _ in bucket.keys(year_prefix(dataset))}
    found = [int(key.partition("year=")[2][:4]) for key in keys if key.partition("year=")[2][:4].isdigit()]
    return sorted(year for year in found if year_key(dataset, year) in keys)


def _days_of(bucket: Bucket, dataset: str, year: int) -> set[date]:
    try:
        text = bucket.metadata(year_key(dataset, year)).get(DAYS)
        # An object from before it was kept there: not known to hold any day, until a day of it is written.
        return days_from_text(year, text) if text is not None else set()
    except ObjectMissing:  # removed since it was listed
        return set()
    except ValueError as error:
        raise ContractViolation(
            f"{year_key(dataset, year)} does not say which days it holds ({error}); restore an earlier version of it: "
            f"marketlake restore {dataset} {year}"
        ) from error


def loaded_days(bucket: Bucket, dataset: str, start: date, end: date) -> set[date]:
    """Days from ``start`` to ``end`` that were checked (they have a marker) and that the history holds.

    Raises:
        ContractViolation: a year's object does not say which days it holds.
    """
    marked = marked_days(bucket, dataset, start, end)
    return marked & days_in_history(bucket, dataset, start, end) if marked else marked
