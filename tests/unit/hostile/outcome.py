"""What a function makes of a hostile input: an answer, or one of our classes, in bounded time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from marketlake.errors import MAX_MESSAGE_BYTES, MarketlakeError, UnexpectedError
from tests.unit.lake import Context

SECONDS = 20
"""An example takes some milliseconds; one that has not ended by then hangs, however busy the machine is."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Hang(BaseException):
    """No ``except Exception`` takes this for an error of its own."""


@contextmanager
def in_time() -> Iterator[None]:
    """Raises ``Hang`` in what takes longer than ``SECONDS``."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Hang(f"still running after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(function: Callable[[], Any]) -> Any:
    """What ``function`` returns, or the error of ours that it raises; anything else is a failure of the test.

    ``UnexpectedError`` is one: it is how an error of another class leaves a handler.
    """
    with in_time():
        try:
            return function()
        except UnexpectedError:
            raise
        except MarketlakeError as error:
            found = error
    assert 0 < len(str(found)) <= MAX_MESSAGE_BYTES
    return found


def handled(handler: Handler, event: dict[str, Any]) -> Any:
    """The same of a Lambda handler."""
    return outcome(lambda: handler(event, Context()))
