"""Runs a function with AWS's own runtime client, and ends it once it needs more memory than it has, as Lambda does.

What counts is the most memory that the process had resident at a time (``VmHWM``), looked at twenty times a second. A
limit of the kernel's would not do: ``RLIMIT_AS`` and ``RLIMIT_DATA`` count what is mapped, and Polars' allocator and
threads map far more than they touch; ``RLIMIT_RSS`` has had no effect since Linux 2.4.30
(https://man7.org/linux/man-pages/man2/getrlimit.2.html). ``ru_maxrss`` begins with the size of the process that this
one was forked from. Where there is no ``/proc`` (macOS), nothing is limited.

It is run by its path, from the function's own folder: nothing of this package is in the function's reach.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

STATUS = Path("/proc/self/status")
SECONDS = 0.05


def peak_mb() -> int:
    """The most memory that this process has had, in MB."""
    line = next(line for line in STATUS.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def watch(limit_mb: int) -> None:
    """Kill this process when its peak is over ``limit_mb``."""
    while True:
        peak = peak_mb()
        if peak > limit_mb:
            print(f"out of memory: {peak} MB needed, {limit_mb} MB given", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(SECONDS)


if __name__ == "__main__":
    if STATUS.exists():
        limit = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        threading.Thread(target=watch, args=(limit,), daemon=True).start()
    sys.path[0] = os.getcwd()
    sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
