"""The file that turns faults on and off, which the servers watch, and the file in which they note what they did."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.faults.profile import Profile, parse_profile


@dataclass(frozen=True)
class Setting:
    """What is on: a profile and the seed of its chances."""

    profile: Profile
    seed: int


@dataclass(frozen=True)
class Switch:
    """The switch of the embedded AWS whose state is in ``root``."""

    root: Path

    @property
    def path(self) -> Path:
        """The watched file; nothing is on where there is none."""
        return self.root / "chaos.json"

    @property
    def journal(self) -> Path:
        """A JSON line for each fault injected since faults were last turned on."""
        return self.root / "log" / "chaos.jsonl"

    def on(self, document: dict[str, Any], seed: int) -> None:
        """Turn the profile ``document`` on, counting from nothing; the servers see it at their next call.

        Raises:
            BadProfile: it cannot be understood.
        """
        parse_profile(document)
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        self.journal.write_text("", "utf-8")
        # In one step: a server must not read half a document.
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps({"seed": seed, "profile": document}, indent=1) + "\n", "utf-8")
        draft.replace(self.path)

    def turn(self, document: dict[str, Any] | None, seed: int) -> None:
        """Turn the profile ``document`` on, or faults off; what is on already goes on counting."""
        if document is None:
            self.off()
        elif self.setting() != Setting(parse_profile(document), seed):
            self.on(document, seed)

    def off(self) -> None:
        """Turn faults off; what was injected can still be counted."""
        self.path.unlink(missing_ok=True)

    def setting(self) -> Setting | None:
        """What is on now."""
        try:
            document = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        return Setting(parse_profile(document["profile"]), document["seed"])

    def injected(self) -> Counter[tuple[str, str]]:
        """How often each kind was injected, by surface and kind."""
        if not self.journal.exists():
            return Counter()
        lines = [json.loads(line) for line in self.journal.read_text("utf-8").splitlines()]
        return Counter((line["surface"], line["kind"]) for line in lines)
