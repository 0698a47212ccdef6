"""Kills at a given object write, for tests: of the function that writes, or of the embedded AWS itself.

The process is ended by SIGKILL inside the server, after the write was stored and before its answer leaves: the writer
cannot know that it succeeded. Which write it is is counted, so that a test reaches each point once and waits for none.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import s3

KILL_POINTS = "MARKETLAKE_KILL_POINTS"
"""Name of the environment variable with the folder in which a test arms a kill, and finds what was written."""

NOT_STORED: tuple[int, dict[str, str], bytes] = (503, {}, b"")
"""MiniStack's answer to the write that a function did not live to make."""

_counting = threading.Lock()


@dataclass(frozen=True)
class Kill:
    """Who is killed, and after how many writes by functions to ``buckets``: 0 is before the first, None is never."""

    buckets: list[str]
    after: int | None
    victim: Literal["function", "server"]


def arm(folder: Path, kill: Kill) -> None:
    """Count from now on, for ``kill``; disarmed by the kill itself."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "writes").write_text("", "utf-8")
    (folder / "armed.json").write_text(json.dumps(asdict(kill)), "utf-8")


def disarm(folder: Path) -> bool:
    """No kill from now on; returns whether one was still to come."""
    armed = (folder / "armed.json").exists()
    (folder / "armed.json").unlink(missing_ok=True)
    return armed


def writes(folder: Path) -> list[str]:
    """Keys written by functions since ``arm``, in order, to the kill if there was one."""
    return (folder / "writes").read_text("utf-8").splitlines()


def kill_at_writes(folder: Path) -> None:
    """Make this process's MiniStack count writes, and kill, as armed in ``folder``."""
    store = s3._put_object

    def store_and_count(bucket: str, key: str, body: bytes, headers: dict[str, Any]) -> Any:
        kill = _armed(folder, bucket)
        if kill is None:
            return store(bucket, key, body, headers)
        with _counting:
            if kill.after == 0:
                _fire(folder, kill)
                return NOT_STORED
            answer = store(bucket, key, body, headers)
            if answer[0] == 200:
                with (folder / "writes").open("a", encoding="utf-8") as log:
                    log.write(f"{key}\n")
                if len(writes(folder)) == kill.after:
                    _fire(folder, kill)
            return answer

    s3._put_object = store_and_count


def _armed(folder: Path, bucket: str) -> Kill | None:
    try:
        kill = Kill(**json.loads((folder / "armed.json").read_text("utf-8")))
    except FileNotFoundError:
        return None
    return kill if bucket in kill.buckets and ":assumed-role/" in iam_evaluator.caller_arn() else None


def _fire(folder: Path, kill: Kill) -> None:
    disarm(folder)
    os.kill(os.getpid() if kill.victim == "server" else _writer(), signal.SIGKILL)


def _writer() -> int:
    """Pid of the function whose write this is. A test starts one batch at a time, so it runs once."""
    function = iam_evaluator.caller_arn().rpartition("/")[2]
    pools = [workers for key, workers in lambda_runtime._workers.items() if f":{function}:" in key]
    (pid,) = [worker._proc.pid for workers in pools for worker in workers if worker.in_use]
    return int(pid)
