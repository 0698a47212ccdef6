"""Partitions as Athena finds them: the SQL that measures them, its answer, and how that differs from what was written.

The SQL is generated from the contract. Only names from the contract and dates go into it; nothing from outside does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marketlake.contract import Contract
from marketlake.layout import year_table
from marketlake.manifest import WrittenDay

BY_DAY, BY_YEAR = "day", "year"
"""The two forms of a table, which hold the same rows."""


@dataclass(frozen=True)
class Partition:
    """What Athena finds of one day: rows, distinct keys, nulls a column and ranges of number columns."""

    rows: int
    keys: int
    nulls: dict[str, int]
    ranges: dict[str, tuple[float, float] | None]


def check_sql(contract: Contract, intervals: Sequence[str]) -> str:
    """Two rows a day in ``intervals`` (day ranges): what the tables by day and by year have of it."""
    days = " OR ".join(_condition(interval) for interval in intervals)
    first, last = intervals[0].partition("/")[0], intervals[-1].rpartition("/")[2]
    years = f"year BETWEEN '{date.fromisoformat(first).year}' AND '{date.fromisoformat(last).year}'"
    by_day = _measure(contract, BY_DAY, contract.name, days)
    return f"{by_day} UNION ALL {_measure(contract, BY_YEAR, year_table(contract.name), f'{years} AND ({days})')}"


def _measure(contract: Contract, form: str, table: str, where: str) -> str:
    key = " || '|' || ".join(contract.key)
    columns = [f"'{form}' AS form", "dt", "count(*) AS row_count", f"count(DISTINCT {key}) AS key_count"]
    columns += [f"sum(CASE WHEN {c.name} IS NULL THEN 1 ELSE 0 END) AS {c.name}_nulls" for c in contract.columns]
    for name in contract.number_columns:
        columns += [f"min({name}) AS {name}_min", f"max({name}) AS {name}_max"]
    # Names of the contract and dates are all there is in it.
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {where} GROUP BY dt"  # noqa: S608


def parse_answer(contract: Contract, rows: Iterable[Mapping[str, str]]) -> dict[str, dict[date, Partition]]:
    """What is in Athena's answer to ``check_sql``, by form and day."""
    found: dict[str, dict[date, Partition]] = {BY_DAY: {}, BY_YEAR: {}}
    for row in rows:
        found[row["form"]][date.fromisoformat(row["dt"])] = Partition(
            rows=int(row["row_count"]),
            keys=int(row["key_count"]),
            nulls={c.name: int(row[f"{c.name}_nulls"]) for c in contract.columns if int(row[f"{c.name}_nulls"])},
            ranges={name: _range(row[f"{name}_min"], row[f"{name}_max"]) for name in contract.number_columns},
        )
    return found


def _range(low: str, high: str) -> tuple[float, float] | None:
    return (float(low), float(high)) if low and high else None


def _condition(interval: str) -> str:
    first, _, last = interval.partition("/")
    # Through date and back: whatever else the text might hold cannot reach the statement.
    start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return f"dt = '{start}'" if start == end else f"dt BETWEEN '{start}' AND '{end}'"


def differences(contract: Contract, written: Sequence[WrittenDay], found: Mapping[date, Partition]) -> list[str]:
    """One line for each way in which a partition is not what was written, or breaks the contract."""
    lines: list[str] = []
    for day in written:
        partition = found.get(day.dt)
        if partition is None:
            lines += [] if day.rows == 0 else [f"{day.dt}: Athena finds no rows, {day.rows} were written"]
            continue
        lines += [f"{day.dt}: {text}" for text in _compare(contract, day, partition)]
    return lines


def _compare(contract: Contract, day: WrittenDay, found: Partition) -> list[str]:
    lines = []
    if found.rows != day.rows:
        lines.append(f"{found.rows} rows, {day.rows} were written")
    if found.keys != found.rows:
        lines.append(f"{found.rows} rows have {found.keys} distinct keys")
    if found.nulls != day.nulls:
        lines.append(f"nulls {found.nulls}, {day.nulls} were written")
    required = {column.name for column in contract.columns if not column.nullable}
    lines += [f"{name} has nulls" for name in sorted(required & set(found.nulls))]
    lines += [
        f"{name} ranges over {found.ranges[name]}, {limits} was written"
        for name, limits in day.ranges.items()
        if not _same(found.ranges[name], limits)
    ]
    return lines


def _same(left: Sequence[float] | None, right: Sequence[float] | None) -> bool:
    if left is None or right is None:
        return left is right
    # Athena prints doubles in full; the tolerance is for engines that print fewer digits.
    return all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(left, right, strict=True))


def catalog_differences(contract: Contract, columns: Sequence[Mapping[str, str]]) -> list[str]:
    """How the Glue table's columns differ from the contract's: names, order or types."""
    wanted = [(column.name, column.type) for column in contract.columns]
    found = [(column["Name"], column.get("Type", "")) for column in columns]
    return [] if wanted == found else [f"Glue has {found}, the contract {wanted}"]


def object_differences(written: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Objects (key to ETag) in the partitions that are not the ones that were written."""
    lines = [
        f"{key} is {found.get(key, 'gone')}, {etag} was written"
        for key, etag in written.items()
        if found.get(key) != etag
    ]
    return lines + [f"{key} is not an object of the lake; remove it" for key in sorted(set(found) - set(written))]
