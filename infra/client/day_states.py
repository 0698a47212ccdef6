"""What the lake held of a day at earlier times: from the versions of its year's object, and from the day's marker.

As long as old versions are kept, the rows of any day, however old, are known as they were. Of what was replaced before
that, the marker still says that it was, and by which execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, zip_longest
from typing import Any

from infra.client.target import Target
from infra.client.year_versions import YearVersion, versions_of
from marketlake.contract import Contract
from marketlake.history import mark_of
from marketlake.layout import year_key
from marketlake.markers import Replaced, read_marker


@dataclass(frozen=True)
class State:
    """The rows that the lake had of a day from ``since`` on (None: from before the oldest version that is kept), until
    ``until`` (None: it has them still). Rows are as in the clean table, sorted by key."""

    since: datetime | None
    until: datetime | None
    rows: Sequence[dict[str, Any]]

    def holds_at(self, moment: datetime) -> bool:
        """Whether it was the state at ``moment``."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


@dataclass(frozen=True)
class DayStates:
    """The states of a day that are kept, oldest first, and the earlier ones of which only the marker tells."""

    states: Sequence[State]
    forgotten: Sequence[Replaced]

    def on(self, moment: datetime) -> State | None:
        """The state at ``moment`` (aware); None where it is not kept."""
        return next((state for state in self.states if state.holds_at(moment)), None)


def states_of(target: Target, contract: Contract, day: date) -> DayStates:
    """What the lake held of ``day``. A version is read only where the mark of the day says that its rows differ."""
    versions = reversed(versions_of(target, contract.name, day.year).versions)
    firsts = [next(same) for _, same in groupby(versions, lambda version: _mark(version, day))]
    states = [
        State(
            None if version is firsts[0] else version.written,
            later.written if later else None,
            _rows(target, contract, version, day),
        )
        for version, later in zip_longest(firsts, firsts[1:])
        if _mark(version, day) is not None
    ]
    kept = {_mark(version, day) for version in firsts}
    found = read_marker(target.bucket("clean"), contract.name, day)
    earlier = [entry for entry in found[0].history if mark_of(entry.clean_etag) not in kept] if found else []
    return DayStates(states, earlier)


def _mark(version: YearVersion, day: date) -> str | None:
    return (version.days or {}).get(day)


def _rows(target: Target, contract: Contract, version: YearVersion, day: date) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    key, bucket = year_key(contract.name, day.year), target.names["clean_bucket"]
    body = target.s3.get_object(Bucket=bucket, Key=key, VersionId=version.id)["Body"].read()
    table = pq.read_table(pa.BufferReader(body), filters=[("dt", "=", f"{day}")])
    return sorted(table.drop_columns(["dt"]).to_pylist(), key=lambda row: [row[name] for name in contract.key])
