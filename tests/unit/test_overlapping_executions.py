"""Two executions on the same days, and a source that changed between their fetches: each order of their states."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import polars as pl
import pytest

from marketlake.errors import AthenaCheckFailed
from marketlake.layout import clean_key
from marketlake.markers import Marker, read_marker
from tests.unit.lake import RATES, Context, Lake, batch_of, task_of
from tests.unit.stages import STAGES, Source, use_fakes
from validate.raw import RawDay

DAYS = [date(2023, 1, 3), date(2023, 1, 4)]
FIRST_USD, SECOND_USD = 1.05, 1.06


class Execution:
    """One batch whose states are run when a test says so; the source answers ``usd``."""

    def __init__(self, name: str, source: Source, usd: float, **more: Any) -> None:
        self.name, self.source, self.usd = name, source, usd
        self.batch = batch_of(RATES, ["2023-01-03/2023-01-04"], **more)
        self.answers: dict[str, Any] = {}

    def run(self, *states: str) -> None:
        for state, function, needs in STAGES:
            if state in states:
                self.source.usd = self.usd
                event = {"batch": self.batch, "started": "2023-01-06T20:00:00.000Z", "task": task_of(state, self.name)}
                event |= {name: self.answers[which] for name, which in needs.items()}
                self.answers[state] = function(event, Context())


@pytest.fixture
def source(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Source:
    return use_fakes(lake, monkeypatch, DAYS)


@pytest.fixture
def first(source: Source) -> Execution:
    return Execution("first", source, FIRST_USD)


@pytest.fixture
def second(source: Source) -> Execution:
    return Execution("second", source, SECOND_USD)


def held(lake: Lake) -> tuple[float, Marker]:
    """The rate of the first day in the lake, and the day's marker."""
    frame = pl.read_parquet(io.BytesIO(lake.clean.get(clean_key("fx_rates", DAYS[0])).body))
    found = read_marker(lake.clean, "fx_rates", DAYS[0])
    assert found is not None
    return frame.filter(pl.col("target_currency") == "USD")["rate"].item(), found[0]


def raw_hash(lake: Lake) -> str:
    """Of what lies in raw now."""
    return RawDay(DAYS[0], lake.raw.get(f"raw/fx_rates/dt={DAYS[0]}/rates.json").body).sha256


def test_the_second_to_fetch_writes_last_and_marks_the_day(lake: Lake, first: Execution, second: Execution) -> None:
    first.run("Fetch", "Validate")
    second.run("Fetch", "Validate")
    first.run("Transform")
    second.run("Transform", "AthenaCheck")
    with pytest.raises(AthenaCheckFailed):
        first.run("AthenaCheck")
    rate, marker = held(lake)
    assert (rate, marker.execution, marker.raw_sha256) == (SECOND_USD, "second", raw_hash(lake))


def test_rows_never_mix_with_those_of_a_later_fetch(lake: Lake, first: Execution, second: Execution) -> None:
    first.run("Fetch", "Validate")
    hash_of_first = raw_hash(lake)
    second.run("Fetch", "Validate", "Transform", "AthenaCheck")
    first.run("Transform", "AthenaCheck")
    rate, marker = held(lake)
    assert (rate, marker.execution, marker.raw_sha256) == (FIRST_USD, "first", hash_of_first)
    assert [entry.execution for entry in marker.history] == ["second"]
    # The next daily run looks at the days again, and finds other bytes than the marker names.
    daily = Execution("daily", first.source, SECOND_USD, recheck=True)
    daily.run("Fetch", "Validate", "Transform", "AthenaCheck")
    rate, marker = held(lake)
    assert (rate, marker.execution, marker.raw_sha256) == (SECOND_USD, "daily", raw_hash(lake))
    assert daily.answers["Validate"]["unchanged"] == 1
