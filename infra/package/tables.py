"""The tables of the lake as Glue takes them (``TableInput``), for Terraform and for the local deployment.

From each contract: its rows by day, all its rows by year (docs/decisions/0012), and its quarantine. From
``infra/terraform/lookups/lookups.json``: the analysts' small lists. The local deployment calls ``table_inputs``;
``make package`` writes them into ``tables.json``, which ``infra/terraform/catalog.tf`` reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.facts import ROOT
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import clean_prefix, year_prefix, year_table
from marketlake.schemas import glue_columns

LOOKUPS = ROOT / "infra" / "terraform" / "lookups" / "lookups.json"
TABLES = "tables.json"

PARQUET = "org.apache.hadoop.hive.ql.io.parquet"

DAY = {"Name": "dt", "Type": "string", "Comment": "Day, YYYY-MM-DD"}


def table_inputs(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """``TableInput`` of every table; ``values`` hold the names of the raw, clean and artifacts buckets."""
    clean = str(values["clean_bucket"])
    datasets = [make(name, clean) for name in dataset_names() for make in (table_input, year_table_input)]
    quarantines = [quarantine_input(load_contract(name), str(values["raw_bucket"])) for name in dataset_names()]
    return [*datasets, *quarantines, *(_lookup_input(name, str(values["artifacts_bucket"])) for name in lookups())]


def write_tables(folder: Path) -> None:
    """Write ``tables.json`` for Terraform's ``templatefile``: buckets are placeholders, Glue's own ``${dt}`` is not."""
    buckets = {name: f"<{name}>" for name in ("raw_bucket", "clean_bucket", "artifacts_bucket")}
    text = json.dumps(table_inputs(buckets), indent=1).replace("${", "$${")
    (folder / TABLES).write_text(re.sub(r"<(\w+_bucket)>", r"${\1}", text) + "\n", "utf-8")


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
    year = {"Name": "year", "Type": "string", "Comment": "Year, YYYY"}
    location = f"s3://{clean_bucket}/{year_prefix(dataset)}"
    description = f"{contract.description} The same rows as {dataset}, by year: for questions about many days."
    return _projected(year_table(dataset), description, location, year, years, [DAY, *glue_columns(contract)])


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
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            "InputFormat": f"{PARQUET}.MapredParquetInputFormat",
            "OutputFormat": f"{PARQUET}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{PARQUET}.serde.ParquetHiveSerDe", "Parameters": {}},
        },
    }


def lookups() -> dict[str, Any]:
    """Description and columns of each lookup table, by its name."""
    document: dict[str, Any] = json.loads(LOOKUPS.read_text("utf-8"))
    return document


def lookup_key(table: str) -> str:
    """Key in the artifacts bucket of a lookup table's one object."""
    return f"config/tables/{table}/{table}.csv"


def _lookup_input(table: str, artifacts_bucket: str) -> dict[str, Any]:
    described = lookups()[table]
    location = f"s3://{artifacts_bucket}/{lookup_key(table).rpartition('/')[0]}/"
    columns = {column["name"]: column["description"] for column in described["columns"]}
    return _csv_table(table, described["description"], columns, location)


def quarantine_input(contract: Contract, raw_bucket: str) -> dict[str, Any]:
    """``TableInput`` over the quarantine of a dataset: all rows that any execution ever put there."""
    described = {column.name: column.description for column in contract.columns}
    return _csv_table(
        f"quarantine_{contract.name}",
        f"Rows of {contract.name} that Validate quarantined, once for each execution that did",
        {DAY["Name"]: DAY["Comment"], **described, "reason": "Rule that the row broke"},
        f"s3://{raw_bucket}/quarantine/{contract.name}/",
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
