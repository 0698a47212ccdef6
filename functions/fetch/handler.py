"""Lambda ``fetch``: one pass over the source for a batch, one raw object a day, as received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from fetch.passes import SharedPass, whole_request
from fetch.sources import Addresses, source_of
from fetch.sources.base import FetchRequest
from fetch.store import Gaps, find_gaps, refuse_late, silent_symbols, store
from marketlake.aws import s3_client
from marketlake.contract import load_contract
from marketlake.errors import InvalidRequest, shorten
from marketlake.intervals import from_intervals, to_intervals
from marketlake.manifest import FetchNotes, write_notes
from marketlake.messages import Fetched, FetchEvent
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.symbols import symbols_in_force
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


def now() -> datetime:
    """The time, in one place for tests to set."""
    return datetime.now(UTC)


@task("fetch", FetchEvent)
def handler(event: FetchEvent) -> Fetched:
    """What the source has of the batch's days is stored, as received."""
    settings = read_settings(Settings)
    batch = event.batch
    contract = load_contract(batch.dataset)
    artifacts, raw = Bucket(settings.artifacts_bucket, s3_client()), Bucket(settings.raw_bucket, s3_client())
    symbols = symbols_in_force(contract, artifacts, settings.fx_base)
    if batch.symbols:
        symbols = symbols.only(batch.symbols)
    wanted = from_intervals(contract, batch.days)

    addresses = Addresses(
        settings.yahoo_base_url, settings.ecb_base_url, settings.frankfurter_base_url, settings.upstream_proxy
    )
    source = source_of(contract, addresses, settings.fx_base)
    # A source that lists its own symbols is asked for all, so that one new to it does not go unseen.
    all_of_them = contract.symbols.ask == "all" and not batch.symbols
    asked = [] if all_of_them else symbols.expected(wanted[0], wanted[-1])
    if not asked and not all_of_them:  # to a source, no symbols would mean all of them
        raise InvalidRequest(
            f"{contract.name}: none of the symbols is listed on any day from {wanted[0]} to {wanted[-1]}; "
            "ask for days after their valid_from, or correct the symbols file and deploy"
        )
    request = FetchRequest(wanted, asked, CONTEXT_DAYS)
    if batch.window:
        whole = whole_request(contract, batch, symbols, CONTEXT_DAYS)
        fetched = SharedPass(contract, raw, batch, event.task, now).fetch(source, whole, request)
    else:
        fetched = source.fetch(request)
    # What the lake has already is neither late nor a hole.
    gaps = Gaps([], []) if batch.recheck else find_gaps(contract, wanted, fetched, symbols, event.started.date())
    if batch.window and gaps.late and event.task.retry:
        # The pass was made before these days were there.
        fetched = source.fetch(request)
        gaps = find_gaps(contract, wanted, fetched, symbols, event.started.date())
    stored = [day for day in wanted if day in fetched.days and day not in gaps.late]
    missing = to_intervals(contract, sorted([*gaps.late, *gaps.holes]))
    gaps = gaps.without(from_intervals(contract, batch.quiet))
    store(contract, raw, fetched, stored, batch.symbols)
    # After storing: what came is kept as received, whatever is still to come.
    waited = (now() - event.waiting_since).total_seconds()
    refuse_late(contract, wanted, gaps, patient=waited < settings.publication_patience_seconds)

    absent = [
        shorten(f"{symbol}: {reason}", MAX_REASON_BYTES) for symbol, reason in sorted(fetched.missing_symbols.items())
    ]
    failed = [f"{symbol}: {reason}" for symbol, reason in sorted(fetched.failed_symbols.items())]
    silent = [] if batch.symbols else silent_symbols(contract, wanted, fetched, symbols, event.started.date())
    notes = FetchNotes(failed, silent, missing)
    write_notes(Bucket(settings.clean_bucket, s3_client()), event.task.execution, event.task.batch, notes)
    logger("fetch").info("fetched", extra={"days": len(stored), "missing_symbols": absent})
    return Fetched(
        days=to_intervals(contract, stored),
        stored=len(stored),
        late=to_intervals(contract, gaps.late),
        holes=to_intervals(contract, gaps.holes),
        before=bool(stored) and fetched.before is not None,
        missing_symbols=absent[:SHOWN_SYMBOLS],
    )
