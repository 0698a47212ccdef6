from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.faults.kinds import CHARTS, KINDS
from infra.faults.rules import OFF, PROFILES, BadProfile, Profile, Rule, choose, load_profile, parse, shipped_profiles
from infra.local.config import LocalConfig, LocalError
from infra.local.server import profile_of


def test_shares_lie_end_to_end() -> None:
    draws = (0.0, 0.09, 0.1, 0.29, 0.31, 0.99)
    assert [choose([0.1, 0.2], draw) for draw in draws] == [0, 0, 1, 1, None, None]
    assert choose([1.0, 1.0], 0.999) == 0
    assert choose([], 0.0) is None


def test_every_profile_that_we_ship_is_one() -> None:
    sources = {"upstream", "rows", "odd", "evening", "wall", "consent"}
    assert set(shipped_profiles()) == sources | {"storage", "lambda", "athena", "messages", "storm"}
    for name, profile in shipped_profiles().items():
        assert load_profile(name) == profile
        assert (profile.name, bool(profile.about)) == (name, True)


def test_every_kind_is_in_some_profile_save_those_that_tests_count() -> None:
    found = {(rule.surface, rule.kind) for profile in shipped_profiles().values() for rule in profile.rules}
    known = {(surface, kind) for surface, kinds in KINDS.items() for kind in kinds}
    assert known - found == {("write", kind) for kind in KINDS["write"]}


UNSEEN = {"nan_bar", "scale100", *CHARTS}
"""Values that are quarantined or flagged while their day is loaded, or that no rule sees: the lake is another one
afterwards."""


def test_the_storm_holds_nothing_that_leaves_another_lake_behind() -> None:
    storm = load_profile("storm")

    def share(surface: str, target: str) -> float:
        return sum(rule.share for rule in storm.rules if rule.fits(surface, target))

    assert share("s3", "GET /b/k") == share("lambda", "plan") == pytest.approx(0.3)
    assert share("upstream", "/yahoo/v8/finance/chart/BP.L") == pytest.approx(0.3)
    upstream = [rule for rule in storm.rules if rule.surface == "upstream"]
    assert not UNSEEN & {rule.kind for rule in upstream}
    # One symbol's last day among a hundred is within the bounds of coverage; all rates of a day are not.
    assert [rule.match for rule in upstream if rule.kind == "stale"] == ["/(ecb|frankfurter)/"]
    assert max(rule.seconds for rule in storm.rules) <= 3


def with_rule(surface: str = "s3", **rule: Any) -> dict[str, Any]:
    return {"rules": [{"surface": "s3", "kind": "slow"}, {"surface": surface, **rule}]}


BAD: list[tuple[Any, str]] = [
    ([], "Expected `object`.*a profile has rules and about"),
    ({"about": ""}, "field `rules`"),
    ({"rules": []}, r"length >= 1 - at `\$.rules`"),
    ({"rules": {}}, r"Expected `array`.*at `\$.rules`"),
    ({"rules": [[]]}, r"at `\$.rules\[0\]`.*a rule has surface, kind, match, share, times, at, seconds"),
    ({"rules": [{"kind": "slow"}]}, "field `surface`"),
    ({"about": "", "faults": {}, "rules": []}, "unknown field `faults`"),
    (with_rule("dynamodb", kind="slow"), r"'dynamodb'; accepted are upstream, s3, .* at `\$.rules\[1\]`"),
    (with_rule(kind="crash"), r"accepted for s3 are internal_error, slow_down.* at `\$.rules\[1\]`"),
    (with_rule(kind="slow", share=1.5), r"<= 1.0 - at `\$.rules\[1\].share`"),
    (with_rule(kind="slow", share=0), r"> 0.0 - at `\$.rules\[1\].share`"),
    (with_rule(kind="slow", share=True), r"Expected `float`, got `bool` - at `\$.rules\[1\].share`"),
    (with_rule(kind="slow", share=float("nan")), "invalid character"),
    (with_rule(kind="slow", colour="red"), "unknown field `colour`.*a rule has surface"),
    (with_rule(kind="slow", seconds=-1), r">= 0.0 - at `\$.rules\[1\].seconds`"),
    (with_rule(kind="slow", seconds="2"), r"Expected `float`, got `str` - at `\$.rules\[1\].seconds`"),
    (with_rule(kind="slow", times=0), r">= 1 - at `\$.rules\[1\].times`"),
    (with_rule(kind="slow", at=0.5), r"Expected `int.*`, got `float` - at `\$.rules\[1\].at`"),
    (with_rule(kind="slow", match="("), "accepted is a regular expression"),
    (with_rule(kind="slow", match=7), r"Expected `str`, got `int` - at `\$.rules\[1\].match`"),
    (with_rule("athena", kind="failed", category=3), r"at `\$.rules\[1\].category`"),
    (with_rule("upstream", kind="stale", dates=["soon"]), r"at `\$.rules\[1\].dates\[0\]`"),
    (with_rule("upstream", kind="spike", factor=0), r"> 0.0 - at `\$.rules\[1\].factor`"),
    (with_rule("upstream", kind="status", retry_after=-1), r">= 0 - at `\$.rules\[1\].retry_after`"),
    (with_rule("upstream", kind="scale001", since="2022-03-02", until="2022-03-01"), "not after until, 2022-03-01"),
    (with_rule("lambda", kind="timeout", seconds=0.5), "whole"),
    (with_rule("lambda", kind="timeout"), "whole"),
]


@pytest.mark.parametrize(("document", "message"), BAD)
def test_a_bad_profile_is_refused_with_its_entry_and_what_is_accepted(document: Any, message: str) -> None:
    with pytest.raises(BadProfile, match=f"^mine.json: .*{message}"):
        parse(json.dumps(document).encode(), Profile, "mine.json")


def test_a_profile_of_the_users_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(json.loads(PROFILES.read_text("utf-8"))["storage"]), "utf-8")
    mine = load_profile(str(path))
    assert (mine.name, mine.rules) == ("mine", load_profile("storage").rules)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, "utf-8")
    with pytest.raises(BadProfile, match=r"mine\.json"):
        load_profile(str(path))


@pytest.mark.parametrize("name", ["strom", "", "/nowhere/mine.json"])
def test_a_profile_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(BadProfile, match="storm"):
        load_profile(name)


def test_live_sources_cannot_be_made_to_fail(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="simulated sources"):
        profile_of(LocalConfig(root=tmp_path, source="live", chaos="storm"))
    assert profile_of(LocalConfig(root=tmp_path, source="live", chaos="storage")) == load_profile("storage")
    assert profile_of(LocalConfig(root=tmp_path, chaos=OFF)) is None


def test_a_rule_is_counted_by_its_kind_and_what_tells_two_of_a_kind_apart() -> None:
    rules = [Rule("upstream", "status", status=429), Rule("athena", "failed", category=2), Rule("s3", "slow")]
    assert [rule.label for rule in rules] == ["status 429", "failed, category 2", "slow"]


def test_a_rule_names_days_one_by_one_or_as_a_run() -> None:
    days = [date(2022, 3, day) for day in range(1, 6)]

    def named(**rule: Any) -> list[int]:
        made = Rule("upstream", "spike", **rule)
        return [day.day for day in days if made.is_on(day)]

    assert named() == []
    assert named(dates=(days[1], days[3])) == [2, 4]
    assert named(since=days[1], until=days[2]) == [2, 3]
    assert named(since=days[3]) == [4, 5]
    assert named(until=days[0], dates=(days[4],)) == [1, 5]
    assert not Rule("upstream", "spike").names_days
    assert Rule("upstream", "spike", until=days[0]).names_days
