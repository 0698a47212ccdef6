"""The tables of the lake as Glue takes them, from the contracts and the lookups' data file.

Terraform makes the same from the same files (``infra/catalog.tf``, ``infra/lookups.tf``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.lookups import lookup_input, lookups, quarantine_input
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import clean_prefix
from marketlake.schemas import glue_columns


def table_inputs(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """``TableInput`` of every table: a dataset's, that of its quarantine, and the lookups."""
    datasets = [table_input(name, str(values["clean_bucket"])) for name in dataset_names()]
    quarantines = [quarantine_input(load_contract(name), str(values["raw_bucket"])) for name in dataset_names()]
    return [*datasets, *quarantines, *(lookup_input(name, str(values["artifacts_bucket"])) for name in lookups())]


def table_input(dataset: str, clean_bucket: str) -> dict[str, Any]:
    """Glue's ``TableInput`` of ``dataset``: columns from the contract, partitions projected, nothing to crawl."""
    contract = load_contract(dataset)
    location = f"s3://{clean_bucket}/{clean_prefix(dataset)}"
    return {
        "Name": dataset,
        "Description": contract.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            "projection.enabled": "true",
            "projection.dt.type": "date",
            "projection.dt.format": "yyyy-MM-dd",
            "projection.dt.range": f"{contract.first_date},NOW+1DAYS",
            "projection.dt.interval": "1",
            "projection.dt.interval.unit": "DAYS",
            "storage.location.template": f"{location}dt=${{dt}}/",
        },
        "PartitionKeys": [{"Name": "dt", "Type": "string", "Comment": "Day, YYYY-MM-DD; in the path only"}],
        "StorageDescriptor": {
            "Columns": glue_columns(contract),
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }
