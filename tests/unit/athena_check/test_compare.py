from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from athena_check.partitions import Partition, catalog_differences, differences, object_differences
from marketlake.manifest import WrittenDay
from marketlake.schemas import glue_columns
from tests.unit.lake import PRICES, RATES

DAY, NEXT = date(2023, 1, 3), date(2023, 1, 4)
WRITTEN = WrittenDay(DAY, "sha", "etag", 31, 0, {"rate": (0.5, 150.0)}, {})
FOUND = Partition(31, 31, {}, {"rate": (0.5, 150.0)})


def lines_of(found: Partition, written: WrittenDay = WRITTEN) -> list[str]:
    return differences(RATES, [written], {written.dt: found})


def test_what_was_written_is_found() -> None:
    assert lines_of(FOUND) == []
    assert differences(RATES, [], {}) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rows": 30, "keys": 30}, "2023-01-03: 30 rows, 31 were written"),
        ({"rows": 62, "keys": 62}, "2023-01-03: 62 rows, 31 were written"),
        ({"keys": 30}, "2023-01-03: 31 rows have 30 distinct keys"),
        ({"ranges": {"rate": (0.5, 151.0)}}, "2023-01-03: rate ranges over (0.5, 151.0), (0.5, 150.0) was written"),
        ({"ranges": {"rate": (0.4, 150.0)}}, "2023-01-03: rate ranges over (0.4, 150.0), (0.5, 150.0) was written"),
        ({"ranges": {"rate": None}}, "2023-01-03: rate ranges over None, (0.5, 150.0) was written"),
    ],
)
def test_each_kind_of_difference_is_told_alone(change: dict[str, Any], line: str) -> None:
    assert lines_of(replace(FOUND, **change)) == [line]


def test_nulls_differ_and_a_null_where_none_may_be_is_told_even_if_it_was_written() -> None:
    assert lines_of(replace(FOUND, nulls={"rate": 2})) == [
        "2023-01-03: nulls {'rate': 2}, {} were written",
        "2023-01-03: rate has nulls",
    ]
    assert lines_of(replace(FOUND, nulls={"rate": 2}), structs.replace(WRITTEN, nulls={"rate": 2})) == [
        "2023-01-03: rate has nulls"
    ]


def test_nulls_that_may_be_and_were_written_are_no_difference() -> None:
    ranges: dict[str, tuple[float, float] | None] = {"volume": None}
    written = structs.replace(WRITTEN, nulls={"volume": 31}, ranges=ranges)
    assert differences(PRICES, [written], {DAY: replace(FOUND, nulls={"volume": 31}, ranges=ranges)}) == []


def test_a_partition_that_athena_does_not_see_is_reported_unless_nothing_was_written() -> None:
    assert differences(RATES, [WRITTEN], {}) == ["2023-01-03: Athena finds no rows, 31 were written"]
    assert differences(RATES, [structs.replace(WRITTEN, rows=0)], {}) == []


def test_each_day_is_held_against_its_own_partition() -> None:
    written = [WRITTEN, structs.replace(WRITTEN, dt=NEXT, rows=30)]
    assert differences(RATES, written, {DAY: FOUND, NEXT: FOUND}) == ["2023-01-04: 31 rows, 30 were written"]


@given(low=st.floats(1e-9, 1e9), high=st.floats(1e-9, 1e9))
def test_ranges_survive_athenas_text_and_not_a_real_change(low: float, high: float) -> None:
    written = structs.replace(WRITTEN, ranges={"rate": (low, high)})
    as_text = (float(f"{low:.12g}"), float(f"{high:.12g}"))
    assert lines_of(replace(FOUND, ranges={"rate": as_text}), written) == []
    assert lines_of(replace(FOUND, ranges={"rate": (low, high * 1.000001)}), written) != []


def test_a_manifest_read_back_compares_as_it_was_written() -> None:
    assert lines_of(FOUND, msgspec.json.decode(msgspec.json.encode(WRITTEN), type=WrittenDay)) == []


@pytest.mark.parametrize("contract", [PRICES, RATES], ids=lambda c: c.name)
def test_the_catalog_as_deployed_agrees(contract: Any) -> None:
    assert catalog_differences(contract, glue_columns(contract)) == []


def test_names_types_order_and_number_of_the_catalogs_columns_matter() -> None:
    columns = glue_columns(RATES)
    for changed in (
        columns[:-1],
        [*columns, {"Name": "more", "Type": "string"}],
        list(reversed(columns)),
        [*columns[:-1], {"Name": "rate", "Type": "float"}],
        [*columns[:-1], {"Name": "rates", "Type": "double"}],
        [*columns[:-1], {"Name": "rate"}],
    ):
        assert len(catalog_differences(RATES, changed)) == 1


def test_objects_that_are_gone_other_or_foreign_are_reported() -> None:
    written = {"clean/a": "1", "clean/b": "2", "clean/c": "3"}
    assert object_differences(written, dict(written)) == []
    assert object_differences(written, {"clean/a": "1", "clean/b": "9", "clean/d": "4"}) == [
        "clean/b is 9, 2 was written",
        "clean/c is gone, 3 was written",
        "clean/d is not an object of the lake; remove it",
    ]
