"""The history: which days the tables by year hold, and so which days are loaded.

The tables by year are the archive: a day stays there after the lifecycle has removed its daily object. Each year's
object says in its user metadata which days it holds, each with the mark of the daily object that its rows are from, so
that a function without Parquet can ask by one request a year. Who writes the object writes them with it, in one
request: they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from marketlake.errors import ContractViolation
from marketlake.layout import year_key, year_prefix
from marketlake.markers import marked_days
from marketlake.storage import Bucket, ObjectMissing, side_by_side

DAYS = "days"
"""Name of the user metadata with the days of a year's object."""

MARK_LENGTH = 4
"""Characters of a day: 366 of them fit into the 2 KB of an object's user metadata, and one other object in 65,536 has
the same. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"""

NO_DAY = "-" * MARK_LENGTH


def mark_of(etag: str) -> str:
    """What a year's object says of a daily object with ``etag``: its first characters."""
    return etag[:MARK_LENGTH].ljust(MARK_LENGTH, "_")


def days_to_text(year: int, etags: Mapping[date, str]) -> str:
    """The days of ``year`` in ``etags`` (day to its object's ETag), one mark for each day of the year."""
    first = date(year, 1, 1)
    days = (first + timedelta(place) for place in range((date(year + 1, 1, 1) - first).days))
    return "".join(mark_of(etags[day]) if day in etags else NO_DAY for day in days)


def days_from_text(year: int, text: str) -> dict[date, str]:
    """What ``days_to_text`` wrote of ``year``: each day with its mark.

    Raises:
        ValueError: ``text`` does not have a mark for each day of the year.
    """
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    if len(text) != length * MARK_LENGTH:
        raise ValueError(f"{len(text)} characters are not {MARK_LENGTH} for each day of {year}")
    marks = (text[place : place + MARK_LENGTH] for place in range(0, len(text), MARK_LENGTH))
    return {first + timedelta(place): mark for place, mark in enumerate(marks) if mark != NO_DAY}


def history_of(bucket: Bucket, dataset: str, start: date | None, end: date) -> dict[date, str]:
    """Days from ``start`` (else the first) to ``end`` that the table of ``dataset`` by year holds, each with its mark.

    One request for each year, and one that lists them.

    Raises:
        ContractViolation: a year's object does not say which days it holds; the message says what to do.
    """
    first = start.year if start else 0
    years = [year for year in years_stored(bucket, dataset) if first <= year <= end.year]
    held = side_by_side(lambda year: _days_of(bucket, dataset, year), years)
    found = {day: mark for days in held for day, mark in days.items()}
    return {day: mark for day, mark in found.items() if (start is None or start <= day) and day <= end}


def years_stored(bucket: Bucket, dataset: str) -> list[int]:
    """The years of ``dataset`` that have an object, ascending."""
    keys = {key for key, _ in bucket.keys(year_prefix(dataset))}
    found = [int(key.partition("year=")[2][:4]) for key in keys if key.partition("year=")[2][:4].isdigit()]
    return sorted(year for year in found if year_key(dataset, year) in keys)


def _days_of(bucket: Bucket, dataset: str, year: int) -> dict[date, str]:
    try:
        text = bucket.metadata(year_key(dataset, year)).get(DAYS)
        # An object from before it was kept there: not known to hold any day, until a day of it is written.
        return days_from_text(year, text) if text is not None else {}
    except ObjectMissing:  # removed since it was listed
        return {}
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
    return marked & history_of(bucket, dataset, start, end).keys() if marked else marked
