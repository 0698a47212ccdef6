"""The decision at each call, in the process of a server: one fault or none, noted in the journal."""

from __future__ import annotations

import json
import threading
from collections import Counter

from infra.faults.profile import Fault
from infra.faults.switch import Setting, Switch


class Injector:
    """Picks faults by what the switch says at the moment. Safe to use from many threads."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._setting: Setting | None = None
        self._version: tuple[int, int] | None = None

    def pick(self, surface: str, target: str) -> Fault | None:
        """The fault to make at this call of ``target``; it is noted as injected."""
        with self._lock:
            self._watch()
            if self._setting is None or surface not in self._setting.profile.faults:
                return None
            self._seen[surface, target] += 1
            nth = self._seen[surface, target]
            fault = self._setting.profile.decide(self._setting.seed, surface, target, nth)
            if fault:
                self._note({"surface": surface, "kind": fault.label, "target": target, "nth": nth})
            return fault

    def _watch(self) -> None:
        """Read the switch again if it was changed, and count calls from nothing then."""
        try:
            found = self._switch.path.stat()
        except FileNotFoundError:
            version = None
        else:
            version = (found.st_mtime_ns, found.st_ino)
        if version != self._version:
            self._version = version
            self._setting = self._switch.setting() if version else None
            self._seen.clear()

    def _note(self, line: dict[str, object]) -> None:
        # One short write to a file opened for appending: the lines of two processes do not mix.
        with self._switch.journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")
