"""The Arrow schema that the clean Parquet files of a dataset must have: pyarrow is the independent reader."""

from __future__ import annotations

import pyarrow as pa

from marketlake.contract import Contract


def arrow_schema(contract: Contract) -> pa.Schema:
    """Names and Arrow types of the clean Parquet files, in order.

    Every field is nullable, as Polars writes it: that a column has no nulls is a rule, which Validate and AthenaCheck
    enforce.
    """
    types = {"string": pa.large_string(), "double": pa.float64(), "bigint": pa.int64()}
    return pa.schema([pa.field(column.name, types[column.type]) for column in contract.columns])
