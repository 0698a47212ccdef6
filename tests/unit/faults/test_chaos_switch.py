from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.faults.injector import Injector, Switch
from infra.faults.rules import BadProfile, Profile, Rule, load_profile

TARGETS = [f"GET /bucket/{n}" for n in range(200)]
SHARE = 0.4
PLAIN = Profile((Rule("s3", "slow_down", share=0.3), Rule("s3", "internal_error", share=0.1)))


@pytest.fixture
def switch(tmp_path: Path) -> Switch:
    return Switch(tmp_path)


def picked(switch: Switch, targets: list[str], threads: int = 1) -> Counter[tuple[str, str]]:
    """Calls of a new server, by target and fault."""
    injector = Injector(switch)
    with ThreadPoolExecutor(threads) as pool:
        faults = list(pool.map(lambda target: injector.pick("s3", target), targets))
    return Counter((target, fault.label) for target, fault in zip(targets, faults, strict=True) if fault)


def kinds_of(switch: Switch, *targets: str, surface: str = "s3") -> list[str]:
    """What a new server makes of these calls, in their order."""
    injector = Injector(switch)
    return [fault.kind if (fault := injector.pick(surface, target)) else "" for target in targets]


def test_nothing_happens_until_it_is_on_and_after_it_is_off(switch: Switch) -> None:
    injector = Injector(switch)
    assert not any(injector.pick("s3", target) for target in TARGETS)
    switch.on(load_profile("storage"), 1)
    assert any(injector.pick("s3", target) for target in TARGETS)
    assert not any(injector.pick("lambda", target) for target in TARGETS)
    switch.off()
    assert not any(injector.pick("s3", target) for target in TARGETS)
    assert switch.injected().total() > 0
    switch.off()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.lists(st.text(max_size=30), max_size=50), st.randoms(use_true_random=False))
def test_the_same_call_gets_the_same_fault_whatever_came_before(
    switch: Switch, seed: int, calls: list[str], order: random.Random
) -> None:
    switch.on(PLAIN, seed)
    first = picked(switch, calls)
    order.shuffle(calls)
    assert picked(switch, calls) == first


def test_the_order_in_which_threads_arrive_changes_nothing(switch: Switch) -> None:
    switch.on(load_profile("storage"), 1)
    calls = TARGETS * 5
    first = picked(switch, calls)
    random.Random(0).shuffle(calls)
    assert picked(switch, calls, threads=8) == first
    switch.on(load_profile("storage"), 2)
    assert picked(switch, calls) != first


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_calls_that_fail_is_near_what_the_rules_say(switch: Switch, seed: int) -> None:
    switch.on(PLAIN, seed)
    calls = 10_000
    kinds = [kind for kind in kinds_of(switch, *(f"GET /key-{n % 100}" for n in range(calls))) if kind]
    assert len(kinds) / calls == pytest.approx(SHARE, abs=4 * (SHARE * (1 - SHARE) / calls) ** 0.5)
    assert kinds.count("slow_down") / len(kinds) == pytest.approx(0.75, abs=0.035)


def test_another_seed_another_call_another_try_have_chances_of_their_own(switch: Switch) -> None:
    def pattern(seed: int, target: str) -> list[str]:
        switch.on(PLAIN, seed)
        return kinds_of(switch, *([target] * 120))

    patterns = [pattern(1, "a")[:60], pattern(2, "a")[:60], pattern(1, "b")[:60], pattern(1, "a")[60:]]
    assert len({tuple(one) for one in patterns}) == 4
    assert all(any(one) and not all(one) for one in patterns)


def test_a_rule_hits_only_what_it_matches(switch: Switch) -> None:
    switch.on(Profile((Rule("upstream", "stale", match="/frankfurter/", share=0.5), Rule("upstream", "html"))), 1)
    assert set(kinds_of(switch, *(["/yahoo/x"] * 50), surface="upstream")) == {"html"}
    assert set(kinds_of(switch, *(["/frankfurter/x"] * 50), surface="upstream")) == {"html", "stale"}


def test_times_and_at_count_the_calls_that_a_rule_matches(switch: Switch) -> None:
    switch.on(Profile((Rule("s3", "slow", match="a", at=2), Rule("s3", "slow_down", match="b", times=2))), 1)
    assert kinds_of(switch, "a", "b", "ab", "a", "b", "b") == ["", "slow_down", "slow", "", "slow_down", ""]


def test_a_process_dies_somewhere_before_its_bound(switch: Switch) -> None:
    switch.on(Profile((Rule("lambda", "crash", seconds=2.0),)), 1)
    injector = Injector(switch)
    seconds = [fault.seconds for _ in range(200) if (fault := injector.pick("lambda", "plan"))]
    assert 0 <= min(seconds) < 0.2 < 1.8 < max(seconds) <= 2.0


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
    assert Counter((line["target"], line["kind"]) for line in switch.lines()) == found


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


def test_a_switch_that_cannot_be_understood_is_refused(switch: Switch) -> None:
    switch.path.write_text('{"seed": 1, "profile": {"rules": []}}', "utf-8")
    with pytest.raises(BadProfile, match=r"chaos.json: .*\$.profile.rules"):
        switch.setting()
    with pytest.raises(BadProfile):
        Injector(switch).pick("s3", "GET /a")
