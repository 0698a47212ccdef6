"""Lambda ``plan``: refuses bad input, then turns the window into batches per dataset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from marketlake.aws import s3_client
from marketlake.contract import dataset_names, load_contract
from marketlake.errors import ContractViolation
from marketlake.markers import marked_days
from marketlake.request import parse_request
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.symbols import symbols_in_force
from marketlake.telemetry import Event, logger, task
from plan.batches import patchable, plan_batches, refuse_too_large, window_of
from plan.claim import claim_start


@dataclass(frozen=True)
class Settings:
    """What Plan needs; ``last_known_day`` is set on replay only, whose sources end before today."""

    clean_bucket: str
    artifacts_bucket: str
    fx_base: str
    look_back_days: int
    last_known_day: str = ""

    @property
    def last_day(self) -> date | None:
        """``last_known_day`` as a date.

        Raises:
            ContractViolation: it is not a date.
        """
        try:
            return date.fromisoformat(self.last_known_day) if self.last_known_day else None
        except ValueError as error:
            raise ContractViolation(f"LAST_KNOWN_DAY={self.last_known_day!r} is no date; deploy again") from error


@task("plan")
def handler(event: Event) -> Event:
    """``{"input": <the execution's input>, "started": <ISO time>}`` to ``{"batches": [...], "summary": {...}}``."""
    settings = read_settings(Settings)
    artifacts, clean = Bucket(settings.artifacts_bucket, s3_client()), Bucket(settings.clean_bucket, s3_client())
    contracts = {name: load_contract(name) for name in dataset_names()}
    symbols = {name: symbols_in_force(c, artifacts, settings.fx_base) for name, c in contracts.items()}
    known = {name: listed.names for name, listed in symbols.items()}
    started = datetime.fromisoformat(event["started"])
    request = parse_request(event["input"], known, started, settings.last_day)
    execution = event["task"]["execution"]
    runner = claim_start(clean, event["input"], request.at, execution) if request.scheduled else execution
    if runner != execution:
        already = {"datasets": list(request.datasets), "started_already": runner, "days_planned": 0, "batches": 0}
        logger("plan").info("started already", extra=already)
        return {"batches": [], "summary": already}

    batches, due, done_days = [], 0, 0
    for name in request.datasets:
        window = window_of(contracts[name], request, settings.look_back_days, settings.last_day)
        done = marked_days(clean, name, window.days[0], window.days[-1]) if window.days else set()
        due, done_days = due + len(window.days), done_days + len(done & set(window.days))
        if request.symbols:
            window = patchable(window, done, symbols[name].only(request.symbols))
        batches += plan_batches(contracts[name], request, window, done)
    refuse_too_large(batches)
    summary = {
        "datasets": list(request.datasets),
        "days_due": due,
        "days_done": done_days,
        "days_planned": sum(batch["count"] for batch in batches),
        "batches": len(batches),
    }
    logger("plan").info("planned", extra=summary)
    return {"batches": batches, "summary": summary}
