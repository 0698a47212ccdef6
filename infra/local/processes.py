"""Start, find and stop the two processes of an emulator."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local.config import LocalError

START_SECONDS, STOP_SECONDS = 30.0, 30.0


class PortTaken(LocalError):
    """Another program listens on the port."""


class NotStarted(LocalError):
    """A process ended, or did not answer in time."""


def port_is_free(port: int) -> bool:
    """Whether nothing listens on ``port`` of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free(port: int, what: str) -> None:
    """Refuse a port on which something else listens.

    Raises:
        PortTaken: with what to do about it.
    """
    if not port_is_free(port):
        raise PortTaken(
            f"port {port} for {what} is taken by another program; stop it, or choose another port: "
            f"marketlake up --port {port + 100}"
        )


def get_json(url: str) -> dict[str, Any] | None:
    """The JSON document at a loopback ``url``, or None where nothing (or something else) answers."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:  # noqa: S310 - our own loopback addresses only
            document = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path, pid_file: Path, cwd: Path) -> None:
    """Start ``command`` in a session of its own, its output appended to ``log`` and its pid in ``pid_file``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    pid_file.write_text(f"{process.pid}\n", "utf-8")


def pid_of(pid_file: Path) -> int | None:
    """The pid in ``pid_file`` if that process is alive, else None."""
    try:
        pid = int(pid_file.read_text("utf-8"))
        os.kill(pid, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError, PermissionError):
        return None
    return None if _is_zombie(pid) else pid


def _is_zombie(pid: int) -> bool:
    try:
        waited, _ = os.waitpid(pid, os.WNOHANG)  # ours to reap when it was started by this very process
    except ChildProcessError:
        return False
    return waited == pid


def wait_until_up(url: str, pid_file: Path, log: Path, what: str) -> None:
    """Wait until there is a JSON document at ``url``.

    Raises:
        NotStarted: the process ended or did not answer in time; the message holds the log's last line.
    """
    wait_for(lambda: get_json(url) is not None or pid_of(pid_file) is None, START_SECONDS)
    if get_json(url) is not None:
        return
    if pid_of(pid_file) is None:
        line = last_line(log.read_text("utf-8", "replace"))
        raise NotStarted(f"{what} ended at once: {line}; the whole log is in {log}")
    raise NotStarted(f"{what} did not answer within {START_SECONDS:.0f} s; its log is in {log}")


def stop(pid_file: Path) -> bool:
    """Ask the process to end gracefully, and wait; False where none was running.

    Raises:
        LocalError: it did not end.
    """
    pid = pid_of(pid_file)
    if pid is None:
        pid_file.unlink(missing_ok=True)
        return False
    os.kill(pid, signal.SIGTERM)
    if not wait_for(lambda: pid_of(pid_file) is None, STOP_SECONDS):
        raise LocalError(f"process {pid} did not end within {STOP_SECONDS:.0f} s; end it with: kill -9 {pid}")
    pid_file.unlink(missing_ok=True)
    return True


def wait_for(reached: Callable[[], bool], seconds: float) -> bool:
    """Whether ``reached`` became true within ``seconds``; it is asked again and again."""
    deadline = time.monotonic() + seconds
    while not (found := reached()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def last_line(text: str) -> str:
    """The last line of a program's output that is not blank."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
