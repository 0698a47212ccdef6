"""The lake's rows as the page shows them: by ``marketlake.Lake``, from the tables by year, so no query is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from infra.client.errors import Refusal
from infra.client.saved_queries import filled, find_query
from infra.client.target import Target
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.markers import read_marker
from marketlake.reader.gaps import described
from marketlake.reader.holdings import PRICES
from marketlake.reader.lake import Lake
from marketlake.reader.places import Copies, Folder, cache_folder
from marketlake.storage import side_by_side

DAYS, ROWS = 15, 200
"""Latest days that are listed, and rows of each other table."""

REASONS = {
    "value": "a value that the contract does not allow; it is null now",
    "range": "open, high or low contradict the close, or the range that holds it; null now",
    "dividend_size": "a dividend too large or too small for the price; null now",
    "dividend_adjusted": "the adjusted closes of the same answer imply another dividend",
    "spike": "far from the days before and after, which agree; the value stays",
    "split": "a move like the split's: one side of it is not adjusted, or is twice; the value stays",
}
"""What each flag means (``functions/validate/doubts.py``, docs/data-quality.md)."""


class Rows:
    """The rows of a target's lake."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @cached_property
    def _lake(self) -> Lake:
        target = self._target
        if target.local:
            return Lake(Folder(target.local.root))
        return Lake(Copies(target.s3, target.names, cache_folder(), target.described))

    def document(self, dataset: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """The latest days, one symbol's values, flags and corporate actions of a dataset, as JSON holds them.

        ``asked`` has ``symbol``, ``start`` and ``end``; by default the first symbol, and the year to the last day.

        Raises:
            Refusal: there is no such dataset.
            LakeError: there is no such symbol, or the window is not one, or not within the lake.
        """
        contract = _contract(dataset)
        held = self._lake.days(dataset)
        base = {"dataset": dataset, "title": contract.description, "last": held[-1] if held else None}
        if not held:
            return {**base, "days": []}
        end = _day(asked.get("end")) or held[-1]
        start = _day(asked.get("start")) or max(held[0], end - timedelta(days=365))
        symbols = self._lake.symbols(dataset)
        symbol = asked.get("symbol") or symbols[0]
        rows = self._lake.scan(dataset, start, end).filter(
            pl.col("dt").is_between(pl.lit(f"{start}"), pl.lit(f"{end}"))
        )
        table = rows.sort("dt", *contract.key).collect()
        gaps = self._lake.gaps(dataset, symbol, start, end)
        return {
            **base,
            "start": start,
            "end": end,
            "symbols": symbols,
            "symbol": symbol,
            "column": contract.rules.move.column,
            "series": _series(contract, table, symbol),
            "gaps": "" if gaps.is_empty() else described(gaps),
            "days": self._days(contract, table),
            "latest": _latest(contract, table),
            "flags": _listed(_flags(contract, table)),
            "reasons": REASONS,
            "actions": _listed(self._actions(start, end) if dataset == PRICES else []),
        }

    def quarantine(self, dataset: str, asked: Mapping[str, str]) -> dict[str, Any]:
        """The rows of a dataset in quarantine in a window, newest day first, with reasons (a saved query).

        Raises:
            Refusal: there is no such dataset, or the window is not one.
        """
        contract = _contract(dataset)
        given = [f"{name}={asked.get(name, '')}" for name in ("start", "end")]
        found = self._lake.sql(filled(find_query("quarantined_rows"), given))
        return _listed(found.filter(dataset=contract.name).sort("dt").to_dicts())

    def _days(self, contract: Contract, table: pl.DataFrame) -> list[dict[str, Any]]:
        """The last days, newest first, each with what its marker says."""
        counts = table.group_by("dt").agg(rows=pl.len(), flagged=pl.col("flags").count()).sort("dt", descending=True)

        def of(day: dict[str, Any]) -> dict[str, Any]:
            found = read_marker(self._target.bucket("clean"), contract.name, date.fromisoformat(day["dt"]))
            marker = found[0] if found else None
            return {
                **day,
                "quarantined": marker.quarantined if marker else None,
                "corrected": len(marker.history) if marker else None,
                "execution": marker.execution if marker else "",
            }

        return side_by_side(of, counts.head(DAYS).to_dicts())

    def _actions(self, start: date, end: date) -> list[dict[str, Any]]:
        return self._lake.actions(None, start, end).sort("ex_dt", "ticker", "kind").to_dicts()


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


def _series(contract: Contract, table: pl.DataFrame, symbol: str) -> list[dict[str, Any]]:
    mine = table.filter(pl.col(contract.symbol_column) == symbol)
    return mine.select(
        "dt", pl.col(contract.rules.move.column).alias("value"), pl.col("flags").fill_null("")
    ).to_dicts()


def _flags(contract: Contract, table: pl.DataFrame) -> list[dict[str, Any]]:
    doubtful = table.filter(pl.col("flags").is_not_null())
    return doubtful.select(
        "dt", pl.col(contract.symbol_column).alias("symbol"), pl.col("flags").str.split(",")
    ).to_dicts()


def _latest(contract: Contract, table: pl.DataFrame) -> dict[str, Any]:
    """The rows of the last day, in the order of the contract's columns."""
    last = table.filter(pl.col("dt") == pl.col("dt").max()).select(column.name for column in contract.columns)
    return {"columns": last.columns, "rows": last.head(ROWS).rows(), "total": last.height}
