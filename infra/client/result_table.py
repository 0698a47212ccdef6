"""An answer of Athena as a typed Arrow table, from its API or from its result file."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

ARROW_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
}
"""Arrow types of Athena's; everything else (varchar, decimal, array, row, ...) stays the text that Athena gives."""

Column = tuple[str, str]
"""Name and Athena type."""


def table_of(columns: Sequence[Column], rows: Sequence[Sequence[str | None]]) -> pa.Table:
    """The table of ``rows`` as the API gives them: text, None for NULL; short rows end with nulls."""
    # SHOW and DESCRIBE may come without column names.
    named = list(columns) or [("result", "varchar")]
    texts = [[row[place] if place < len(row) else None for row in rows] for place in range(len(named))]
    arrays = [_typed(pa.array(text, pa.string()), kind) for text, (_, kind) in zip(texts, named, strict=True)]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in named])


def read_csv(content: bytes, columns: Sequence[Column]) -> pa.Table:
    """The table in Athena's result file, which has every string in quotes and NULL as nothing at all.

    https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
    """
    # Names of our own first: Athena allows SELECT a, a, Arrow's reader wants them to differ.
    places = [f"c{place}" for place in range(len(columns))]
    table = arrow_csv.read_csv(
        BytesIO(content),
        read_options=arrow_csv.ReadOptions(column_names=places, skip_rows=1),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    arrays = [_typed(table.column(place), kind) for place, (_, kind) in zip(places, columns, strict=True)]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in columns])


def _typed(texts: pa.Array[Any] | pa.ChunkedArray[Any], kind: str) -> pa.Array[Any] | pa.ChunkedArray[Any]:
    """``texts`` as their Athena type; left as text where the engine's name for the type was too small."""
    try:
        return texts.cast(ARROW_TYPES.get(kind, pa.string()))
    except pa.ArrowInvalid:
        # The emulator calls a HUGEINT bigint and a time with zone timestamp.
        return texts
