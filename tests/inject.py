"""Faults that a test asks for, in the language of the profiles; at the sources where a rule names no surface."""

from __future__ import annotations

from typing import Any

import msgspec

from infra.faults.injector import Switch
from infra.faults.rules import Profile, Rule


def profile_of(*rules: dict[str, Any]) -> Profile:
    """A profile of these rules."""
    return Profile(msgspec.convert([{"surface": "upstream", **rule} for rule in rules], tuple[Rule, ...]), name="test")


class Inject:
    """Adds rules to what ``switch`` has on."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self._rules: list[dict[str, Any]] = []

    def __call__(self, **rule: Any) -> None:
        """From now on there are faults by ``rule`` too; all counts start again."""
        self._rules.append(rule)
        self.switch.on(profile_of(*self._rules), seed=1)

    def clear(self) -> None:
        """No more faults."""
        self._rules.clear()
        self.switch.off()
