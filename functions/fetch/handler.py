"""Lambda ``fetch``: one pass over the source for a batch, one raw object a day, as received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fetch.sources import source_of
from fetch.sources.base import FetchRequest
from fetch.store import find_gaps, refuse_late, store
from marketlake.aws import s3_client
from marketlake.contract import load_contract
from marketlake.errors import InvalidRequest
from marketlake.intervals import from_intervals, to_intervals
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.symbols import symbols_in_force
from marketlake.telemetry import Event, count, logger, task

CONTEXT_DAYS = 30
"""Calendar days before a batch that are asked for too, in the same request: 20 bars, so that a unit error of up to two
weeks does not pass for what is usual (docs/data-quality.md)."""

SHOWN_SYMBOLS = 10


@dataclass(frozen=True)
class Settings:
    """What Fetch needs. ``max_attempts`` is the number of retries that the state machine makes."""

    raw_bucket: str
    artifacts_bucket: str
    fx_base: str
    yahoo_base_url: str
    frankfurter_base_url: str
    max_attempts: int


@task("fetch")
def handler(event: Event) -> Event:
    """``{"batch": {...}, "started": <ISO time>}`` to what was stored, in runs of days and counts."""
    settings = read_settings(Settings)
    batch = event["batch"]
    contract = load_contract(batch["dataset"])
    artifacts, raw = Bucket(settings.artifacts_bucket, s3_client()), Bucket(settings.raw_bucket, s3_client())
    symbols = symbols_in_force(contract, artifacts, settings.fx_base)
    if batch["symbols"]:
        symbols = symbols.only(batch["symbols"])
    wanted = from_intervals(contract, batch["days"])

    source = source_of(contract, settings.yahoo_base_url, settings.frankfurter_base_url, settings.fx_base)
    # A source that lists its own symbols is asked for all, so that one new to it does not go unseen.
    all_of_them = contract.symbols.ask == "all" and not batch["symbols"]
    asked = [] if all_of_them else symbols.expected(wanted[0], wanted[-1])
    if not asked and not all_of_them:  # to a source, no symbols would mean all of them
        raise InvalidRequest(
            f"{contract.name}: none of the symbols is listed on any day from {wanted[0]} to {wanted[-1]}; "
            "ask for days after their valid_from, or correct the symbols file and deploy"
        )
    fetched = source.fetch(FetchRequest(wanted, asked, CONTEXT_DAYS))
    gaps = find_gaps(contract, wanted, fetched, symbols, datetime.fromisoformat(event["started"]).date())
    stored = [day for day in wanted if day not in gaps.late and day not in gaps.holes]
    store(contract, raw, fetched, stored, batch["symbols"])
    # After storing: what came is kept as received, whatever is still to come.
    refuse_late(contract, wanted, gaps, last_attempt=event["task"]["retry"] >= settings.max_attempts)

    count("DaysFetched", len(stored), dataset=contract.name)
    missing = [f"{symbol}: {reason}" for symbol, reason in sorted(fetched.missing_symbols.items())]
    logger("fetch").info("fetched", extra={"days": len(stored), "missing_symbols": missing})
    return {
        "days": to_intervals(contract, stored),
        "stored": len(stored),
        "late": to_intervals(contract, gaps.late),
        "holes": to_intervals(contract, gaps.holes),
        "before": bool(stored) and fetched.before is not None,
        "missing_symbols": missing[:SHOWN_SYMBOLS],
    }
