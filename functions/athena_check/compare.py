"""What Athena found against what Transform wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

from athena_check.query import Partition
from marketlake.contract import Contract
from marketlake.manifest import WrittenDay

SHOWN = 3


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
    return lines + [f"{key} is no object of the lake's; remove it" for key in sorted(set(found) - set(written))]
