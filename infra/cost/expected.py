"""What a plan is expected to use on AWS: requests to S3, seconds, bytes, from executions that were recorded.

It is right where each state succeeds at once. Days and batches are Plan's own. S3 requests came out within a hundredth
and five a batch, those of a daily run within a sixth: it reads the history of more or fewer years. Batches that wait
for each other's pass ask more, and of days that are looked at again it is taken that nothing changed.

A dataset whose pass is made in parts has a long list: its days take as much more, and its source is asked at its pace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Literal

from infra import facts
from infra.cost.prices import assumed
from infra.cost.recorded import Used, recorded
from marketlake.messages import Previewed

Kind = Literal["new", "again", "same"]
"""What happens to a day: it is loaded, loaded again (force, symbols), or looked at and found the same."""

A_DAY: dict[Kind, tuple[int, int]] = {"new": (3, 1), "again": (2, 2), "same": (1, 2)}
A_BATCH: dict[Kind, tuple[int, int]] = {"new": (9, 9), "again": (9, 9), "same": (1, 7)}
AN_EXECUTION, A_DATASET, A_DAILY_DATASET = (2, 1), (2, 1), (9, 5)
A_PART_OF_A_BATCH = (0, 4)
"""S3 requests, PUT and LIST, then GET and HEAD, as the emulator recorded them of 30 executions (1,528 days at most).

A part writes its state twice, and a file a month, which each batch reads with the two before: as 10,000 symbols did.
A new day is a raw object, a daily object and a marker; a daily run reads each dataset's ledger and its history."""

RECORDED_SYMBOLS = 100
"""Symbols of a day of prices in the recorded executions."""

ALONE = ("plan", "report")
"""Functions that run once an execution; the others run once a batch."""

TRANSITIONS, TRANSITIONS_A_BATCH, TRANSITIONS_OF_NOTHING_NEW, TRANSITIONS_A_PART = 7, 8, 6, 2
"""State transitions of an execution; a batch in which nothing is new ends after Validate."""


def expected(planned: Previewed, *, daily: bool, emulated: bool) -> Used:
    """What an execution of ``planned`` is expected to use; ``emulated``: on the local AWS emulator.

    ``daily``: it is given no window.
    """
    batches, same = len(planned.batches), sum(batch.recheck for batch in planned.batches)
    parts = len(planned.parts)
    used = Used(
        name="expected",
        started=datetime.now(UTC),
        seconds=0.0,
        emulated=True,
        days=planned.summary.days_planned,
        batches=batches,
        datasets=len(planned.datasets),
        failed=False,
        counts=dict.fromkeys(("sqs_request", "sns_publish", "sns_mail"), 0)
        | {
            "transition": TRANSITIONS
            + TRANSITIONS_A_BATCH * (batches - same)
            + TRANSITIONS_OF_NOTHING_NEW * same
            + TRANSITIONS_A_PART * parts,
            "lambda_request": 2 + 4 * batches - 2 * same + parts,
            "trace": 3 + 4 * batches - 2 * same + parts,
            "fetches": batches,
            "checks": batches - same,
            "checked": sum(batch.count for batch in planned.batches if not batch.recheck),
        }
        | _requests(planned, daily=daily),
        busy=_busy(batches, sum(b.count * _weight(planned, b.dataset) for b in planned.batches), daily=daily),
        written=dict(_written(planned)),
    )
    paced = 0.0 if emulated else _paced(planned)
    seconds = _seconds(used, planned, paced, emulated=emulated)
    used.busy["fetch"] += paced
    return replace(used, seconds=seconds)


def _charts_in_parts(planned: Previewed) -> dict[str, int]:
    """Requests to the source of each dataset whose pass is made in parts."""
    names = {part.dataset for part in planned.parts}
    return {part.dataset: part.source_requests for part in planned.datasets if part.dataset in names}


def _weight(planned: Previewed, dataset: str) -> float:
    """How much more rows a day of ``dataset`` has than one of the recorded executions."""
    return max(1.0, _charts_in_parts(planned).get(dataset, 0) / RECORDED_SYMBOLS)


def _paced(planned: Previewed) -> float:
    """Seconds for which parts are asked for, one after the other, at an account's pace."""
    pace = float(facts.parameters()["requests_per_second"])
    return sum(_charts_in_parts(planned).values()) / pace


def _requests(planned: Previewed, *, daily: bool) -> dict[str, float]:
    days, batches = Counter[Kind](), Counter[Kind]()
    done = {part.dataset: part.days_done for part in planned.datasets}
    for batch in planned.batches:
        kind: Kind = "same" if batch.recheck else "again" if batch.input.force or batch.symbols else "new"
        batches[kind] += 1
        held = min(batch.count, done[batch.dataset]) if kind == "again" else 0
        done[batch.dataset] -= held
        days.update({"again": held, "new" if kind == "again" else kind: batch.count - held})
    terms = [(days[kind], each) for kind, each in A_DAY.items()]
    terms += [(batches[kind], each) for kind, each in A_BATCH.items()]
    for part in planned.parts:
        first, _, last = part.window.partition("/")
        months = (date.fromisoformat(last) - date.fromisoformat(first)).days // 30 + 2
        readers = sum(batch.dataset == part.dataset and batch.parts > 0 for batch in planned.batches)
        terms += [(1, (2 + months, 1)), (readers, A_PART_OF_A_BATCH)]
    terms += [
        (1, AN_EXECUTION),
        (len(planned.datasets), A_DATASET),
        (len(planned.datasets) if daily else 0, A_DAILY_DATASET),
    ]
    puts, gets = (sum(number * each[place] for number, each in terms) for place in (0, 1))
    return {"s3_put": puts, "s3_get": gets}


def _busy(batches: int, days: float, *, daily: bool) -> dict[str, float]:
    """Seconds by function: so many a batch and a day that both recorded executions come out."""
    small, large = recorded()["daily"], recorded()["backfill"]
    times = large.batches / small.batches
    found = {name: (small if daily else large).busy[name] for name in ALONE}
    for function in large.busy.keys() - ALONE:
        more = large.busy[function] - small.busy[function] * times
        a_day = max(0.0, more / (large.days - small.days * times))
        a_batch = max(0.0, (small.busy[function] - a_day * small.days) / small.batches)
        found[function] = a_batch * batches + a_day * days
    return found


def _written(planned: Previewed) -> Iterator[tuple[str, tuple[float, float]]]:
    """Objects written, each dataset's as many a day as the recorded backfill wrote."""
    model, days = recorded()["backfill"], Counter[str]()
    for batch in planned.batches:
        days[batch.dataset] += batch.count
    for prefix, (objects, size) in model.written.items():
        dataset = prefix.partition("/")[2]
        share = days[dataset] / model.written[f"clean/{dataset}"][0] if dataset else days.total() / model.days
        yield prefix, (objects * share, size * _weight(planned, dataset))


def _seconds(used: Used, planned: Previewed, paced: float, *, emulated: bool) -> float:
    """How long it takes: the functions' seconds, batches side by side; in an account, of a share of a core each, and
    with a wait for the source in each pass. For ``paced`` seconds Fetch waits, and does not compute."""
    busy = dict(used.busy)
    if not emulated:
        memory = {name: found["memory_mb"] for name, found in facts.functions_file()["functions"].items()}
        busy = {name: seconds * max(1.0, assumed("full_core_mb") / memory[name]) for name, seconds in busy.items()}
        passes = {(b.dataset, *b.symbols, b.window or f"{b.input.start}") for b in planned.batches}
        busy["fetch"] += assumed("upstream_seconds") * len(passes) + paced
    alone = sum(busy[name] for name in ALONE) + paced
    side_by_side = max(1, min(int(facts.parameters()["max_concurrency"]), used.batches))
    return alone + (sum(busy.values()) - alone) / side_by_side
