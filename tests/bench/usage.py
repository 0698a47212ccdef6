"""What the functions of an execution used, seen from outside: CPU, memory, S3 requests.

A function is a process of its own there, as on AWS. Linux tells the CPU time of all its threads, those that ended
included, and its highest resident memory; the emulator records the API calls of each function's role. So nothing that
the functions' code is made of is needed, and any two revisions can be compared.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.facts import function_name, function_names
from tests.e2e.pipeline import Pipeline

DEADLINE = 4 * 3600.0


@dataclass(frozen=True)
class Process:
    """A function's process: its CPU seconds so far, its highest resident memory and what the function has, in MB."""

    pid: int
    function: str
    cpu: float
    peak: float
    memory: float


@dataclass(frozen=True)
class Call:
    """An API call: whose role made it, what it asked for, and the condition keys."""

    role: str
    action: str
    resource: str
    keys: dict[str, str]


@dataclass(frozen=True)
class Used:
    """What an execution wrote and used: CPU seconds and S3 requests by function, seconds from start to end."""

    name: str
    days: int
    rows: int
    seconds: float
    cpu: dict[str, float]
    requests: Counter[str]

    def cpu_a_day(self, function: str = "") -> float:
        """CPU milliseconds per day stored, of one function or of all."""
        return 1000 * (self.cpu.get(function, 0.0) if function else sum(self.cpu.values())) / self.days


class Calls:
    """Reads what the emulator has recorded since the last reading."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._path = pipeline.config.calls
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def new(self) -> list[Call]:
        """In the order in which they came; calls that no role made are not recorded."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            lines = log.readlines()
            self._offset = log.tell()
        return [_call(json.loads(line)) for line in lines]


def _call(line: dict[str, Any]) -> Call:
    role = line["principal"].partition(":assumed-role/")[2].partition("/")[0]
    return Call(role, line["action"], line["resource"], line["keys"])


def processes(pipeline: Pipeline) -> Iterator[Process]:
    """The functions' processes that run there now."""
    names = {function_name(pipeline.config.prefix, function): function for function in function_names()}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = dict(_pair(entry) for entry in (folder / "environ").read_bytes().split(b"\0") if entry)
            status = dict(line.split(":", 1) for line in (folder / "status").read_text("utf-8").splitlines())
        except OSError:  # another user's, or ended meanwhile
            continue
        function = names.get(environment.get("AWS_LAMBDA_FUNCTION_NAME", ""))
        if function and environment.get("AWS_ENDPOINT_URL") == pipeline.config.endpoint_url:
            pid = int(folder.name)
            # The clock of another process: clock_getcpuclockid(3), which Python has for threads only.
            cpu = time.clock_gettime((~pid << 3) | 2)
            memory = float(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
            yield Process(pid, function, cpu, int(status["VmHWM"].split()[0]) / 1024, memory)


def _pair(entry: bytes) -> tuple[str, str]:
    name, _, value = entry.decode("utf-8", "replace").partition("=")
    return name, value


def measured(pipeline: Pipeline, document: dict[str, Any]) -> Used:
    """Run an execution that must succeed. A function that was started for it counts from its first instruction."""
    calls, before = Calls(pipeline), {process.pid: process.cpu for process in processes(pipeline)}
    began = time.perf_counter()
    outcome = pipeline.wait(pipeline.start(document), DEADLINE)
    seconds = time.perf_counter() - began
    assert outcome.status == "SUCCEEDED", outcome
    cpu: dict[str, float] = defaultdict(float)
    for process in processes(pipeline):
        cpu[process.function] += process.cpu - before.get(process.pid, 0.0)
    counts = outcome.output["datasets"].values()
    roles = {function_name(pipeline.config.prefix, function): function for function in cpu}
    requests = Counter(roles[call.role] for call in calls.new() if call.role in roles and call.action[:3] == "s3:")
    days, rows = sum(count["written"] for count in counts), sum(count["rows"] for count in counts)
    return Used(outcome.name, days, rows, seconds, dict(cpu), requests)


def peaks(pipeline: Pipeline) -> dict[str, Process]:
    """Of each function, the process with the highest resident memory so far."""
    found: dict[str, Process] = {}
    for process in processes(pipeline):
        found[process.function] = max(found.get(process.function, process), process, key=lambda one: one.peak)
    return found
