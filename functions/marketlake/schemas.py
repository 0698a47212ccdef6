"""The schemas of a dataset, each from its contract: Polars and Glue.

Neither has ``dt``: it is the partition, text in the path only. Polars is imported where it is used, since most
functions are deployed without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketlake.contract import Contract

if TYPE_CHECKING:
    import polars as pl


def polars_schema(contract: Contract) -> pl.Schema:
    """Names and Polars types of the clean table's columns, in order."""
    import polars as pl

    types = {"string": pl.String(), "double": pl.Float64(), "bigint": pl.Int64()}
    return pl.Schema({column.name: types[column.type] for column in contract.columns})


def glue_columns(contract: Contract) -> list[dict[str, str]]:
    """``Columns`` of the Glue table's storage descriptor."""
    return [{"Name": c.name, "Type": c.type, "Comment": c.description} for c in contract.columns]
