"""Athena's answers by DuckDB, over the very Parquet objects of the lake."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from infra.local.lists import CLOSING_DAYS
from infra.package.tables import ACTIONS, views
from marketlake.contract import CONTRACTS, Contract, dataset_names, load_contract
from marketlake.layout import ACTIONS_PREFIX, clean_prefix, day_of_key, year_prefix, year_table
from marketlake.schemas import ACTION_COLUMNS, polars_schema, polars_types
from tests.timelapse.objects import MemoryS3, Object

LOOKUPS = {
    "constituents": CONTRACTS / "constituents.csv",
    "membership": CONTRACTS / "membership.csv",
    "closing_days": CLOSING_DAYS,
}


class Tables:
    """The tables of the catalog: each object is read once, and a table made again when its objects have changed."""

    def __init__(self, s3: MemoryS3, buckets: Mapping[str, str]) -> None:
        self._s3, self._buckets = s3, buckets
        self._read: dict[str, tuple[str, pl.DataFrame]] = {}
        self._frames: dict[str, tuple[Any, pl.DataFrame]] = {}
        self._registered: dict[str, pl.DataFrame] = {}
        self._duckdb = duckdb.connect()
        self._duckdb.execute("SET threads = 1")
        for name, path in LOOKUPS.items():
            frame = pl.read_csv(path, infer_schema=False).with_columns(pl.all().fill_null(""))
            self._duckdb.register(name, frame.to_arrow())

    def days(self, dataset: str) -> pl.DataFrame:
        """The table by day: ``dt`` (text) and the contract's columns."""
        return self._table(dataset, clean_prefix(dataset), ["dt"])

    def years(self, dataset: str) -> pl.DataFrame:
        """The table by year: ``dt`` (text), ``year`` (text) and the contract's columns."""
        return self._table(dataset, year_prefix(dataset), ["dt", "year"])

    def quarantine(self, dataset: str) -> pl.DataFrame:
        """The quarantined rows, all text."""
        names = ["dt", *polars_schema(load_contract(dataset)).names(), "reason"]
        frames = [pl.read_csv(io.BytesIO(body), infer_schema=False) for body in self.quarantined(dataset)]
        return pl.concat([pl.DataFrame(schema=dict.fromkeys(names, pl.String())), *frames], how="diagonal")

    def actions(self) -> pl.DataFrame:
        """The table of corporate actions."""
        objects = self._s3.objects(self._buckets["clean_bucket"], ACTIONS_PREFIX)
        none = pl.DataFrame(schema=polars_types(ACTION_COLUMNS))
        return pl.concat([none, *(pl.read_parquet(io.BytesIO(one.body)) for _, one in objects)])

    def quarantined(self, dataset: str) -> list[bytes]:
        """The objects with the quarantined rows."""
        return [one.body for _, one in self._s3.objects(self._buckets["raw_bucket"], f"quarantine/{dataset}/")]

    def ask(self, sql: str) -> pl.DataFrame:
        """The answer to ``sql``."""
        shown = {view.name: view.sql for view in views() if view.name in sql}
        for dataset in dataset_names():
            if any(dataset in text for text in (sql, *shown.values())):
                self._register(dataset, self.days(dataset))
                self._register(year_table(dataset), self.years(dataset))
                if f"quarantine_{dataset}" in sql:
                    self._register(f"quarantine_{dataset}", self.quarantine(dataset))
        if ACTIONS in sql:
            self._register(ACTIONS, self.actions())
        for name, text in shown.items():
            self._duckdb.execute(f"CREATE OR REPLACE VIEW {name} AS {text}")
        answer = pl.from_arrow(self._duckdb.sql(sql).to_arrow_table())
        assert isinstance(answer, pl.DataFrame)
        return answer

    def run_query(
        self, _client: Any, _workgroup: str, _database: str, sql: str, _timeout: float
    ) -> list[dict[str, str]]:
        """As the function of this name in ``athena_check.athena``: values as text, null as empty text."""
        rows = self.ask(sql).rows(named=True)
        return [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]

    def _register(self, name: str, frame: pl.DataFrame) -> None:
        if self._registered.get(name) is not frame:
            self._registered[name] = frame
            self._duckdb.register(name, frame.to_arrow())

    def _table(self, dataset: str, prefix: str, more: list[str]) -> pl.DataFrame:
        contract = load_contract(dataset)
        objects = self._s3.objects(self._buckets["clean_bucket"], prefix)
        state = (contract.version, [(key, one.etag) for key, one in objects])
        if prefix not in self._frames or self._frames[prefix][0] != state:
            schema = {**dict.fromkeys(more, pl.String()), **polars_schema(contract)}
            frames = [self._frame(contract, list(schema), key, one) for key, one in objects]
            table = pl.concat([pl.DataFrame(schema=schema), *frames], rechunk=True)
            self._frames[prefix] = (state, table)
        return self._frames[prefix][1]

    def _frame(self, contract: Contract, names: list[str], key: str, one: Object) -> pl.DataFrame:
        version = f"{one.etag}/{contract.version}"
        if key not in self._read or self._read[key][0] != version:
            frame = pl.read_parquet(io.BytesIO(one.body))
            # Athena finds columns by name; one that an object lacks is null.
            lacking = [pl.lit(None, kind).alias(n) for n, kind in polars_schema(contract).items() if n not in frame]
            folder = pl.lit(key.partition("year=")[2][:4]).alias("year")
            place = folder if "year=" in key else pl.lit(f"{day_of_key(key)}").alias("dt")
            self._read[key] = (version, frame.with_columns(place, *lacking).select(names))
        return self._read[key][1]


def dated(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with ``dt`` as a date, and the symbol."""
    return frame.with_columns(pl.col("dt").str.to_date(), symbol=pl.col(contract.symbol_column))
