"""From a window to batches: pure planning, no I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import msgspec

from marketlake.contract import Contract, load_contract
from marketlake.errors import InvalidRequest
from marketlake.intervals import from_intervals, to_intervals
from marketlake.ledger import Ledger
from marketlake.messages import Batch, Input, Part
from marketlake.request import Request
from marketlake.symbols import Symbols

MAX_GAP_DAYS = 92
"""A batch is one pass over its source from its first to its last day, so days further apart go in batches of their
own. It also bounds the number of batches of a window in which most days are done: four a year."""


MAX_PLAN_BYTES = 250_000
"""A state's output is 256 KB at most (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). The
Map's holds each batch with its outcome: for every other day of 26 years of two datasets 102 KB and 135 KB at most."""

MAX_PATCH_BATCHES = 30
"""Batches for patches that a daily run adds at most, over all datasets: one symbol's history since 2000, and some."""

MAX_OUTCOME_BYTES = 2_750
"""What the states add to a batch at most: counts, a rejection, three failures, and the symbols that did not come."""


MAX_BATCH_ROWS = 250_000
"""Rows of a batch's days at most: 25 days of 10,000 symbols, a whole year of 900. Validate holds them and those of 20
days before them, Transform those and their year's (docs/decisions/0019-any-universe.md has what that takes)."""

MAX_PASS_ROWS = 1_000_000
"""Rows of one pass: 26 years of 100 symbols are 660,000, which Fetch holds in its memory (docs/benchmarks.md)."""

PASS_SECONDS = 120
"""So long one pass may ask for symbols that all answer at once: with a quarter of them asked once again
(``fetch.sources.yahoo``) it takes half of the function's timeout."""

UNPACED = 10.0
"""Symbols a second of a source without a pace: yfinance takes 20 ms of a core for one, and Fetch has half of a core."""


def window_of(contract: Contract, request: Request, look_back_days: int, last_known_day: date | None) -> list[date]:
    """The days of ``contract``, ascending, that ``request`` asks for and that are due by its moment."""
    last = contract.last_due_day(request.at)
    last = min(last, last_known_day) if last_known_day else last
    end = min(request.end, last) if request.end else last
    start = request.start or end - timedelta(days=look_back_days)
    return contract.days(start, end)


def patchable(window: Sequence[date], done: set[date], symbols: Symbols) -> Sequence[date]:
    """The days of ``window`` into which ``symbols`` can be put: complete ones on which one of them is listed.

    Where there are none it is the whole window, whose batches then fail and say what to do.
    """
    return [day for day in window if day in done and symbols.expected(day)] or window


def patch_batches(
    contract: Contract, request: Request, done: set[date], symbols: Symbols, ledger: Ledger, most: int
) -> list[Batch]:
    """Batches for the patches of ``ledger``, its oldest first, ``most`` at most; ``done`` has the days that are loaded.

    What is cut off stays in the ledger for the next run.
    """
    batches: list[Batch] = []
    every = len(symbols.names)
    for patch in ledger.patches:
        asked = replace(request, start=patch.start, end=patch.end, symbols=tuple(patch.symbols), force=patch.force)
        of_patch = symbols.only(patch.symbols)
        days = [day for day in contract.days(patch.start, patch.end) if day in done and of_patch.expected(day)]
        # That the source has none of them on a day is no failure: it was asked.
        planned = plan_batches(contract, asked, days, done, every, quiet=days)
        batches += sharing_a_pass(contract, planned, of_patch)
    return batches[:most]


def plan_batches(
    contract: Contract,
    request: Request,
    window: Sequence[date],
    done: Collection[date],
    symbols: int = 1,
    *,
    quiet: Collection[date] = (),
) -> list[Batch]:
    """Batches for the days of ``window`` that have to be looked at; ``quiet`` are days that its source did not have.

    ``symbols``: how many a day of the dataset has. A batch of some of them alone is bounded by all of them, too: what
    Transform writes is whole days.

    Days without a marker are loaded. Days with one are left out, but a daily run fetches them again to find late
    corrections (``recheck``), and ``force``, ``symbols`` or ``drop_missing`` loads them whatever their marker says.
    """
    most = min(contract.batch_days, max(1, MAX_BATCH_ROWS // max(1, symbols)))

    def batches_of(days: Iterable[date], *, recheck: bool = False) -> list[Batch]:
        # Without force, Plan would leave out the days of a recheck: they have markers.
        named, force = list(request.symbols), request.force or recheck
        return [
            Batch(
                dataset=contract.name,
                days=to_intervals(contract, run),
                count=len(run),
                input=Input([contract.name], run[0], run[-1], named, force, request.drop_missing),
                symbols=named,
                recheck=recheck,
                quiet=to_intervals(contract, [day for day in run if day in quiet]),
                drill=request.drill,
            )
            for run in _runs(days, most)
        ]

    if request.force or request.symbols or request.drop_missing:
        return _continuing(batches_of(window))
    batches = batches_of(day for day in window if day not in done)
    if request.daily:
        batches += _continuing(batches_of((day for day in window if day in done), recheck=True))
    return batches


def sharing_a_pass(
    contract: Contract, batches: Sequence[Batch], symbols: Symbols, requests_per_second: float = 0.0
) -> list[Batch]:
    """``batches``, all of the same ones of ``symbols``, with the window of the pass that they share, if they do.

    The source answers for a whole window at once, and is asked once; in so many parts, each of some symbols, that one
    function holds a part and asks for it in ``PASS_SECONDS`` (``requests_per_second``: the source's pace, 0: none). A
    list that was named is short, and has no parts: a window that is too large for one function is not shared then.
    """
    if not contract.one_pass or not batches:
        return list(batches)
    first = min(batch.input.start for batch in batches)
    last = max(batch.input.end for batch in batches)
    asked = len(symbols.expected(first, last))
    seconds, rows = asked / (requests_per_second or UNPACED), asked * len(contract.days(first, last))
    parts = math.ceil(max(1, seconds / PASS_SECONDS, rows / MAX_PASS_ROWS))
    if (batches[0].symbols and rows > MAX_PASS_ROWS) or (len(batches) < 2 and parts == 1):
        return list(batches)
    parts = 0 if batches[0].symbols or parts == 1 else parts
    return [msgspec.structs.replace(batch, window=f"{first}/{last}", parts=parts) for batch in batches]


def parts_of(batches: Sequence[Batch]) -> list[Part]:
    """The parts of the passes of ``batches``, of each dataset one after the other; the first waits for late days.

    What the lake has is not waited for, nor are days that the source did not have before.
    """
    found: dict[tuple[str, str], list[Batch]] = {}
    for batch in batches:
        if batch.parts and not batch.drill:
            found.setdefault((batch.dataset, batch.window), []).append(batch)
    parts: list[Part] = []
    for (dataset, window), of_window in found.items():
        contract = load_contract(dataset)
        new = {day for batch in of_window if not batch.recheck for day in from_intervals(contract, batch.days)}
        quiet = {day for batch in of_window for day in from_intervals(contract, batch.quiet)}
        awaited = to_intervals(contract, sorted(new - quiet))
        of = of_window[0].parts
        parts += [Part(dataset, window, number, of, awaited if number == 1 else []) for number in range(1, of + 1)]
    return parts


def source_requests(contract: Contract, batches: Sequence[Batch], symbols: Symbols) -> int:
    """Requests that the source of ``contract`` is sent for ``batches``, where each is answered in full at once.

    Yahoo is asked for a chart a symbol and pass (``fetch.sources.yahoo``), the ECB for all in one request a pass, and
    Frankfurter for the days that the ECB lacks (``fetch.sources.rates``). Not counted, since they depend on the
    answers: what is asked for again, and the requests for a cookie that Yahoo may want before the first chart.
    """
    passes = {(*batch.symbols, batch.window or f"batch {number}"): batch for number, batch in enumerate(batches)}
    return sum(_requests_of_pass(contract, batch, symbols) for batch in passes.values())


def _requests_of_pass(contract: Contract, batch: Batch, symbols: Symbols) -> int:
    if contract.source != "yahoo":
        return 2 if batch.quiet else 1
    days = from_intervals(contract, [batch.window] if batch.window else batch.days)
    listed = symbols.only(batch.symbols) if batch.symbols else symbols
    return len(listed.expected(days[0], days[-1]))


def _continuing(batches: Sequence[Batch]) -> list[Batch]:
    # The day before the others is written by this execution, too, before or after them: not one to compare with.
    return [*batches[:1], *(msgspec.structs.replace(batch, continues=True) for batch in batches[1:])]


def refuse_too_large(batches: Sequence[Batch], parts: Sequence[Part] = ()) -> None:
    """Refuse a plan that would not fit through the state machine together with its results: some 85 batches of days.

    Raises:
        InvalidRequest: more than ``MAX_PLAN_BYTES``.
    """
    size = _size(batches, parts)
    if size > MAX_PLAN_BYTES:
        raise InvalidRequest(
            f"start, end and symbols make a plan of {size // 1000} KB with the outcomes of its batches; "
            f"accepted are {MAX_PLAN_BYTES // 1000} KB: ask for fewer years or fewer symbols at once"
        )


def fitting(batches: Sequence[Batch], patches: Sequence[Batch], parts: Sequence[Part]) -> list[Batch]:
    """Those of ``patches``, the first ones, that fit into the plan beside ``batches``; the others wait in the ledger.

    A long list's may name hundreds of symbols each, and a daily run must not be refused for them.
    """
    most = len(patches)
    while most and _size([*batches, *patches[:most]], parts) > MAX_PLAN_BYTES:
        most -= 1
    return list(patches[:most])


def _size(batches: Sequence[Batch], parts: Sequence[Part]) -> int:
    return len(json.dumps(msgspec.to_builtins([*batches, *parts]))) + MAX_OUTCOME_BYTES * len(batches)


def _runs(days: Iterable[date], most: int) -> list[list[date]]:
    """``days`` in batches of ``most`` at most, which end with the calendar year: two batches side by side that replace
    the same year's object wait for each other, and their queries fail (``athena_check.athena``).

    Some still do: those of a long list, of a year with gaps, and the new days and those looked at again of a daily run.
    ``transform.compact`` says why none of them loses twice.
    """
    runs: list[list[date]] = []
    for day in days:
        last = runs[-1][-1] if runs else date.min
        near = day.year == last.year and (day - last).days <= MAX_GAP_DAYS
        if near and len(runs[-1]) < most:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
