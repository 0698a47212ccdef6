"""The SQL that measures partitions, generated from the contract, and Athena's answer to it.

Only names from the contract and dates go into the statement; nothing from outside does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marketlake.contract import Contract


@dataclass(frozen=True)
class Partition:
    """What Athena finds in one partition: rows, distinct keys, nulls a column and ranges of number columns."""

    rows: int
    keys: int
    nulls: dict[str, int]
    ranges: dict[str, tuple[float, float] | None]


def check_sql(contract: Contract, intervals: Sequence[str]) -> str:
    """One row a partition in ``intervals`` (runs of days)."""
    key = " || '|' || ".join(contract.key)
    columns = ["dt", "count(*) AS row_count", f"count(DISTINCT {key}) AS key_count"]
    columns += [f"sum(CASE WHEN {c.name} IS NULL THEN 1 ELSE 0 END) AS {c.name}_nulls" for c in contract.columns]
    for name in contract.number_columns:
        columns += [f"min({name}) AS {name}_min", f"max({name}) AS {name}_max"]
    where = " OR ".join(_condition(interval) for interval in intervals)
    # Names of the contract and dates are all there is in it.
    return f"SELECT {', '.join(columns)} FROM {contract.name} WHERE {where} GROUP BY dt"  # noqa: S608


def parse_answer(contract: Contract, rows: Iterable[Mapping[str, str]]) -> dict[date, Partition]:
    """The partitions in Athena's answer to ``check_sql``, by day."""
    return {date.fromisoformat(row["dt"]): _partition(contract, row) for row in rows}


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
