"""The lake's tables for DuckDB, by the names and with the columns that they have in Athena.

A table by day has all rows of the table by year here, also those whose daily object has expired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import ACTIONS_PREFIX, lookup_prefix, quarantine_prefix, year_prefix, year_table
from marketlake.reader.places import Kind, Place
from marketlake.reader.shipped import LOOKUPS, VIEWS
from marketlake.schemas import ACTION_COLUMNS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DUCKDB_TYPES = {"string": "VARCHAR", "double": "DOUBLE", "bigint": "BIGINT"}
ACTIONS = "corporate_actions"


@dataclass(frozen=True)
class Stored:
    """A table over the files below a prefix; ``columns`` with DuckDB's types, ``keys`` are from the folders' names."""

    kind: Kind
    prefix: str
    columns: Mapping[str, str]
    keys: tuple[str, ...] = ()
    csv: bool = False

    def relation(self, files: Sequence[str]) -> str:
        """A relation over ``files``, in SQL."""
        keys = dict.fromkeys(self.keys, "VARCHAR")
        if not files:
            nulls = (f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in {**self.columns, **keys}.items())
            return f"(SELECT {', '.join(nulls)} WHERE false)"
        return csv_relation(list(self.columns), files) if self.csv else parquet_relation(self.columns, keys, files)


@cache
def stored_tables() -> Mapping[str, Stored]:
    """The tables that are files, by name."""
    found: dict[str, Stored] = {}
    for contract in map(load_contract, dataset_names()):
        found[year_table(contract.name)] = Stored("clean", year_prefix(contract.name), _dated(contract), ("year",))
        columns = dict.fromkeys([*_dated(contract), "reason"], "VARCHAR")
        found[f"quarantine_{contract.name}"] = Stored("raw", quarantine_prefix(contract.name), columns, csv=True)
    actions = {column.name: DUCKDB_TYPES[column.type] for column in ACTION_COLUMNS}
    found[ACTIONS] = Stored("clean", ACTIONS_PREFIX, actions)
    for name, lookup in json.loads(LOOKUPS.read_text("utf-8")).items():
        columns = {column["name"]: "VARCHAR" for column in lookup["columns"]}
        found[name] = Stored("artifacts", lookup_prefix(name), columns, csv=True)
    return found


@cache
def derived_tables() -> Mapping[str, str]:
    """The tables that are queries of others: their SQL, by name."""
    by_day = {name: f'FROM "{year_table(name)}" SELECT * EXCLUDE (year)' for name in dataset_names()}
    views = {path.stem: path.read_text("utf-8").splitlines() for path in sorted(VIEWS.glob("*.sql"))}
    # Without the leading comments, which have names, too.
    return by_day | {name: "\n".join(x for x in lines if not x.startswith("-- ")) for name, lines in views.items()}


def table_names() -> list[str]:
    """All tables, sorted."""
    return sorted([*stored_tables(), *derived_tables()])


def named_in(query: str) -> list[str]:
    """The tables whose names are in ``query``, sorted: at least those that it reads.

    DuckDB's ``get_table_names`` takes no question marks, and looks into views, where it fails at ours (2.0.0).
    """
    words = set(re.findall(r"\w+", query.lower()))
    return [name for name in table_names() if name in words]


class Database:
    """A DuckDB of a process's own with the lake's tables as views; those that are asked for, as the lake is then."""

    def __init__(self, place: Place) -> None:
        import duckdb

        self.connection = duckdb.connect()
        self._place, self._made, self._lock = place, dict[str, str](), RLock()

    def cursor(self, names: Iterable[str]) -> DuckDBPyConnection:
        """A connection to the same database, for one thread, with the tables ``names`` made as by ``make``."""
        with self._lock:
            self.make(names)
            return self.connection.cursor()

    def make(self, names: Iterable[str]) -> None:
        """Create each table of ``names``, and those that it reads, or bring it up to date; leave other names out."""
        for name in names:
            if name in stored_tables():
                table = stored_tables()[name]
                # Names are of contracts and of lookups.json, and paths are quoted.
                text = f"FROM {table.relation([str(path) for path in self._place.files(table.kind, table.prefix)])}"
            elif name in derived_tables():
                text = derived_tables()[name]
                self.make(named_in(text))
            else:
                continue
            if self._made.get(name) != text:
                self.connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {text}')
                self._made[name] = text


def parquet_relation(columns: Mapping[str, str], keys: Mapping[str, str], files: Sequence[str]) -> str:
    """A DuckDB relation over ``files`` with ``columns`` (name to type), and with ``keys`` from their paths.

    As Athena reads Parquet, by the names of columns: null for what a file lacks, nothing of what the table lacks
    (https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html). DuckDB can do so with files
    that it does not open only where it is given the schema, which it does not take together with its own reading of
    partitions from paths.
    """
    schema = ", ".join(
        f"'{name}': {{name: '{name}', type: '{kind}', default_value: NULL}}" for name, kind in columns.items()
    )
    names = [f'"{name}"' for name in columns]
    names += [
        f"CAST(regexp_extract(filename, '/{name}=([^/]*)/', 1) AS {kind}) AS \"{name}\"" for name, kind in keys.items()
    ]
    reader = f"read_parquet({_texts(files)}, schema = MAP {{{schema}}}, filename = true)"
    return f"(SELECT {', '.join(names)} FROM {reader})"  # noqa: S608 - names are those of the contracts


def csv_relation(columns: Sequence[str], files: Sequence[str]) -> str:
    """A DuckDB relation over CSV ``files`` with a header, all text, by the places of ``columns``, as Athena reads them:
    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html"""
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
    options = "auto_detect = false, header = false, skip = 1, delim = ',', quote = '\"', escape = '\"'"
    options += ", null_padding = true, strict_mode = false, hive_partitioning = false"
    return f"read_csv({_texts(files)}, {options}, columns = {{{types}}})"


def _texts(files: Sequence[str]) -> str:
    return "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"


def _dated(contract: Contract) -> dict[str, str]:
    return {"dt": "VARCHAR", **{column.name: DUCKDB_TYPES[column.type] for column in contract.columns}}
