"""Lambda ``fetch``: one pass over the source for a batch, one raw object a day, as received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fetch.parts import Parts, part_request
from fetch.passes import SharedPass
from fetch.sources import Addresses, source_of
from fetch.sources.base import FetchedDays, FetchRequest, Source
from fetch.store import Gaps, find_gaps, refuse_late, silent_symbols, store
from marketlake.aws import s3_client
from marketlake.contract import Contract, load_contract
from marketlake.errors import Drill, InvalidRequest, shorten
from marketlake.intervals import from_intervals, to_intervals
from marketlake.manifest import FetchNotes, write_notes
from marketlake.messages import Fetched, FetchedPart, FetchEvent, PartEvent
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.symbols import Symbols, symbols_in_force
from marketlake.telemetry import logger, task

CONTEXT_DAYS = 30
"""Calendar days before a batch that are asked for too, in the same request: 20 bars, so that a unit error of up to two
weeks does not pass for what is usual (docs/data-quality.md)."""

SHOWN_SYMBOLS = 10
MAX_REASON_BYTES = 100
"""Longest text about a symbol that did not come: Yahoo's own words are in it, and it travels on with the batch."""


@dataclass(frozen=True)
class Settings:
    """What Fetch needs.

    ``publication_patience_seconds``: so long after the batch came to Fetch, late days are waited for where others came.
    It ends between the third and the fourth attempt, a minute before the latter since clocks differ: what that raises
    would be the end of the whole batch. The number of retries does not say it, since it counts all errors' together:
    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    ``requests_per_second``: the pace of Yahoo, 0 for none.
    """

    raw_bucket: str
    clean_bucket: str
    artifacts_bucket: str
    fx_base: str
    yahoo_base_url: str
    ecb_base_url: str
    frankfurter_base_url: str
    publication_patience_seconds: float
    upstream_proxy: str = ""
    requests_per_second: float = 0.0


def now() -> datetime:
    """The time, in one place for tests to set."""
    return datetime.now(UTC)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """``fetch_part`` or ``fetch_batch``, by what the event is about."""
    return (fetch_part if "part" in event else fetch_batch)(event, context)


@dataclass(frozen=True)
class Deployed:
    """What both read by: the contract, the raw bucket, the symbols in force, and the source."""

    settings: Settings
    contract: Contract
    raw: Bucket
    symbols: Symbols
    source: Source

    @staticmethod
    def of(dataset: str) -> Deployed:
        """That of ``dataset``."""
        settings, contract = read_settings(Settings), load_contract(dataset)
        addresses = Addresses(
            settings.yahoo_base_url,
            settings.ecb_base_url,
            settings.frankfurter_base_url,
            settings.upstream_proxy,
            settings.requests_per_second,
        )
        symbols = symbols_in_force(contract, Bucket(settings.artifacts_bucket, s3_client()), settings.fx_base)
        source = source_of(contract, addresses, settings.fx_base)
        return Deployed(settings, contract, Bucket(settings.raw_bucket, s3_client()), symbols, source)

    def patient(self, since: datetime) -> bool:
        """Whether a late day is still waited for, by what came to Fetch at ``since``."""
        return (now() - since).total_seconds() < self.settings.publication_patience_seconds


@task("fetch", PartEvent)
def fetch_part(event: PartEvent) -> FetchedPart:
    """What the source has of a part's symbols is kept for the batches of its window."""
    part = event.part
    there = Deployed.of(part.dataset)
    contract, request = there.contract, part_request(there.contract, part, there.symbols, CONTEXT_DAYS)
    parts = Parts(contract, there.raw, event.task.execution, part.of)

    def judged() -> FetchedDays:
        fetched = there.source.fetch(request)
        if part.awaited and there.patient(event.entered):
            awaited, mine = from_intervals(contract, part.awaited), there.symbols.only({*request.symbols})
            gaps = find_gaps(contract, awaited, fetched, mine, event.started.date())
            refuse_late(contract, awaited, gaps, patient=True)
        return fetched

    done = parts.make(part.number, event.task.retry, judged, request.symbols)
    logger("fetch").info("fetched a part", extra={"part": part.number, "of": part.of, "done": done})
    return FetchedPart(len(request.symbols) if done else 0, done)


@task("fetch", FetchEvent)
def fetch_batch(event: FetchEvent) -> Fetched:
    """What the source has of the batch's days, or all parts of its pass, is stored, as received."""
    batch = event.batch
    if batch.drill:
        raise Drill(
            f"{batch.dataset}: this batch failed because its execution asked for it (drill); nothing was fetched"
        )
    there = Deployed.of(batch.dataset)
    contract, raw, source = there.contract, there.raw, there.source
    symbols = there.symbols.only(batch.symbols) if batch.symbols else there.symbols
    wanted = from_intervals(contract, batch.days)
    # A source that lists its own symbols is asked for all, so that one new to it does not go unseen.
    all_of_them = contract.symbols.ask == "all" and not batch.symbols
    asked = [] if all_of_them else symbols.expected(wanted[0], wanted[-1])
    if not asked and not all_of_them:  # to a source, no symbols would mean all of them
        raise InvalidRequest(
            f"{contract.name}: none of the symbols is listed on any day from {wanted[0]} to {wanted[-1]}; "
            "ask for days after their valid_from, or correct the symbols file and deploy"
        )
    request = FetchRequest(wanted, asked, CONTEXT_DAYS)
    if batch.parts:
        fetched = Parts(contract, raw, event.task.execution, batch.parts).fetch(request)
    elif batch.window:
        days = from_intervals(contract, [batch.window])
        whole = FetchRequest(days, symbols.expected(days[0], days[-1]), CONTEXT_DAYS)
        fetched = SharedPass(contract, raw, batch, event.task, now).fetch(source, whole, request)
    else:
        fetched = source.fetch(request)
    # What the lake has already is neither late nor a hole.
    gaps = Gaps([], []) if batch.recheck else find_gaps(contract, wanted, fetched, symbols, event.started.date())
    if batch.window and not batch.parts and gaps.late and event.task.retry:
        # The pass was made before these days were there.
        fetched = source.fetch(request)
        gaps = find_gaps(contract, wanted, fetched, symbols, event.started.date())
    stored = [day for day in wanted if day in fetched.days and day not in gaps.late]
    missing = to_intervals(contract, sorted([*gaps.late, *gaps.holes]))
    gaps = gaps.without(from_intervals(contract, batch.quiet))
    store(contract, raw, fetched, stored, batch.symbols)
    # After storing: what came is kept as received, whatever is still to come. The first part waited for all.
    if not batch.parts:
        refuse_late(contract, wanted, gaps, patient=there.patient(event.waiting_since))

    absent = [
        shorten(f"{symbol}: {reason}", MAX_REASON_BYTES) for symbol, reason in sorted(fetched.missing_symbols.items())
    ]
    failed = [f"{symbol}: {reason}" for symbol, reason in sorted(fetched.failed_symbols.items())]
    silent = [] if batch.symbols else silent_symbols(contract, wanted, fetched, symbols, event.started.date())
    notes = FetchNotes(failed, silent, missing)
    write_notes(Bucket(there.settings.clean_bucket, s3_client()), event.task.execution, event.task.batch, notes)
    logger("fetch").info("fetched", extra={"days": len(stored), "missing_symbols": absent})
    return Fetched(
        days=to_intervals(contract, stored),
        stored=len(stored),
        late=to_intervals(contract, gaps.late),
        holes=to_intervals(contract, gaps.holes),
        before=bool(stored) and fetched.before is not None,
        missing_symbols=absent[:SHOWN_SYMBOLS],
    )
