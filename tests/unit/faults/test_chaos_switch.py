from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.faults.injector import Injector
from infra.faults.profile import BadProfile, load_profile
from infra.faults.switch import Switch

TARGETS = [f"GET /bucket/{n}" for n in range(200)]


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    return Switch(tmp_path)


def picked(switch: Switch, targets: list[str], threads: int = 1) -> Counter[tuple[str, str]]:
    """Calls of a new server, by target and fault."""
    injector = Injector(switch)
    with ThreadPoolExecutor(threads) as pool:
        faults = list(pool.map(lambda target: injector.pick("s3", target), targets))
    return Counter((target, fault.label) for target, fault in zip(targets, faults, strict=True) if fault)


def test_nothing_happens_until_it_is_on_and_after_it_is_off(switch: Switch) -> None:
    injector = Injector(switch)
    assert not any(injector.pick("s3", target) for target in TARGETS)
    switch.on(load_profile("storage"), 1)
    assert any(injector.pick("s3", target) for target in TARGETS)
    switch.off()
    assert not any(injector.pick("s3", target) for target in TARGETS)
    assert switch.injected().total() > 0
    switch.off()


def test_the_order_in_which_threads_arrive_changes_nothing(switch: Switch) -> None:
    switch.on(load_profile("storage"), 1)
    calls = TARGETS * 5
    first = picked(switch, calls)
    random.Random(0).shuffle(calls)
    assert picked(switch, calls, threads=8) == first
    switch.on(load_profile("storage"), 2)
    assert picked(switch, calls) != first


def test_a_change_is_seen_by_a_server_that_runs_and_counts_from_nothing(switch: Switch) -> None:
    injector = Injector(switch)

    def run() -> list[str]:
        return [fault.label if (fault := injector.pick("s3", "GET /a")) else "" for _ in range(100)]

    switch.on(load_profile("storage"), 3)
    first = run()
    assert run() != first  # later tries of the same call
    switch.on(load_profile("storage"), 3)
    assert run() == first


def test_each_fault_is_noted_and_counted(switch: Switch) -> None:
    switch.on(load_profile("storage"), 1)
    found = picked(switch, TARGETS, threads=8)
    by_kind: Counter[tuple[str, str]] = Counter()
    for (_, label), count in found.items():
        by_kind["s3", label] += count
    assert switch.injected() == by_kind
    assert len(switch.journal.read_text("utf-8").splitlines()) == found.total()


def test_what_is_on_already_goes_on_counting(switch: Switch) -> None:
    switch.turn(load_profile("storage"), 1)
    picked(switch, TARGETS)
    before = switch.injected()
    switch.turn(load_profile("storage"), 1)
    assert switch.injected() == before
    switch.turn(load_profile("storage"), 2)
    assert switch.injected() == Counter()
    switch.turn(None, 2)
    assert switch.setting() is None


def test_a_bad_profile_turns_nothing_on(switch: Switch) -> None:
    with pytest.raises(BadProfile):
        switch.on({"name": "x", "about": "", "faults": {}}, 1)
    assert switch.setting() is None
    assert switch.injected() == Counter()
