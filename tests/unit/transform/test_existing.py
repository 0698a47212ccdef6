from __future__ import annotations

import pytest

from marketlake.errors import StorageUnavailable
from marketlake.storage import Stored
from tests.unit.lake import Lake
from transform.existing import counted_once, replace_days


def test_a_day_that_another_wrote_after_it_was_read_is_not_overwritten(lake: Lake) -> None:
    read = {key: lake.clean.put(key, b"as read", "x/parquet") for key in ("one", "two")}
    lake.clean.put("two", b"of another", "x/parquet")
    with pytest.raises(StorageUnavailable, match="two was written by another execution meanwhile; try again"):
        replace_days(lake.clean, {"one": b"ours", "two": b"ours"}, read)
    assert lake.clean.get("two").body == b"of another"


def test_days_that_are_as_they_were_read_are_replaced(lake: Lake) -> None:
    read = {key: lake.clean.put(key, b"as read", "x/parquet") for key in ("one", "two")}
    etags = replace_days(lake.clean, {"one": b"1", "two": b"2"}, read)
    assert [lake.clean.get(key) for key in etags] == [Stored(b"1", etags["one"]), Stored(b"2", etags["two"])]


def test_the_first_count_is_kept(lake: Lake) -> None:
    assert counted_once(lake.clean, "manifests/a/0-changed.json", [3, None, 0]) == [3, None, 0]
    assert counted_once(lake.clean, "manifests/a/0-changed.json", [0, None, 0]) == [3, None, 0]
