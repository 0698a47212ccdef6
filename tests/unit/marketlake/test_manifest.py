from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketlake.manifest import WrittenDay, read_manifest, write_manifest
from marketlake.storage import ObjectMissing
from tests.unit.lake import Lake

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WRITTEN = st.builds(
    WrittenDay,
    dt=st.dates(),
    raw_sha256=st.text(max_size=64),
    etag=st.text(max_size=32),
    rows=st.integers(0, 1000),
    quarantined=st.integers(0, 100),
    ranges=st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.tuples(FINITE, FINITE)), max_size=3),
    nulls=st.dictionaries(st.text(max_size=8), st.integers(1, 100), max_size=3),
    changed_rows=st.one_of(st.none(), st.integers(0, 100)),
)
# The bucket is the same for all examples of a test; each example writes over the one before.
reuse_bucket = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@reuse_bucket
@given(days=st.lists(WRITTEN, max_size=4))
def test_what_transform_says_comes_back(lake: Lake, days: list[WrittenDay]) -> None:
    write_manifest(lake.clean, "manifests/run/0-written.json", days)
    assert read_manifest(lake.clean, "manifests/run/0-written.json") == days


def test_a_manifest_that_is_not_there_is_an_error(lake: Lake) -> None:
    with pytest.raises(ObjectMissing):
        read_manifest(lake.clean, "manifests/run/0-written.json")


def test_a_year_of_written_days_is_a_small_object(lake: Lake) -> None:
    ranges: dict[str, tuple[float, float] | None] = {
        f"column_{number}": (0.123456789, 98765.4321) for number in range(8)
    }
    days = [WrittenDay(date(2023, 1, 2), "f" * 64, "e" * 32, 100, 0, ranges, {"volume": 1}) for _ in range(260)]
    write_manifest(lake.clean, "manifests/run/0-written.json", days)
    assert len(lake.clean.get("manifests/run/0-written.json").body) < 200_000
