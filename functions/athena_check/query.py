"""The SQL that measures partitions, generated from the contract, and Athena's answer to it.

Only names from the contract and dates go into the statement; nothing from outside does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marketlake.contract import Contract
from marketlake.layout import year_table


@dataclass(frozen=True)
class Partition:
    """What Athena finds of one day: rows, distinct keys, nulls a column and ranges of number columns."""

    rows: int
    keys: int
    nulls: dict[str, int]
    ranges: dict[str, tuple[float, float] | None]


BY_DAY, BY_YEAR = "day", "year"
"""The two forms of a table, which hold the same rows."""


def check_sql(contract: Contract, intervals: Sequence[str]) -> str:
    """Two rows a day in ``intervals`` (runs of days): what the tables by day and by year have of it."""
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
        found[row["form"]][date.fromisoformat(row["dt"])] = _partition(contract, row)
    return found


def _partition(contract: Contract, row: Mapping[str, str]) -> Partition:
    return Partition(
        rows=int(row["row_count"]),
        keys=int(row["key_count"]),
        nulls={c.name: int(row[f"{c.name}_nulls"]) for c in contract.columns if int(row[f"{c.name}_nulls"])},
        ranges={name: _range(row[f"{name}_min"], row[f"{name}_max"]) for name in contract.number_columns},
    )


def _range(low: str, high: str) -> tuple[float, float] | None:
    return (float(low), float(high)) if low and high else None


def _condition(interval: str) -> str:
    first, _, last = interval.partition("/")
    # Through date and back: whatever else the text might hold cannot reach the statement.
    start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return f"dt = '{start}'" if start == end else f"dt BETWEEN '{start}' AND '{end}'"
