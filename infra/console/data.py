"""The lake's rows as the page shows them, read from the tables by year: no query is paid for, but for quarantine.

A window has one object a year. What was read is kept for as long as its ETag is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any

from infra.client.athena import run_query
from infra.client.errors import Refusal
from infra.client.saved_queries import filled, find_query
from infra.client.target import Target
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import actions_key, year_key, year_prefix
from marketlake.markers import read_marker
from marketlake.storage import ObjectMissing, side_by_side

if TYPE_CHECKING:
    import pyarrow as pa

DAYS, ROWS = 15, 200
"""Latest days that are listed, and rows of each other table."""

YEARS = 10
"""Longest window: a row a day for its chart, and an object a year to read."""

KEPT = 12
"""Years' objects kept; one of prices is about 1 MB."""

REASONS = {
    "value": "a value that the contract does not allow; it is null now",
    "range": "open, high or low contradict the close, or the range that holds it; null now",
    "dividend_size": "a dividend too large or too small for the price; null now",
    "dividend_adjusted": "the adjusted closes of the same answer imply another dividend",
    "spike": "far from the days before and after, which agree; the value stays",
    "split": "a move like the split's: one side of it is not adjusted, or is twice; the value stays",
}
"""What each flag means (``functions/validate/doubts.py``, docs/data-quality.md)."""


class Lake:
    """The rows of a target's lake."""

    def __init__(self, target: Target) -> None:
        self._target, self._bucket = target, target.bucket("clean")
        self._kept: dict[tuple[str, str], pa.Table] = {}
        self._lock = Lock()

    def document(self, dataset: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """The latest days, one symbol's values, flags and corporate actions of a dataset, as JSON holds them.

        ``asked`` has ``symbol``, ``start`` and ``end``; by default the first symbol, and the year to the last day.

        Raises:
            Refusal: there is no such dataset or symbol, or the window is not one.
        """
        contract = _contract(dataset)
        etags = dict(self._bucket.keys(year_prefix(dataset)))
        last = self._last_day(etags)
        base = {"dataset": dataset, "title": contract.description, "datasets": dataset_names(), "last": last}
        if last is None:
            return {**base, "days": []}
        end = _day(asked.get("end")) or last
        start = _day(asked.get("start")) or end - timedelta(days=365)
        if start > end or end.year - start.year > YEARS:
            raise Refusal(f"{start} to {end} is no window of at most {YEARS} years", "give other days")
        table = self._rows(contract, etags, start, end)
        symbols = sorted(set(_texts(table, contract.symbol_column)))
        wanted = asked.get("symbol") or (symbols[0] if symbols else "")
        return {
            **base,
            "start": start,
            "end": end,
            "symbols": symbols,
            "symbol": wanted,
            "column": contract.rules.move.column,
            "series": _series(contract, table, wanted),
            "days": self._days(contract, table),
            "latest": _latest(contract, table),
            "flags": _listed(_flags(contract, table)),
            "reasons": REASONS,
            "actions": _listed(self._actions(dataset, start, end)),
        }

    def quarantine(self, dataset: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """The rows of a dataset in quarantine in a window, newest day first, with reasons: a query of Athena's.

        Raises:
            Refusal: there is no such dataset, or the window is not one.
            QueryFailed: with Athena's reason.
        """
        contract = _contract(dataset)
        given = [f"{name}={asked.get(name, '')}" for name in ("start", "end")]
        found = run_query(self._target, filled(find_query("quarantined_rows"), given)).table.to_pylist()
        mine = [row for row in found if row["dataset"] == contract.name]
        return _listed(sorted(mine, key=lambda row: row["dt"]))

    def _last_day(self, etags: Mapping[str, str]) -> date | None:
        if not etags:
            return None
        days = _texts(self._table(*max(etags.items())), "dt")
        return date.fromisoformat(max(days)) if days else None

    def _rows(self, contract: Contract, etags: Mapping[str, str], start: date, end: date) -> pa.Table:
        """Rows from ``start`` to ``end``, with ``dt``, by day and key."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = ["dt", *(column.name for column in contract.columns)]
        keys = [year_key(contract.name, year) for year in range(start.year, end.year + 1)]
        # Of a window without a year's object, the last one gives the columns.
        tables = [self._table(key, etags[key]) for key in keys if key in etags] or [self._table(*max(etags.items()))]
        days = (pc.field("dt") >= f"{start}") & (pc.field("dt") <= f"{end}")
        found = pa.concat_tables([table.filter(days) for table in tables], promote_options="default")
        for name in columns:
            if name not in found.column_names:  # an object from before the column
                found = found.append_column(name, pa.nulls(found.num_rows))
        return found.select(columns).sort_by([(name, "ascending") for name in ("dt", *contract.key)])

    def _table(self, key: str, etag: str) -> pa.Table:
        import pyarrow.parquet as pq

        with self._lock:
            if (key, etag) not in self._kept:
                if len(self._kept) >= KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key, etag] = pq.read_table(BytesIO(self._bucket.get(key).body))
            return self._kept[key, etag]

    def _days(self, contract: Contract, table: pa.Table) -> list[dict[str, Any]]:
        """The last days, newest first, each with what its marker says."""
        rows = Counter(_texts(table, "dt"))
        flagged = Counter(row["dt"] for row in _flags(contract, table))

        def of(day: str) -> dict[str, Any]:
            found = read_marker(self._bucket, contract.name, date.fromisoformat(day))
            marker = found[0] if found else None
            return {
                "dt": day,
                "rows": rows[day],
                "flagged": flagged[day],
                "quarantined": marker.quarantined if marker else None,
                "corrected": len(marker.history) if marker else None,
                "execution": marker.execution if marker else "",
            }

        return side_by_side(of, sorted(rows, reverse=True)[:DAYS])

    def _actions(self, dataset: str, start: date, end: date) -> list[dict[str, Any]]:
        import pyarrow.parquet as pq

        try:
            body = self._bucket.get(actions_key(dataset)).body
        except ObjectMissing:  # a dataset without, or none was seen yet
            return []
        found = pq.read_table(BytesIO(body)).to_pylist()
        mine = [row for row in found if f"{start}" <= row["ex_dt"] <= f"{end}"]
        return sorted(mine, key=lambda row: (row["ex_dt"], row["ticker"], row["kind"]))


def _contract(dataset: str) -> Contract:
    if dataset not in dataset_names():
        raise Refusal(f"there is no dataset {dataset!r}", f"choose one of {', '.join(dataset_names())}")
    return load_contract(dataset)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal(f"{text!r} is no day", "give it as YYYY-MM-DD") from None


def _listed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The last ``ROWS`` of rows in ascending order, newest first, and how many there are."""
    return {"total": len(rows), "rows": rows[::-1][:ROWS]}


def _texts(table: pa.Table, column: str) -> list[str]:
    return [str(value) for value in table.column(column).to_pylist()]


def _series(contract: Contract, table: pa.Table, symbol: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    rows = table.filter(pc.field(contract.symbol_column) == symbol).to_pylist()
    return [{"dt": row["dt"], "value": row[contract.rules.move.column], "flags": row["flags"] or ""} for row in rows]


def _flags(contract: Contract, table: pa.Table) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    rows = table.filter(pc.is_valid(pc.field("flags"))).to_pylist()
    return [{"dt": row["dt"], "symbol": row[contract.symbol_column], "flags": row["flags"].split(",")} for row in rows]


def _latest(contract: Contract, table: pa.Table) -> dict[str, Any]:
    """The rows of the last day, in the order of the contract's columns."""
    import pyarrow.compute as pc

    columns = [column.name for column in contract.columns]
    if not table.num_rows:
        return {"columns": columns, "rows": [], "total": 0}
    last = table.filter(pc.field("dt") == table.column("dt")[-1])
    rows = [list(row.values()) for row in last.slice(0, ROWS).select(columns).to_pylist()]
    return {"columns": columns, "rows": rows, "total": last.num_rows}
