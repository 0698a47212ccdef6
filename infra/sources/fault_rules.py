"""Faults that a test asks for: which requests they hit, how often, and what they do."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

TRANSPORT = ("status", "html", "truncated", "empty", "hang", "reset")
"""Replace or spoil the whole response."""
DATA = (
    "nan_bar",
    "no_currency",
    "duplicate_day",
    "pence_for_pounds",
    "scale100",
    "stale",
    "shuffle",
)
"""Change what a well-formed document says."""
KINDS = TRANSPORT + DATA


class BadRule(ValueError):
    """A rule that cannot be understood; the message says what is accepted."""


@dataclass
class FaultRule:
    """One rule. ``match`` is a regular expression searched in path and query; ``times`` counts down, None is for ever;
    ``dates`` restricts a data fault to these days (otherwise the last one of the answer)."""

    kind: str
    match: str = ""
    status: int = 500
    times: int | None = None
    symbol: str | None = None
    dates: list[date] = field(default_factory=list)
    probability: float = 1.0
    seed: int = 0
    seconds: float = 30.0

    @classmethod
    def of(cls, document: Any) -> FaultRule:
        """A rule from its JSON.

        Raises:
            BadRule: no object, an unknown key or kind, a value of the wrong type.
        """
        known = {item.name for item in fields(cls)}
        if not isinstance(document, dict) or not set(document) <= known or document.get("kind") not in KINDS:
            raise BadRule(f"a rule is an object with a kind ({', '.join(KINDS)}) and any of {', '.join(sorted(known))}")
        try:
            rule = cls(**{**document, "dates": [date.fromisoformat(day) for day in document.get("dates") or []]})
            re.compile(rule.match)
            rule.probability, rule.seconds, rule.status = float(rule.probability), float(rule.seconds), int(rule.status)
            rule.times = None if rule.times is None else int(rule.times)
        except (TypeError, ValueError, re.error) as error:
            raise BadRule(f"bad value in the rule of kind {document['kind']}: {error}") from error
        return rule

    def hits(self, target: str, symbols: Sequence[str], nth: int) -> bool:
        """Whether the rule applies to the ``nth`` request of ``target``; chance depends on these and the seed only,
        not on the order in which threads arrive."""
        if self.times == 0 or not re.search(self.match, target) or self.symbol not in (None, *symbols):
            return False
        chance = random.Random(f"{self.seed}:{target}:{nth}")  # noqa: S311 - repeatable, not secret
        return chance.random() < self.probability


class FaultBook:
    """The rules in force and how often each kind was injected. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[FaultRule] = []
        self._seen: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()

    def add(self, documents: Any) -> int:
        """Adds rules from a JSON list; all or none. Returns how many there are now.

        Raises:
            BadRule: not a list, or a bad rule in it.
        """
        if not isinstance(documents, list):
            raise BadRule("POST a JSON list of rules")
        rules = [FaultRule.of(document) for document in documents]
        with self._lock:
            self._rules += rules
            return len(self._rules)

    def clear(self) -> None:
        """Removes all rules and counts."""
        with self._lock:
            self._rules.clear()
            self._seen.clear()
            self.injected.clear()

    def pick(self, target: str, symbols: Sequence[str]) -> list[FaultRule]:
        """The rules that hit this request, which is about ``symbols``: one transport fault, or any number of data
        faults. Uses up one of their ``times``."""
        with self._lock:
            if not self._rules:
                return []
            self._seen[target] += 1
            hitting = [rule for rule in self._rules if rule.hits(target, symbols, self._seen[target])]
            spoiling = next((rule for rule in hitting if rule.kind in TRANSPORT), None)
            # A document that never arrives cannot also be changed: its data faults keep their turn.
            chosen = [spoiling] if spoiling else hitting
            for rule in chosen:
                rule.times = None if rule.times is None else rule.times - 1
                self.injected[rule.kind] += 1
            return chosen
