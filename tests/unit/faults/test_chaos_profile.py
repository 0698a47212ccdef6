from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.faults.profile import (
    KINDS,
    OFF,
    PROFILES,
    BadProfile,
    Fault,
    Profile,
    Surface,
    load_profile,
    of_config,
    parse_profile,
    profile_names,
)
from infra.local.config import LocalConfig

SHARE = 0.3
PLAIN = Profile("p", "", {"s3": Surface(SHARE, (Fault("slow_down", weight=3), Fault("internal_error")))})
CALLS = st.tuples(st.integers(0, 2**32), st.text(max_size=30), st.integers(1, 1000))


@given(st.lists(CALLS, max_size=50), st.randoms(use_true_random=False))
def test_the_same_call_gets_the_same_fault_whatever_came_before(
    calls: list[tuple[int, str, int]], order: random.Random
) -> None:
    first = {call: PLAIN.decide(call[0], "s3", call[1], call[2]) for call in calls}
    order.shuffle(calls)
    assert {call: PLAIN.decide(call[0], "s3", call[1], call[2]) for call in calls} == first


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_calls_that_fail_is_near_what_the_profile_says(seed: int) -> None:
    calls = 10_000
    hit = [PLAIN.decide(seed, "s3", f"GET /key-{n % 100}", 1 + n // 100) for n in range(calls)]
    kinds = [fault.kind for fault in hit if fault]
    assert len(kinds) / calls == pytest.approx(SHARE, abs=4 * (SHARE * (1 - SHARE) / calls) ** 0.5)
    assert kinds.count("slow_down") / len(kinds) == pytest.approx(0.75, abs=0.035)


def test_another_seed_another_call_another_try_have_chances_of_their_own() -> None:
    def pattern(seed: int, target: str, first: int) -> list[bool]:
        return [PLAIN.decide(seed, "s3", target, nth) is not None for nth in range(first, first + 60)]

    patterns = [pattern(1, "a", 1), pattern(2, "a", 1), pattern(1, "b", 1), pattern(1, "a", 61)]
    assert len({tuple(one) for one in patterns}) == 4
    assert all(any(one) and not all(one) for one in patterns)


def test_surfaces_that_a_profile_does_not_name_have_no_faults() -> None:
    assert not any(PLAIN.decide(1, "lambda", "x", nth) for nth in range(1, 200))


def test_a_kind_hits_only_what_it_matches() -> None:
    profile = Profile("p", "", {"upstream": Surface(1.0, (Fault("stale", match="/frankfurter/"), Fault("html")))})
    kinds = {fault.kind for nth in range(50) if (fault := profile.decide(1, "upstream", "/yahoo/x", nth))}
    assert kinds == {"html"}
    only = Profile("p", "", {"upstream": Surface(1.0, (Fault("stale", match="/frankfurter/"),))})
    assert only.decide(1, "upstream", "/yahoo/x", 1) is None


def test_a_process_dies_somewhere_before_its_bound() -> None:
    profile = Profile("p", "", {"lambda": Surface(1.0, (Fault("crash", seconds=2.0),))})
    seconds = [fault.seconds for nth in range(200) if (fault := profile.decide(1, "lambda", "plan", nth))]
    assert 0 <= min(seconds) < 0.2 < 1.8 < max(seconds) <= 2.0


def test_every_profile_that_we_ship_is_one() -> None:
    assert {"upstream", "rows", "storage", "lambda", "athena", "messages", "storm"} == set(profile_names())
    for name in profile_names():
        assert parse_profile(load_profile(name)).name == name


def test_every_kind_is_in_some_profile() -> None:
    shipped = [parse_profile(load_profile(name)) for name in profile_names()]
    found = {(surface, fault.kind) for one in shipped for surface, s in one.faults.items() for fault in s.kinds}
    assert found == {(surface, kind) for surface, kinds in KINDS.items() for kind in kinds}


UNSEEN = {"nan_bar", "pence_for_pounds", "no_currency", "scale100"}
"""Rows that are put aside while their day is loaded, or that no rule sees: the lake is another one afterwards."""


def test_the_storm_holds_nothing_that_leaves_another_lake_behind() -> None:
    storm = parse_profile(load_profile("storm"))
    assert {storm.faults[surface].share for surface in ("upstream", "s3", "lambda")} == {0.3}
    upstream = storm.faults["upstream"].kinds
    assert not UNSEEN & {fault.kind for fault in upstream}
    # One symbol's last day among a hundred is within the bounds of coverage; all rates of a day are not.
    assert [fault.match for fault in upstream if fault.kind == "stale"] == ["/frankfurter/"]
    assert max(fault.seconds for surface in storm.faults.values() for fault in surface.kinds) <= 3


def with_fault(surface: str = "s3", **fault: Any) -> dict[str, Any]:
    return {"name": "x", "about": "", "faults": {surface: {"share": 0.1, "kinds": [fault]}}}


BAD: list[tuple[Any, str]] = [
    ([], "object with about and faults"),
    ({"name": "x", "about": ""}, "object with about and faults"),
    ({"name": "x", "about": "", "faults": {}}, "any of upstream"),
    ({"name": "x", "about": "", "faults": {"dynamodb": {}}}, "any of upstream"),
    ({"name": "x", "about": "", "faults": {"s3": []}}, "share and kinds"),
    ({"name": "x", "about": "", "faults": {"s3": {"share": 1.5, "kinds": [{"kind": "slow"}]}}}, "from 0 to 1"),
    ({"name": "x", "about": "", "faults": {"s3": {"share": True, "kinds": [{"kind": "slow"}]}}}, "from 0 to 1"),
    ({"name": "x", "about": "", "faults": {"s3": {"share": float("nan"), "kinds": [{"kind": "slow"}]}}}, "0 to 1"),
    ({"name": "x", "about": "", "faults": {"s3": {"share": 0.5, "kinds": []}}}, "at least one"),
    (with_fault(kind="crash"), "slow_down"),
    (with_fault(kind="slow", colour="red"), "any of category"),
    (with_fault(kind="slow", seconds=-1), "at least 0"),
    (with_fault(kind="slow", seconds="2"), "at least 0"),
    (with_fault(kind="slow", match="("), "no regular expression"),
    (with_fault(kind="slow", match=7), "no regular expression"),
    (with_fault(kind="slow", weight=0), "leave the kind out"),
    (with_fault("lambda", kind="timeout", seconds=0.5), "whole"),
    (with_fault("lambda", kind="timeout"), "whole"),
]


@pytest.mark.parametrize(("document", "told"), BAD)
def test_a_bad_profile_is_refused_with_what_is_accepted(document: Any, told: str) -> None:
    with pytest.raises(BadProfile, match=told):
        parse_profile(document)


def test_a_profile_of_the_users_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    shipped = json.loads(PROFILES.read_text("utf-8"))["storage"]
    path.write_text(json.dumps(shipped), "utf-8")
    assert parse_profile(load_profile(str(path))).faults == parse_profile(load_profile("storage")).faults
    assert parse_profile(load_profile(str(path))).name == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, "utf-8")
    with pytest.raises(BadProfile):
        load_profile(str(path))


@pytest.mark.parametrize("name", ["strom", "", "/nowhere/mine.json"])
def test_a_profile_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(BadProfile, match="storm"):
        load_profile(name)


def test_live_sources_cannot_be_made_to_fail(tmp_path: Path) -> None:
    live = LocalConfig(root=tmp_path, source="live", chaos="storm")
    with pytest.raises(BadProfile, match="replayed"):
        of_config(live)
    assert of_config(LocalConfig(root=tmp_path, source="live", chaos="storage")) == load_profile("storage")
    assert of_config(LocalConfig(root=tmp_path, chaos=OFF)) is None
