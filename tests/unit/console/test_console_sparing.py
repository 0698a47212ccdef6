"""How often AWS is asked: an account's quotas are shared with everyone who works in it."""

from __future__ import annotations

import boto3
import pytest

from infra.client.target import Target
from infra.console.executions import AWS_SECONDS, ENDED_SECONDS, Listing, Wanted, Watcher
from tests.unit.cli.conftest import ACCOUNT, REGION
from tests.unit.console.conftest import Deployed


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def target(states: Deployed) -> Target:
    bare = Target(boto3.Session(region_name=REGION), ACCOUNT, REGION, "marketlake")
    bare.__dict__["states"] = states
    return bare


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_running_history_is_read_at_most_once_a_pause_and_only_what_is_new(
    target: Target, states: Deployed, clock: Clock
) -> None:
    states.statuses, states.step = ["RUNNING"], 6
    watcher = Watcher(target, clock)
    assert len(watcher.watch("run-1").events) == 6
    for _ in range(5):
        watcher.watch("run-1")
    assert states.requests == 1
    clock.now += AWS_SECONDS
    assert [event["id"] for event in watcher.watch("run-1").events] == list(range(1, 13))
    assert states.requests == 2


def test_an_ended_execution_is_kept(target: Target, states: Deployed, clock: Clock) -> None:
    watcher = Watcher(target, clock)
    whole = len(watcher.watch("run-1").events)
    clock.now += ENDED_SECONDS - 1
    assert len(watcher.watch("run-1").events) == whole
    assert states.requests == 1


def test_only_the_last_histories_are_kept(
    target: Target, states: Deployed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.console.executions.KEPT_EVENTS", len(states.events))
    watcher = Watcher(target, clock)
    for name in ("run-1", "run-2", "run-2", "run-1"):
        watcher.watch(name)
    assert states.requests == 3


def test_an_ended_execution_is_described_once_for_the_list(target: Target, states: Deployed, clock: Clock) -> None:
    states.names = tuple(f"run-{number}" for number in range(30))
    listing = Listing(target, Watcher(target, clock), clock)
    for _ in range(4):
        listing.page(Wanted(), 0)
    assert (states.listed, states._described) == (1, 25)
    clock.now += AWS_SECONDS
    listing.page(Wanted(), 0)
    listing.page(Wanted(), 25)
    assert (states.listed, states._described) == (2, 30)


def test_the_list_is_narrowed_and_comes_in_pages(target: Target, states: Deployed, clock: Clock) -> None:
    states.names = (*(f"run-{number}" for number in range(26)), "backfill-1", "0d3c-uuid", "retry-backfill-1-1")
    listing = Listing(target, Watcher(target, clock), clock)

    def names(wanted: Wanted, start: int = 0) -> list[str]:
        return [record["name"] for record in listing.page(wanted, start)["executions"]]

    assert names(Wanted(), 25) == ["run-25", "backfill-1", "0d3c-uuid", "retry-backfill-1-1"]
    assert names(Wanted(kind="backfill")) == ["backfill-1"]
    assert names(Wanted(kind="other")) == ["0d3c-uuid"]
    assert names(Wanted(text="FILL-1")) == ["backfill-1", "retry-backfill-1-1"]
    assert names(Wanted(status="FAILED")) == []
    assert names(Wanted(hours=1)) == []  # they all started long ago
    assert listing.page(Wanted(status="SUCCEEDED"), 0)["total"] == 29


def test_a_running_execution_shows_how_far_it_is(target: Target, states: Deployed, clock: Clock) -> None:
    states.statuses = ["RUNNING"]
    listing = Listing(target, Watcher(target, clock), clock)
    found = listing.page(Wanted(), 0)
    assert found["running"] == 1
    (record,) = found["executions"]
    assert (record["status"], record["total"], record["done"], record["failed"]) == ("RUNNING", 2, 2, 1)


def test_with_no_execution_the_list_is_empty(target: Target, states: Deployed, clock: Clock) -> None:
    states.names = ()
    assert Listing(target, Watcher(target, clock), clock).page(Wanted(), 0)["total"] == 0
