"""The pace at which a source is asked."""

from __future__ import annotations

import threading
import time


class Pace:
    """At most ``per_second`` turns, evenly spaced, whichever thread takes them; 0 for any number.

    The first turn is spaced too: what was asked before, by another pass, may have been asked just now.
    """

    def __init__(self, per_second: float) -> None:
        self._space = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def wait(self) -> None:
        """Return when it is the caller's turn."""
        if not self._space:
            return
        with self._lock:
            self._last = turn = max(self._last + self._space, time.monotonic())
        time.sleep(max(0.0, turn - time.monotonic()))
