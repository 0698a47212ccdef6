"""Fault injection: the switch that turns a profile on and off, and the decision at each call."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from infra.faults.kinds import DEATHS
from infra.faults.rules import Profile, Rule, choose, parse


class Setting(msgspec.Struct, frozen=True):
    """What is on: a profile and the seed of its chances."""

    profile: Profile
    seed: int


@dataclass(frozen=True)
class Switch:
    """The switch of the emulator whose state is in ``root``: a file that the servers watch, and one that they write."""

    root: Path

    @property
    def path(self) -> Path:
        """The watched file; nothing is on where it does not exist."""
        return self.root / "chaos.json"

    @property
    def journal(self) -> Path:
        """A JSON line for each fault injected since a profile was last turned on."""
        return self.root / "log" / "chaos.jsonl"

    def on(self, profile: Profile, seed: int) -> None:
        """Turn ``profile`` on, counting from nothing; the servers see it at their next call."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        self.journal.write_text("", "utf-8")
        # In one step: a server must not read half a document.
        draft = self.path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(Setting(profile, seed))) + b"\n")
        # To the nanosecond: by the file system's own clock two changes could have the same time.
        os.utime(draft, ns=(time.time_ns(), time.time_ns()))
        draft.replace(self.path)

    def turn(self, profile: Profile | None, seed: int) -> None:
        """Turn ``profile`` on, or faults off; what is on already goes on counting."""
        if profile is None:
            self.off()
        elif self.setting() != Setting(profile, seed):
            self.on(profile, seed)

    def off(self) -> None:
        """Turn faults off; what was injected can still be counted."""
        self.path.unlink(missing_ok=True)

    def setting(self) -> Setting | None:
        """What is on now.

        Raises:
            BadProfile: the file cannot be understood.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return parse(content, Setting, f"{self.path}")

    def injected(self) -> Counter[tuple[str, str]]:
        """How often each kind was injected, by surface and kind."""
        return Counter((line["surface"], line["kind"]) for line in self.lines())

    def lines(self) -> list[dict[str, str]]:
        """The journal: surface, kind, target and the how-many-th call of that target."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]


@dataclass
class _Counted:
    """A rule in force: how many calls it was about, and at how many it made its fault."""

    rule: Rule
    calls: int = 0
    made: int = 0

    @property
    def is_due(self) -> bool:
        """Whether the rule may make its fault at the call that was counted last."""
        return self.rule.at in (None, self.calls) and (self.rule.times is None or self.made < self.rule.times)


class Injector:
    """Decides at each call of a server by what the switch says at the moment. Safe to use from many threads.

    Chance depends on the seed, the target and the how-many-th call of it this is: not on time, and not on the order in
    which threads arrive. ``times`` and ``at`` count calls as they come.
    """

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._lock = threading.Lock()
        self._version: int | None = None
        self._seed = 0
        self._rules: list[_Counted] = []
        self._seen: Counter[tuple[str, str]] = Counter()

    def pick(self, surface: str, target: str) -> Rule | None:
        """The fault to make at this call of ``target``, or None; it is noted as injected.

        ``seconds`` of a death is when it comes: somewhere before what the rule says, by the draw.

        Raises:
            BadProfile: the switch's file cannot be understood.
        """
        with self._lock:
            self._watch()
            fitting = [counted for counted in self._rules if counted.rule.fits(surface, target)]
            if not fitting:
                return None
            self._seen[surface, target] += 1
            for counted in fitting:
                counted.calls += 1
            nth = self._seen[surface, target]
            draw = random.Random(f"{self._seed}:{surface}:{target}:{nth}")  # noqa: S311 - repeatable, not secret
            due = [counted for counted in fitting if counted.is_due]
            at = choose([counted.rule.share for counted in due], draw.random())
            if at is None:
                return None
            due[at].made += 1
            fault = due[at].rule
            self._note({"surface": surface, "kind": fault.label, "target": target, "nth": nth})
            if fault.kind in DEATHS:
                return msgspec.structs.replace(fault, seconds=draw.uniform(0, fault.seconds))
            return msgspec.structs.replace(fault, nth=nth)

    def _watch(self) -> None:
        """Read the switch again if it was changed, and count calls from nothing then."""
        try:
            version: int | None = self._switch.path.stat().st_mtime_ns
        except FileNotFoundError:
            version = None
        if version == self._version:
            return
        setting = self._switch.setting()
        self._version = version
        self._seed = setting.seed if setting else 0
        self._rules = [_Counted(rule) for rule in setting.profile.rules] if setting else []
        self._seen.clear()

    def _note(self, line: dict[str, object]) -> None:
        # One short write to a file opened for appending: the lines of two processes do not mix.
        with self._switch.journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")
