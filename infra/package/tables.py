"""The tables of the lake as Glue takes them (``TableInput``), for Terraform and for the local deployment.

From each contract: its rows by day, all its rows by year (docs/decisions/0012), and its quarantine; of all of them the
corporate actions. From ``assets/queries/views``: the views. From ``infra/terraform/lookups/lookups.json``: the
analysts' small lists. The local deployment calls ``table_inputs``; ``make package`` writes them into ``tables.json``,
which ``infra/terraform/catalog.tf`` reads.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import (
    ACTIONS_PREFIX,
    clean_prefix,
    lookup_prefix,
    quarantine_prefix,
    year_prefix,
    year_table,
)
from marketlake.reader.shipped import LOOKUPS, VIEWS
from marketlake.schemas import ACTION_COLUMNS, glue_columns, glue_types

TABLES = "tables.json"
ACTIONS = "corporate_actions"

PARQUET = "org.apache.hadoop.hive.ql.io.parquet"

DAY = {"Name": "dt", "Type": "string", "Comment": "Day, YYYY-MM-DD"}
YEAR = {"Name": "year", "Type": "string", "Comment": "Year, YYYY"}

NAMES = ("raw_bucket", "clean_bucket", "artifacts_bucket", "database")
"""What a deployment calls itself differs; each of these is a placeholder in ``tables.json``."""


def table_inputs(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """``TableInput`` of every table and view; ``values`` hold the names of the buckets and of the database."""
    return [glue_input(document) for document in table_documents(values)]


def glue_input(document: Mapping[str, Any]) -> dict[str, Any]:
    """A ``TableInput`` from a document of ours: a view's definition as Athena keeps it."""
    table = {key: value for key, value in document.items() if key != "View"}
    return table | view_texts(document["View"]) if "View" in document else table


def table_documents(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Every ``TableInput``, a view with its definition as ``View`` instead of its texts, which Terraform writes."""
    raw, clean, artifacts, database = (str(values[name]) for name in NAMES)
    datasets = [make(name, clean) for name in dataset_names() for make in (table_input, year_table_input)]
    quarantines = [quarantine_input(load_contract(name), raw) for name in dataset_names()]
    lists = [_lookup_input(name, artifacts) for name in lookups()]
    return [*datasets, actions_input(clean), *(view_document(view, database) for view in views()), *quarantines, *lists]


def write_tables(folder: Path) -> None:
    """Write ``tables.json`` for Terraform's ``templatefile``: names are placeholders, Glue's own ``${dt}`` is not."""
    text = json.dumps(table_documents({name: f"<{name}>" for name in NAMES}), indent=1).replace("${", "$${")
    (folder / TABLES).write_text(re.sub(rf"<({'|'.join(NAMES)})>", r"${\1}", text) + "\n", "utf-8")


def table_input(dataset: str, clean_bucket: str) -> dict[str, Any]:
    """``TableInput`` of ``dataset`` by day: columns from the contract, partitions projected.

    The range ends a day after NOW, since NOW is UTC and a day begins earlier in London's summer and in Frankfurt: a day
    too many is one look at an empty folder, a day too few would hide rows. The type string is what makes
    ``dt >= '2024-01-01'`` work as the day is written in the path.
    """
    contract = load_contract(dataset)
    days = {"format": "yyyy-MM-dd", "range": f"{contract.first_date},NOW+1DAYS", "interval.unit": "DAYS"}
    location = f"s3://{clean_bucket}/{clean_prefix(dataset)}"
    return _projected(dataset, contract.description, location, DAY, days, glue_columns(contract))


def year_table_input(dataset: str, clean_bucket: str) -> dict[str, Any]:
    """``TableInput`` of the same rows by year, with ``dt`` as a column: ten objects for ten years."""
    contract = load_contract(dataset)
    years = {"format": "yyyy", "range": f"{contract.first_date.year},NOW+1DAYS", "interval.unit": "YEARS"}
    location = f"s3://{clean_bucket}/{year_prefix(dataset)}"
    description = f"{contract.description} The same rows as {dataset}, by year: for questions about many days."
    return _projected(year_table(dataset), description, location, YEAR, years, [DAY, *glue_columns(contract)])


def actions_input(clean_bucket: str) -> dict[str, Any]:
    """``TableInput`` of the corporate actions, one object a dataset."""
    return {
        "Name": ACTIONS,
        "Description": "Dividends and splits of every ticker and year, each with the day on which it was first seen.",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [],
        "StorageDescriptor": _parquet(f"s3://{clean_bucket}/{ACTIONS_PREFIX}", glue_types(ACTION_COLUMNS)),
    }


@dataclass(frozen=True)
class View:
    """A view of ``assets/queries/views``: its text, and its columns as Glue has them.

    The file's leading comments give ``name``, ``description``, ``of`` (the dataset whose rows it has) and a line for
    each column that it adds: ``-- adj_close: double, close times adj_factor``.
    """

    name: str
    description: str
    dataset: str
    added: list[dict[str, str]]
    sql: str

    @property
    def columns(self) -> list[dict[str, str]]:
        """All columns in the order of the text: those of the dataset by year, then the added ones."""
        return [DAY, *glue_columns(load_contract(self.dataset)), YEAR, *self.added]


def views() -> list[View]:
    """All views, by name."""
    return [_view(path.read_text("utf-8").splitlines()) for path in sorted(VIEWS.glob("*.sql"))]


def _view(lines: Sequence[str]) -> View:
    header = [line.removeprefix("-- ").partition(": ") for line in lines if line.startswith("-- ")]
    said = {key: text for key, _, text in header}
    name, description, dataset = (said.pop(key) for key in ("name", "description", "of"))
    typed = {column: text.partition(", ") for column, text in said.items()}
    added = [{"Name": key, "Type": kind, "Comment": _sentence(text)} for key, (kind, _, text) in typed.items()]
    return View(name, description, dataset, added, "\n".join(line for line in lines if not line.startswith("-- ")))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def view_document(view: View, database: str) -> dict[str, Any]:
    """The view as ``table_documents`` has it.

    ``View`` is Trino's definition of a view, whose unqualified tables are those of ``schema``; its types are Trino's.
    A view has no SerDe, but Athena refuses a table without the name of one
    (https://github.com/hashicorp/terraform-provider-aws/issues/28517).
    """
    types = {"string": "varchar"}
    columns = [{"name": c["Name"], "type": types.get(c["Type"], c["Type"])} for c in view.columns]
    return {
        "Name": view.name,
        "Description": view.description,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": view.columns,
            "Location": "",
            "InputFormat": "",
            "OutputFormat": "",
            "SerdeInfo": {"Name": "-", "SerializationLibrary": "-", "Parameters": {}},
        },
        "View": {"originalSql": view.sql, "catalog": "awsdatacatalog", "schema": database, "columns": columns},
    }


def view_texts(definition: Mapping[str, Any]) -> dict[str, str]:
    """The two texts of a view's ``TableInput``.

    AWS documents CREATE VIEW alone; what that leaves in Glue is a comment with Trino's JSON in base64
    (https://stackoverflow.com/a/56347331, https://github.com/hashicorp/terraform-provider-aws/issues/17363, and
    ``ViewReaderUtil`` of https://github.com/trinodb/trino).
    """
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return {"ViewOriginalText": f"/* Presto View: {encoded} */", "ViewExpandedText": "/* Presto View */"}


def view_definition(original_text: str) -> dict[str, Any]:
    """The definition in a view's ``ViewOriginalText``."""
    encoded = original_text.removeprefix("/* Presto View: ").removesuffix(" */")
    return msgspec.json.decode(base64.b64decode(encoded), type=dict[str, Any])


def _projected(
    name: str,
    description: str,
    location: str,
    key: dict[str, str],
    projection: dict[str, str],
    columns: list[dict[str, str]],
) -> dict[str, Any]:
    """A table of Parquet with one partition key, a date.

    Partitions are projected from the contract's first date to today, so that no crawler and no ADD PARTITION is needed:
    a day is there as soon as its object is. A query without a condition on the key asks S3 about every day since the
    first. https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
    """
    by = key["Name"]
    return {
        "Name": name,
        "Description": description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            "projection.enabled": "true",
            f"projection.{by}.type": "date",
            f"projection.{by}.interval": "1",
            **{f"projection.{by}.{word}": value for word, value in projection.items()},
            "storage.location.template": f"{location}{by}=${{{by}}}/",
        },
        "PartitionKeys": [{**key, "Comment": f"{key['Comment']}; in the path only"}],
        "StorageDescriptor": _parquet(location, columns),
    }


def _parquet(location: str, columns: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Columns": columns,
        "Location": location,
        "InputFormat": f"{PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{PARQUET}.serde.ParquetHiveSerDe", "Parameters": {}},
    }


def lookups() -> dict[str, Any]:
    """Description and columns of each lookup table, by its name."""
    return msgspec.json.decode(LOOKUPS.read_bytes(), type=dict[str, Any])


def lookup_key(table: str) -> str:
    """Key in the artifacts bucket of a lookup table's one object."""
    return f"{lookup_prefix(table)}{table}.csv"


def _lookup_input(table: str, artifacts_bucket: str) -> dict[str, Any]:
    described = lookups()[table]
    location = f"s3://{artifacts_bucket}/{lookup_prefix(table)}"
    columns = {column["name"]: column["description"] for column in described["columns"]}
    return _csv_table(table, described["description"], columns, location)


def quarantine_input(contract: Contract, raw_bucket: str) -> dict[str, Any]:
    """``TableInput`` over the quarantine of a dataset: all rows that any execution ever put there."""
    described = {column.name: column.description for column in contract.columns}
    return _csv_table(
        f"quarantine_{contract.name}",
        f"Rows of {contract.name} that Validate quarantined, once for each execution that did",
        {DAY["Name"]: DAY["Comment"], **described, "reason": "Rule that the row broke"},
        f"s3://{raw_bucket}/{quarantine_prefix(contract.name)}",
    )


def _csv_table(name: str, description: str, columns: Mapping[str, str], location: str) -> dict[str, Any]:
    """A table of CSV objects with a header; ``columns`` are names and comments.

    Every column is text, since the reader takes an empty value for an error in a column of numbers:
    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
    """
    return {
        "Name": name,
        "Description": description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "csv", "skip.header.line.count": "1"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": "string", "Comment": comment} for column, comment in columns.items()],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                "Parameters": {"separatorChar": ",", "quoteChar": '"'},
            },
        },
    }
