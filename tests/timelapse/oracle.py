"""What the lake must hold, by rules of its own: of each row the last good one that came and was loaded.

A row of an answer is *expected* once the batch that got it has ended without a failure. Until then either may be
in the lake: a function that was killed may have written it or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from marketlake.contract import Contract, load_contract
from marketlake.schemas import polars_schema
from tests.timelapse.world import OF_INDEX, RATES, Answered

PENCE = 100.0
KEYS = ["dt", "symbol"]


@dataclass
class Expected:
    """One dataset: rows that must be there, and rows that came since and may be there in their place."""

    rows: pl.DataFrame
    may_be: pl.DataFrame
    loaded: set[date] = field(default_factory=set)
    tried: set[date] = field(default_factory=set)


class Oracle:
    """All datasets."""

    def __init__(self) -> None:
        self.datasets: dict[str, Expected] = {}

    def of(self, dataset: str) -> Expected:
        """What is expected of ``dataset``."""
        if dataset not in self.datasets:
            nothing = frame_of(load_contract(dataset), [])
            self.datasets[dataset] = Expected(nothing, nothing)
        return self.datasets[dataset]

    def hear(self, contract: Contract, answered: Iterable[Answered]) -> pl.DataFrame:
        """Good rows of an answer, which may be in the lake from now on; as they are in the clean table."""
        good = frame_of(contract, [row for row in answered if row.good])
        expected = self.of(contract.name)
        expected.may_be = pl.concat([expected.may_be, good], how="diagonal")
        expected.tried |= set(good["dt"])
        return good

    def confirm(self, dataset: str, answered: pl.DataFrame, days: Iterable[date], *, drop_missing: bool) -> None:
        """A batch has ended well that got ``answered`` of ``days``."""
        expected, of_days = self.of(dataset), pl.col("dt").is_in(list(days))
        loaded = answered.filter(of_days)
        stays = expected.rows.filter(~of_days) if drop_missing else expected.rows.join(loaded, on=KEYS, how="anti")
        expected.rows = pl.concat([stays, loaded], how="diagonal")
        expected.may_be = expected.may_be.join(loaded, on=KEYS, how="anti")
        expected.loaded |= set(days)


def frame_of(contract: Contract, rows: Iterable[Answered]) -> pl.DataFrame:
    """``rows`` in the columns of the clean table, with ``dt`` (date) and ``symbol`` first."""
    records = [{"dt": row.day, "symbol": row.symbol, **_record(contract.name, row)} for row in rows]
    schema = {"dt": pl.Date(), "symbol": pl.String(), **polars_schema(contract)}
    return pl.DataFrame([{name: record.get(name) for name in schema} for record in records], schema=schema)


def _record(dataset: str, row: Answered) -> dict[str, object]:
    if dataset == RATES:
        return {"base_currency": "EUR", "target_currency": row.symbol, "rate": row.values[0]}
    names = ("open", "high", "low", "close")
    scale = 1.0 if dataset == OF_INDEX else PENCE
    prices = {name: value / scale for name, value in zip(names, row.values, strict=False)}
    volume, dividend, split = row.values[5:]
    return {
        "ticker": row.symbol,
        **prices,
        "volume": int(volume),
        "currency": "GBP",
        "dividend": dividend / scale,
        "dividend_currency": "GBP" if dividend else None,
        "split_ratio": split or 1.0,
        "quoted_currency": "GBp",
    }


@dataclass
class Differences:
    """How a dataset's history differs from what is expected: rows by kind, as text; empty where it does not."""

    lost: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.other or self.invented)

    def __str__(self) -> str:
        kinds = defaultdict(list, {"lost": self.lost, "other values": self.other, "never in an answer": self.invented})
        return "; ".join(f"{len(rows)} rows {kind}: {', '.join(rows[:4])}" for kind, rows in kinds.items() if rows)


def compare(contract: Contract, expected: Expected, history: pl.DataFrame) -> Differences:
    """``history`` (columns dt as date, symbol, and the contract's) against what is expected."""
    found = Differences()
    columns = [column.name for column in contract.columns]
    rows = _in_columns(contract, expected.rows)
    both = rows.join(history, on=KEYS, how="full", suffix="_held", coalesce=True, nulls_equal=False)
    key = contract.symbol_column
    lost = both.filter(pl.col(f"{key}_held").is_null())
    new = both.filter(pl.col(key).is_null())
    shared = both.filter(pl.col(key).is_not_null() & pl.col(f"{key}_held").is_not_null())
    other = shared.filter(~pl.all_horizontal(_same(name) for name in columns))
    found.lost = [f"{day} {symbol}" for day, symbol in lost.select(KEYS).rows()]
    doubtful = [*other.select(KEYS).rows(), *new.select(KEYS).rows()]
    if doubtful:
        explained = _explained(columns, _in_columns(contract, expected.may_be), history, doubtful)
        known = set(rows.select(KEYS).rows())
        for day, symbol in doubtful:
            if (day, symbol) not in explained:
                (found.other if (day, symbol) in known else found.invented).append(f"{day} {symbol}")
    return found


def _explained(
    columns: list[str], answered: pl.DataFrame, history: pl.DataFrame, keys: list[tuple[date, str]]
) -> set[tuple[date, str]]:
    """Those of ``keys`` whose row in the history came in a batch that did not end well."""
    both = answered.join(history, on=KEYS, suffix="_held").filter(pl.all_horizontal(_same(name) for name in columns))
    wanted = set(keys)
    return {row for row in both.select(KEYS).rows() if row in wanted}


def _in_columns(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the contract's columns; one that it lacks is null."""
    lacking = {name: kind for name, kind in polars_schema(contract).items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in lacking.items()).select(
        *KEYS, *polars_schema(contract)
    )


def _same(name: str) -> pl.Expr:
    return pl.col(name).eq_missing(pl.col(f"{name}_held"))
