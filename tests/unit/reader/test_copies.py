"""Copies of an account's objects: made once, replaced when S3 has another, and nowhere but in their folder."""

from __future__ import annotations

import os
from pathlib import Path

from marketlake.reader.places import STALE_SECONDS, Copies
from tests.unit.lake import ENVIRONMENT, Lake

KEY = "by_year/fx_rates/year=2022/part-0.parquet"


def copies(lake: Lake, cache: Path) -> Copies:
    return Copies(lake.client, {"clean_bucket": ENVIRONMENT["CLEAN_BUCKET"]}, cache, "a lake")


def test_an_object_is_copied_again_when_it_is_another(lake: Lake, tmp_path: Path) -> None:
    place = copies(lake, tmp_path)
    assert place.files("clean", "by_year/") == []
    lake.clean.put(KEY, b"one", "text/plain")
    (first,) = place.files("clean", "by_year/fx_rates/")
    assert (first.read_bytes(), first.parent.name) == (b"one", "year=2022")
    first.write_bytes(b"read from here")
    assert [path.read_bytes() for path in place.files("clean", "by_year/")] == [b"read from here"]
    lake.clean.put(KEY, b"two", "text/plain")
    (second,) = place.files("clean", "by_year/")
    assert (second.read_bytes(), first.exists()) == (b"two", True), "another process may be reading the old one"
    os.utime(first, (0, first.stat().st_mtime - STALE_SECONDS - 1))
    lake.clean.put(KEY, b"three", "text/plain")
    (third,) = place.files("clean", "by_year/")
    assert sorted(tmp_path.rglob("*.parquet*")) == sorted([second, third])


def test_a_key_that_leads_out_of_the_cache_is_left_alone(lake: Lake, tmp_path: Path) -> None:
    lake.clean.put("by_year/../../../evil.csv", b"x", "text/plain")
    lake.clean.put(KEY, b"one", "text/plain")
    assert [path.parent.name for path in copies(lake, tmp_path / "cache").files("clean", "by_year/")] == ["year=2022"]
    assert [path.name for path in tmp_path.rglob("*.csv")] == []
