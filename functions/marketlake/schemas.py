"""The schemas of a dataset, each from its contract: Polars, Arrow and Glue.

``dt`` is in none of them: it is the partition, text in the path only. Polars and Arrow are imported where they are
used, since most functions are deployed with neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketlake.contract import Contract

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


def polars_schema(contract: Contract) -> pl.Schema:
    """Names and Polars types of the clean table's columns, in order."""
    import polars as pl

    types = {"string": pl.String(), "double": pl.Float64(), "bigint": pl.Int64()}
    return pl.Schema({column.name: types[column.type] for column in contract.columns})


def arrow_schema(contract: Contract) -> pa.Schema:
    """Names and Arrow types of the clean Parquet files, in order.

    Every field is nullable, as Polars writes it: that a column has no nulls is a rule, which Validate and AthenaCheck
    enforce.
    """
    import pyarrow as pa

    types = {"string": pa.large_string(), "double": pa.float64(), "bigint": pa.int64()}
    return pa.schema([pa.field(column.name, types[column.type]) for column in contract.columns])


def glue_columns(contract: Contract) -> list[dict[str, str]]:
    """``Columns`` of the Glue table's storage descriptor."""
    return [{"Name": c.name, "Type": c.type, "Comment": c.description} for c in contract.columns]
