from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketlake import markers
from marketlake.errors import StorageUnavailable
from marketlake.layout import marker_key
from marketlake.markers import ATTEMPTS, HISTORY_ENTRIES, Marker, Replaced, marked_days, read_marker, write_marker
from marketlake.storage import Bucket, PreconditionFailed
from tests.unit.lake import Lake

DAY = date(2023, 1, 2)
FIRST = Marker("fx_rates", DAY, 1, raw_sha256="r1", clean_etag="c1", rows=31, quarantined=0, execution="one")
SECOND = replace(FIRST, raw_sha256="r2", clean_etag="c2", rows=30, quarantined=1, execution="two")


def there(lake: Lake) -> Marker:
    found = read_marker(lake.clean, "fx_rates", DAY)
    assert found is not None
    return found[0]


def test_a_marker_comes_back_as_it_was_written(lake: Lake) -> None:
    assert read_marker(lake.clean, "fx_rates", DAY) is None
    assert write_marker(lake.clean, FIRST) is True
    assert there(lake) == FIRST


def test_a_marker_that_says_the_same_is_not_written_again(lake: Lake) -> None:
    write_marker(lake.clean, FIRST)
    before = lake.client.head_object(Bucket=lake.clean.name, Key=marker_key("fx_rates", DAY))
    assert write_marker(lake.clean, replace(FIRST, execution="another")) is False
    assert there(lake).execution == "one"
    assert lake.client.head_object(Bucket=lake.clean.name, Key=marker_key("fx_rates", DAY))["ETag"] == before["ETag"]


@pytest.mark.parametrize("change", [{"clean_etag": "x"}, {"contract_version": 2}])
def test_markers_differ_by_clean_bytes_and_contract(change: dict[str, Any]) -> None:
    assert not FIRST.says_the_same(replace(FIRST, **change))
    assert FIRST.says_the_same(replace(FIRST, execution="x", raw_sha256="noise", rows=1))
    assert FIRST.says_the_same(replace(FIRST, history=[Replaced("r", "c", "one", "two", None)]))


def test_a_correction_keeps_what_was_before_in_the_history(lake: Lake) -> None:
    write_marker(lake.clean, FIRST)
    assert write_marker(lake.clean, SECOND, changed_rows=3, kept_rows=2) is True
    assert there(lake) == replace(
        SECOND,
        history=[Replaced("r1", "c1", execution="one", replaced_by="two", changed_rows=3, kept_rows=2)],
    )


def test_the_history_is_bounded_and_keeps_the_latest(lake: Lake) -> None:
    for number in range(HISTORY_ENTRIES + 7):
        write_marker(lake.clean, replace(FIRST, clean_etag=f"c{number}"))
    history = there(lake).history
    assert [entry.clean_etag for entry in history] == [f"c{number}" for number in range(6, HISTORY_ENTRIES + 6)]


def test_the_loser_of_a_race_takes_the_winner_into_its_history(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_marker(lake.clean, FIRST)
    rival = replace(FIRST, raw_sha256="rival", clean_etag="rival", execution="rival")
    plain_read, rivals = markers.read_marker, [rival]

    def read_then_lose(bucket: Bucket, dataset: str, day: date) -> tuple[Marker, str] | None:
        seen = plain_read(bucket, dataset, day)
        if rivals:  # between our reading and our writing another execution comes first
            rivals.pop()
            assert seen is not None
            bucket.put(marker_key(dataset, day), markers._body(rival.replacing(seen[0], 1, 0)), "application/json")
        return seen

    monkeypatch.setattr(markers, "read_marker", read_then_lose)
    assert write_marker(lake.clean, SECOND, changed_rows=2) is True
    assert [entry.raw_sha256 for entry in there(lake).history] == ["r1", "rival"]
    assert there(lake).raw_sha256 == "r2"


def test_after_five_lost_races_it_is_worth_another_try_later(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_marker(lake.clean, FIRST)
    tries = 0

    def lose(*_: object, **__: object) -> str:
        nonlocal tries
        tries += 1
        raise PreconditionFailed("lost")

    monkeypatch.setattr(Bucket, "put", lose)
    with pytest.raises(StorageUnavailable, match="other writers came first"):
        write_marker(lake.clean, SECOND)
    assert tries == ATTEMPTS
    monkeypatch.undo()


def test_a_marker_that_vanished_meanwhile_is_written_anew(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_marker(lake.clean, FIRST)
    plain_read = markers.read_marker

    def read_then_remove(bucket: Bucket, dataset: str, day: date) -> tuple[Marker, str] | None:
        seen = plain_read(bucket, dataset, day)
        if seen:
            lake.client.delete_object(Bucket=bucket.name, Key=marker_key(dataset, day))
        return seen

    monkeypatch.setattr(markers, "read_marker", read_then_remove)
    assert write_marker(lake.clean, SECOND) is True
    monkeypatch.setattr(markers, "read_marker", plain_read)
    assert there(lake) == SECOND


def test_marked_days_are_those_of_the_window_and_the_dataset(lake: Lake) -> None:
    days = [DAY + timedelta(days=number) for number in range(6)]
    for day in days:
        write_marker(lake.clean, replace(FIRST, dt=day))
    write_marker(lake.clean, replace(FIRST, dataset="fx_rates_old", dt=days[2]))
    assert marked_days(lake.clean, "fx_rates", days[1], days[3]) == set(days[1:4])
    assert marked_days(lake.clean, "fx_rates", days[0], days[5]) == set(days)
    assert marked_days(lake.clean, "ftse100_prices", days[0], days[5]) == set()


@given(rows=st.integers(0, 1000), changed=st.one_of(st.none(), st.integers(0, 100)), text=st.text(max_size=80))
def test_a_marker_is_json_that_anyone_can_read(rows: int, changed: int | None, text: str) -> None:
    marker = replace(SECOND, rows=rows, execution=text).replacing(FIRST, changed, 0)
    document = json.loads(markers._body(marker))
    assert document == msgspec.to_builtins(marker)
    assert document["history"][0]["changed_rows"] == changed
