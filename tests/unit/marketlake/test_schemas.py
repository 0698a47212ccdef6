from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from marketlake.contract import Contract
from marketlake.schemas import glue_columns, polars_schema
from tests.arrow_schema import arrow_schema
from tests.unit.lake import PRICES, RATES

GLUE_OF_ARROW = {pa.large_string(): "string", pa.float64(): "double", pa.int64(): "bigint"}


@pytest.mark.parametrize("contract", [PRICES, RATES], ids=lambda c: c.name)
def test_the_three_schemas_agree(contract: Contract) -> None:
    arrow = arrow_schema(contract)
    of_polars = pl.DataFrame(schema=polars_schema(contract)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    assert of_polars == arrow
    assert [(c["Name"], c["Type"]) for c in glue_columns(contract)] == [(f.name, GLUE_OF_ARROW[f.type]) for f in arrow]


def test_glue_columns_carry_the_descriptions_and_not_the_partition() -> None:
    comments = {column["Name"]: column["Comment"] for column in glue_columns(RATES)}
    assert comments == {column.name: column.description for column in RATES.columns}
    assert "dt" not in comments
