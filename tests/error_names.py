"""The names of the error classes, by which Step Functions knows them, in order of definition."""

from __future__ import annotations

from marketlake.errors import TerminalError, TransientError

TRANSIENT = [cls.__name__ for cls in TransientError.__subclasses__()]
TERMINAL = [cls.__name__ for cls in TerminalError.__subclasses__()]
