"""The schemas of a dataset, each from its contract: Polars and Glue; and the columns of the corporate actions.

Neither has ``dt``: it is the partition, text in the path only. Polars is imported where it is used, since most
functions are deployed without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marketlake.contract import Column, Contract

if TYPE_CHECKING:
    import polars as pl


ACTION_COLUMNS = (
    Column("ex_dt", "string", False, "Day on which it took effect, YYYY-MM-DD: the ex-day of a dividend"),
    Column("ticker", "string", False, "Yahoo symbol, such as BT-A.L"),
    Column("kind", "string", False, "dividend or split"),
    Column(
        "amount",
        "double",
        True,
        "Dividend per share, adjusted for splits, null where it is in doubt; or new shares for each old one. Of a "
        "dividend that the source took back 0, of such a split 1",
    ),
    Column("currency", "string", True, "ISO 4217 code of the currency of a dividend, null of a split"),
    Column(
        "first_seen",
        "string",
        False,
        "Day (UTC) on which an execution first saw it, or made this table of a lake that had it already",
    ),
    Column(
        "changed",
        "string",
        True,
        "Day (UTC) on which an execution last saw another amount or currency, null where none did",
    ),
)
"""The table of corporate actions, of which ``ex_dt``, ``ticker`` and ``kind`` are the key."""


def polars_types(columns: Sequence[Column]) -> pl.Schema:
    """Names and Polars types of ``columns``, in order."""
    import polars as pl

    types = {"string": pl.String(), "double": pl.Float64(), "bigint": pl.Int64()}
    return pl.Schema({column.name: types[column.type] for column in columns})


def polars_schema(contract: Contract) -> pl.Schema:
    """Names and Polars types of the clean table's columns, in order."""
    return polars_types(contract.columns)


def glue_types(columns: Sequence[Column]) -> list[dict[str, str]]:
    """``columns`` as a Glue table's storage descriptor has them."""
    return [{"Name": c.name, "Type": c.type, "Comment": c.description} for c in columns]


def glue_columns(contract: Contract) -> list[dict[str, str]]:
    """``Columns`` of the Glue table's storage descriptor."""
    return glue_types(contract.columns)
