"""The tables of the lake as Glue takes them, from the contracts and the lookups' data file.

Terraform makes the same from the same files (``infra/terraform/catalog.tf``, ``infra/terraform/lookups.tf``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.lookups import lookup_input, lookups, quarantine_input
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import clean_prefix, year_prefix, year_table
from marketlake.schemas import glue_columns


def table_inputs(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """``TableInput`` of every table: a dataset's by day and by year, that of its quarantine, and the lookups."""
    clean = str(values["clean_bucket"])
    datasets = [make(name, clean) for name in dataset_names() for make in (table_input, year_table_input)]
    quarantines = [quarantine_input(load_contract(name), str(values["raw_bucket"])) for name in dataset_names()]
    return [*datasets, *quarantines, *(lookup_input(name, str(values["artifacts_bucket"])) for name in lookups())]


def table_input(dataset: str, clean_bucket: str) -> dict[str, Any]:
    """Glue's ``TableInput`` of ``dataset`` by day: columns from the contract, partitions projected, no crawler."""
    contract = load_contract(dataset)
    days = {"format": "yyyy-MM-dd", "range": f"{contract.first_date},NOW+1DAYS", "interval.unit": "DAYS"}
    key = {"Name": "dt", "Type": "string", "Comment": "Day, YYYY-MM-DD; in the path only"}
    location = f"s3://{clean_bucket}/{clean_prefix(dataset)}"
    return _projected(dataset, contract.description, location, key, days, glue_columns(contract))


def year_table_input(dataset: str, clean_bucket: str) -> dict[str, Any]:
    """Glue's ``TableInput`` of the same rows by year, with ``dt`` as a column: ten objects for ten years."""
    contract = load_contract(dataset)
    years = {"format": "yyyy", "range": f"{contract.first_date.year},NOW+1DAYS", "interval.unit": "YEARS"}
    key = {"Name": "year", "Type": "string", "Comment": "Year, YYYY; in the path only"}
    location = f"s3://{clean_bucket}/{year_prefix(dataset)}"
    columns = [{"Name": "dt", "Type": "string", "Comment": "Day, YYYY-MM-DD"}, *glue_columns(contract)]
    description = f"{contract.description} The same rows as {dataset}, by year: for questions about many days."
    return _projected(year_table(dataset), description, location, key, years, columns)


def _projected(
    name: str,
    description: str,
    location: str,
    key: dict[str, str],
    projection: dict[str, str],
    columns: list[dict[str, str]],
) -> dict[str, Any]:
    """A table with one partition key, a date that is projected."""
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
        "PartitionKeys": [key],
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }
