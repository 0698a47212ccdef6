"""Lambda ``plan``: refuses bad input, then turns the window into batches per dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from marketlake.aws import s3_client
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.errors import ContractViolation, InvalidRequest
from marketlake.history import loaded_days
from marketlake.layout import claim_key
from marketlake.ledger import Ledger, read_ledger
from marketlake.manifest import JSON
from marketlake.messages import Batch, DatasetPlan, PlanEvent, Planned, Previewed, Summary
from marketlake.request import Request, parse_request
from marketlake.settings import read_settings
from marketlake.storage import Bucket, PreconditionFailed
from marketlake.symbols import Symbols, symbols_in_force
from marketlake.telemetry import logger, task
from plan.batches import (
    MAX_PATCH_BATCHES,
    fitting,
    parts_of,
    patch_batches,
    patchable,
    plan_batches,
    refuse_too_large,
    sharing_a_pass,
    source_requests,
    window_of,
)


@dataclass(frozen=True)
class Settings:
    """What Plan needs; ``last_known_day`` is set for simulated sources only, which end before today.

    ``requests_per_second``: the pace of Yahoo, 0 for none.
    """

    clean_bucket: str
    artifacts_bucket: str
    fx_base: str
    look_back_days: int
    last_known_day: str = ""
    requests_per_second: float = 0.0

    @property
    def last_day(self) -> date | None:
        """``last_known_day`` as a date.

        Raises:
            ContractViolation: it is not one.
        """
        try:
            return date.fromisoformat(self.last_known_day) if self.last_known_day else None
        except ValueError as error:
            raise ContractViolation(f"LAST_KNOWN_DAY={self.last_known_day!r} is not a date; deploy again") from error


@task("plan", PlanEvent)
def handler(event: PlanEvent) -> Planned:
    """The batches of days that are not done, or no batches where another execution runs the same scheduled start."""
    settings = read_settings(Settings)
    artifacts, clean = Bucket(settings.artifacts_bucket, s3_client()), Bucket(settings.clean_bucket, s3_client())
    contracts = {name: load_contract(name) for name in dataset_names()}
    symbols = {name: symbols_in_force(c, artifacts, settings.fx_base) for name, c in contracts.items()}
    known = {name: listed.names for name, listed in symbols.items()}
    try:
        request = parse_request(event.input, known, event.started, settings.last_day)
        if event.preview:
            return _plan(settings, clean, symbols, request)
    except InvalidRequest as refused:
        if not event.preview:
            raise
        return Previewed([], Summary(), refusal=f"{refused}")
    execution = event.task.execution
    runner = _claim_start(clean, event.input, request.at, execution) if request.scheduled else execution
    if runner != execution:
        planned = Planned([], Summary(list(request.datasets), started_already=runner))
    else:
        found = _plan(settings, clean, symbols, request)
        planned = Planned(found.batches, found.summary, found.parts)
    logger("plan").info("planned", extra=msgspec.to_builtins(planned.summary))
    return planned


def _plan(settings: Settings, clean: Bucket, symbols: Mapping[str, Symbols], request: Request) -> Previewed:
    """The plan for ``request``, with each dataset's part in it; ``symbols`` are those in force. It only reads.

    Raises:
        InvalidRequest: the plan is too large.
    """
    batches: list[Batch] = []
    patches: list[Batch] = []
    datasets: list[DatasetPlan] = []
    for name in request.datasets:
        room = MAX_PATCH_BATCHES - len(patches)
        of_window, of_patches, found = _plan_dataset(settings, clean, load_contract(name), symbols[name], request, room)
        batches, patches, datasets = batches + of_window, patches + of_patches, [*datasets, found]
    parts = parts_of(batches)
    batches += fitting(batches, patches, parts)
    refuse_too_large(batches, parts)
    summary = Summary(
        list(request.datasets),
        days_due=sum(part.days_due for part in datasets),
        days_done=sum(part.days_done for part in datasets),
        days_planned=sum(batch.count for batch in batches),
        batches=len(batches),
    )
    return Previewed(batches, summary, parts, datasets)


def _plan_dataset(
    settings: Settings, clean: Bucket, contract: Contract, symbols: Symbols, request: Request, room: int
) -> tuple[list[Batch], list[Batch], DatasetPlan]:
    """The batches of one dataset's window, those for its patches, ``room`` at most, and its part in the plan."""
    name = contract.name
    # Only a daily run: who names days, symbols or force asks for just that, known hole or not.
    own = request.daily and not request.symbols and not request.force
    ledger = read_ledger(clean, name)[0] if own else Ledger()
    asked_for = window_of(contract, request, settings.look_back_days, settings.last_day)
    window: Sequence[date] = [day for day in asked_for if day not in ledger.known_holes]
    done = loaded_days(clean, name, window[0], window[-1]) if window else set()
    due, done_days = len(window), len(done & set(window))
    if request.symbols:
        window = patchable(window, done, symbols.only(request.symbols))
    planned = plan_batches(contract, request, window, done, len(symbols.names), quiet=ledger.holes)
    asked = symbols.only(request.symbols) if request.symbols else symbols
    batches = sharing_a_pass(contract, planned, asked, settings.requests_per_second)
    patches: list[Batch] = []
    if ledger.patches:
        first, last = min(patch.start for patch in ledger.patches), max(patch.end for patch in ledger.patches)
        held = loaded_days(clean, name, first, last)
        patches = patch_batches(contract, request, held, symbols, ledger, room)
    requests = source_requests(contract, [*batches, *patches], symbols)
    return batches, patches, DatasetPlan(name, due, done_days, requests)


def _claim_start(bucket: Bucket, document: Mapping[str, Any], at: datetime, execution: str) -> str:
    """Name of the execution that runs the start scheduled for ``at`` (UTC): ``execution``, unless another came first.

    EventBridge Scheduler delivers at least once, and a start that comes twice runs once. Its execution name cannot do
    that: a name takes no colon, and Scheduler has no other word that is the same both times
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html). A start is the
    same if its input is, so two schedules for different datasets are two starts.
    """
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]
    key = claim_key(at, digest)
    try:
        bucket.put(key, json.dumps({"execution": execution}).encode(), JSON, if_absent=True)
    except PreconditionFailed:
        # Ours, too, if this is another attempt of the same execution.
        return str(json.loads(bucket.get(key).body)["execution"])
    return execution
