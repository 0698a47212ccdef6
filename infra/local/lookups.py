"""Tables for analysts beside the datasets: small lists, and the rows that Validate put aside.

Both are CSV read with every column as text. Terraform makes the same from the same files, in
``infra/terraform/lookups.tf``.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from infra import facts
from marketlake.contract import Contract

FOLDER = facts.ROOT / "infra" / "terraform" / "lookups"
TABLES = FOLDER / "tables.json"
CLOSING_DAYS = FOLDER / "closing_days.csv"

Columns = list[dict[str, str]]


def lookups() -> dict[str, Any]:
    """Description and columns of each lookup table, by its name."""
    document: dict[str, Any] = json.loads(TABLES.read_text("utf-8"))
    return document


def lookup_key(table: str) -> str:
    """Key in the artifacts bucket of a lookup table's one object."""
    return f"config/tables/{table}/{table}.csv"


def lookup_csv(table: str, content: bytes) -> bytes:
    """``content``, a CSV with a header, as the table's object: its columns only, in its order, every value in quotes.

    A column that ``content`` lacks is empty, so that a list of the user's own needs no more than the pipeline does.
    """
    columns = [column["name"] for column in lookups()[table]["columns"]]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow(columns)
    for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        # The reader of Athena's CSV tables ends a row at every line's end, quoted or not.
        lines.writerow([" ".join((row.get(name) or "").split()) for name in columns])
    return text.getvalue().encode()


def lookup_input(table: str, artifacts_bucket: str) -> dict[str, Any]:
    """Glue's ``TableInput`` of a lookup table."""
    described = lookups()[table]
    location = f"s3://{artifacts_bucket}/{lookup_key(table).rpartition('/')[0]}/"
    return csv_table(table, described["description"], described["columns"], location)


def quarantine_input(contract: Contract, raw_bucket: str) -> dict[str, Any]:
    """Glue's ``TableInput`` over the quarantine of a dataset: all rows that were ever put aside, by any execution."""
    columns = [
        {"name": "dt", "description": "Day, YYYY-MM-DD"},
        *({"name": c.name, "description": c.description} for c in contract.columns),
        {"name": "reason", "description": "Rule that the row broke"},
    ]
    return csv_table(
        f"quarantine_{contract.name}",
        f"Rows of {contract.name} that Validate put aside, once for each execution that did",
        columns,
        f"s3://{raw_bucket}/quarantine/{contract.name}/",
    )


def csv_table(name: str, description: str, columns: Columns, location: str) -> dict[str, Any]:
    """Glue's ``TableInput`` of CSV objects with a header, every column as text.

    Text, since the reader takes an empty value for an error in a column of numbers:
    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
    """
    return {
        "Name": name,
        "Description": description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "csv", "skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Columns": [{"Name": c["name"], "Type": "string", "Comment": c["description"]} for c in columns],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                "Parameters": {"separatorChar": ",", "quoteChar": '"'},
            },
        },
    }
