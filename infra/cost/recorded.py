"""What one execution used: counted in its history, and its S3 requests as the local AWS emulator recorded them.

An account records no requests for us. There they are those of ``recorded.json``, a daily execution and a backfill on
the emulator, for each day that the execution was given.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import fmean

import msgspec

from infra import facts
from infra.client.events import Event, Run
from infra.client.executions import Execution, HistoryReader, latest
from infra.client.machine import shipped_machine
from infra.client.target import Target
from infra.cost.prices import HERE

LOOKED_AT = 1000
"""Objects below each prefix whose sizes are averaged; executions among which those at the same time are looked for."""


@dataclass(frozen=True)
class Used:
    """What an execution used. ``days`` is how many Plan gave it.

    ``counts`` has the prices' names, and beside them ``fetches``, ``checks`` of Athena and ``checked``, the days that
    these read. ``busy`` is seconds by function, retries included. ``written`` is number and mean bytes of the objects
    written, by ``kind/dataset``, or ``kind`` where they have no partitions. ``requests_of`` names the execution whose
    recorded requests a day are taken, and is empty where they are its own. ``emulated``: the emulator ran it.
    """

    name: str
    started: datetime
    seconds: float
    emulated: bool
    days: int
    batches: int
    datasets: int
    failed: bool
    counts: dict[str, float]
    busy: dict[str, float]
    written: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    requests_of: str = ""


def used_by(target: Target, execution: Execution) -> Used:
    """What ``execution``, which has ended, used."""
    used = count(execution, HistoryReader(target.states, execution.arn).new(), emulated=target.is_local)
    calls = _recorded_calls(target, execution)
    return with_calls(used, target, calls) if calls else as_recorded(used, is_daily(execution))


def is_daily(execution: Execution) -> bool:
    """Whether it was given no window, as the schedule gives none."""
    return "start" not in json.loads(execution.input or "{}")


def count(execution: Execution, events: Sequence[Event], *, emulated: bool) -> Used:
    """``execution`` by its ``events``. A call's seconds include Step Functions' way to the function."""
    run, busy = Run(), defaultdict[str, float](float)
    run.feed(events)
    called = [attempt for attempt in run.attempts if function_of(attempt.state)]
    for attempt in called:
        busy[function_of(attempt.state)] += attempt.duration.total_seconds() if attempt.duration else 0.0
    checked = [run.batches[a.batch].count for a in called if a.state == "AthenaCheck" and a.batch is not None]
    tasks = [details.get("resource", "") for event in events if (details := event.get("taskScheduledEventDetails"))]
    mails = sum("publish" in task for task in tasks)
    return Used(
        name=execution.name,
        started=execution.started,
        seconds=round(execution.duration.total_seconds(), 1),
        emulated=emulated,
        days=sum(batch.count for batch in run.batches.values()),
        batches=len(run.batches),
        datasets=len({batch.dataset for batch in run.batches.values()}),
        failed=any(attempt.error for attempt in run.attempts),
        counts={
            "transition": transitions(events),
            "lambda_request": len(called),
            "trace": 1 + len(called),
            "sqs_request": sum("sendMessage" in task for task in tasks),
            "sns_publish": mails,
            "sns_mail": mails,
            "fetches": sum(attempt.state == "Fetch" for attempt in called),
            "checks": len(checked),
            "checked": sum(checked),
        },
        busy={function: round(seconds, 3) for function, seconds in busy.items()},
    )


def transitions(events: Sequence[Event]) -> int:
    """State transitions that Step Functions bills: the start, each state entered, each iteration, and each retry.

    A retry schedules a task without entering its state again. https://aws.amazon.com/step-functions/pricing/
    """
    kinds = Counter(event["type"] for event in events)
    entered = sum(number for kind, number in kinds.items() if kind.endswith("StateEntered"))
    return 1 + entered + kinds["MapIterationStarted"] + max(0, kinds["TaskScheduled"] - kinds["TaskStateEntered"])


def function_of(state: str) -> str:
    """The function that ``state`` calls, as ``functions.json`` names it; empty where it calls none."""
    return _functions().get(state, "")


@cache
def _functions() -> dict[str, str]:
    """Function by state."""
    names = {facts.function_name("marketlake", name): name for name in facts.function_names()}
    return {state.name: names[state.function] for state in shipped_machine().everywhere() if state.function}


def _recorded_calls(target: Target, execution: Execution) -> list[tuple[str, str]]:
    """Action and resource of the functions' calls while ``execution`` ran; nothing in an account."""
    log = target.local.calls if target.local else Path()
    if not log.is_file() or execution.stopped is None:
        return []
    first, last = execution.started.timestamp(), execution.stopped.timestamp()
    with log.open(encoding="utf-8") as lines:
        calls = map(json.loads, lines)
        return [(call["action"], call["resource"]) for call in calls if first <= call["at"] <= last]


def with_calls(used: Used, target: Target, calls: Sequence[tuple[str, str]]) -> Used:
    """``used`` with the S3 requests among ``calls``: PUT and LIST have one price, GET another, DELETE none."""
    requests = Counter[str]()
    written = Counter[tuple[str, str]]()
    for action, resource in calls:
        service, _, name = action.partition(":")
        if service == "s3" and not name.startswith("Delete"):
            requests["s3_put" if name.startswith(("Put", "List")) else "s3_get"] += 1
        if action == "s3:PutObject":
            bucket, _, key = resource.rpartition(":")[2].partition("/")
            written[bucket, "/".join(key.split("/")[: 2 if "=" in key else 1])] += 1
    sizes = {
        prefix: (number, _mean_size(target, bucket, prefix)) for (bucket, prefix), number in sorted(written.items())
    }
    return replace(used, counts={**used.counts, **requests}, written=sizes)


def _mean_size(target: Target, bucket: str, prefix: str) -> float:
    """Mean bytes of the objects below ``prefix`` that lie in the lake now; 0 where there are none."""
    pages = target.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{prefix}/", PaginationConfig={"MaxItems": LOOKED_AT}
    )
    sizes = [item["Size"] for page in pages for item in page.get("Contents", [])]
    return round(fmean(sizes)) if sizes else 0.0


@cache
def recorded() -> dict[str, Used]:
    """The executions ``daily`` and ``backfill`` of ``recorded.json``."""
    return msgspec.json.decode((HERE / "recorded.json").read_bytes(), type=dict[str, Used])


def as_recorded(used: Used, daily: bool) -> Used:
    """``used`` with the S3 requests that the recorded execution of its kind made, for each of its days."""
    model = recorded()["daily" if daily else "backfill"]
    factor = used.days / model.days
    requests = {name: model.counts[name] * factor for name in ("s3_put", "s3_get")}
    written = {prefix: (objects * factor, size) for prefix, (objects, size) in model.written.items()}
    return replace(used, counts={**used.counts, **requests}, written=written, requests_of=model.name)


def overlapping(target: Target, execution: Execution) -> list[str]:
    """Executions that the emulator ran at the same time: its record does not say whose a call was."""
    if not target.is_local:
        return []
    end = execution.started + execution.duration
    return [
        other.name
        for other in latest(target, LOOKED_AT)
        if other.arn != execution.arn and other.started < end and other.started + other.duration > execution.started
    ]
