"""What an execution leaves for later ones, and what it reports of that: a dataset's ledger, brought up to date.

A split's history, and symbols that did not come, are loaded again by the next daily runs; a day that the source never
has is asked for no more; a symbol without bars is reported once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from marketlake.aliases import shipped_aliases
from marketlake.contract import Contract, load_contract
from marketlake.failures import load_again
from marketlake.intervals import from_intervals
from marketlake.ledger import (
    Ledger,
    Patch,
    Ran,
    after_batches,
    update_ledger,
    with_holes,
    with_patches,
    with_silent,
)
from marketlake.manifest import MAX_SILENT, FetchNotes
from marketlake.messages import BatchResult
from marketlake.request import MAX_SYMBOLS
from marketlake.restatements import Restatement
from marketlake.storage import Bucket


def follow_up(
    clean: Bucket,
    dataset: str,
    results: Sequence[BatchResult],
    notes: Mapping[int, FetchNotes],
    restated: Sequence[Restatement],
    execution: str,
    on: date,
    *,
    daily: bool,
) -> list[str]:
    """Bring the ledger of ``dataset`` up to date with what an execution did, which started ``on``; 1 or 2 requests.

    ``notes`` are Fetch's, by the batch's index. Returns the lines that this execution is to report.
    """
    contract = load_contract(dataset)
    mine = [
        (result, notes.get(result.index, FetchNotes()))
        for result in results
        if result.dataset == dataset and result.index >= 0
    ]
    ran = [_ran(contract, result, noted) for result, noted in mine]
    patches = [_of_split(found) for found in restated if found.dataset == dataset and found.mails]
    silent = _by_symbol([text for _, noted in mine for text in noted.silent])
    full = [one for one in ran if not one.symbols]
    whole = bool(full) and not any(one.failed for one in full) and len(silent) < MAX_SILENT

    def change(ledger: Ledger) -> Ledger:
        # What is asked for in this execution is done or not before anything is added: a patch is for the next one.
        changed = after_batches(ledger, ran, execution, daily=daily)
        changed = with_patches(changed, [*patches, *_lacking(ran, daily=daily)], execution)
        changed = with_holes(changed, ran, execution, on, daily=daily)
        if not daily:
            return changed
        changed = with_silent(changed, silent, execution, whole=whole)
        return _with_renamed(contract, changed, execution, on)

    return _lines(contract, update_ledger(clean, dataset, execution, change), execution)


def _ran(contract: Contract, result: BatchResult, notes: FetchNotes) -> Ran:
    days = from_intervals(contract, result.days)
    missing = set(from_intervals(contract, notes.missing))
    fetch = result.failure.get("Fetch")
    if fetch is not None and fetch.error == "NotYetPublished" and not result.recheck and not result.input.symbols:
        missing = set(days)
    return Ran(
        days=days,
        symbols=sorted(result.input.symbols),
        force=result.input.force,
        failed=bool(result.failure) or result.rejected > len(missing),
        missing=frozenset(missing),
        lacking=_by_symbol(notes.failed),
    )


def _by_symbol(texts: Sequence[str]) -> dict[str, str]:
    """Texts such as ``BP.L: HTTP 503`` by their symbols."""
    return {text.partition(":")[0].strip(): text for text in texts}


def _of_split(found: Restatement) -> Patch:
    first, last = date.fromisoformat(found.first), date.fromisoformat(found.last)
    return Patch([found.symbol], first, last, f"a {found.event} restated its history")


def _lacking(ran: Sequence[Ran], *, daily: bool) -> list[Patch]:
    """Patches for the symbols that did not come; those of a patch's own batch are in the ledger already."""
    return [
        Patch(list(symbols), one.days[0], one.days[-1], next(iter(one.lacking.values())), force=False)
        for one in ran
        if one.lacking and not one.failed and not (daily and one.symbols)
        for symbols in batched(sorted(one.lacking), MAX_SYMBOLS)
    ]


def batched(names: Sequence[str], most: int) -> list[Sequence[str]]:
    """``names`` in pieces of ``most``: what an input accepts."""
    return [names[start : start + most] for start in range(0, len(names), most)]


def _with_renamed(contract: Contract, ledger: Ledger, execution: str, on: date) -> Ledger:
    """``ledger`` with a patch for each ticker that was renamed since it was begun; all before have one name already."""
    if contract.units is None or contract.symbols.file is None:
        return ledger
    new = [alias for old, alias in sorted(shipped_aliases().items()) if old not in ledger.renamed]
    if not new:
        return ledger
    days = contract.days(contract.first_date, on)
    patches = [Patch([alias.new], days[0], days[-1], f"{alias.old} was renamed") for alias in new]
    begun = bool(ledger.renamed)
    changed = with_patches(ledger, patches, execution) if begun else ledger
    return replace(changed, renamed=sorted([*ledger.renamed, *(alias.old for alias in new)]))


def _lines(contract: Contract, ledger: Ledger, execution: str) -> list[str]:
    name = contract.name
    silent = [f"{name} {one.text}" for _, one in sorted(ledger.silent.items()) if one.reported_by == execution]
    holes = [
        f"{name} {day}: {contract.source} did not have it on {hole.asked} evenings: a hole, for which no daily run "
        f"asks any more; to ask again: {load_again(name, [day])}"
        for day, hole in sorted(ledger.holes.items())
        if hole.reported_by == execution
    ]
    given_up = [
        f"{name} {', '.join(patch.symbols[:3])}{' ...' if len(patch.symbols) > 3 else ''}, {patch.start} to "
        f"{patch.end}: given up ({patch.reason}); to try again: {_load_symbols(name, patch)}"
        for patch in ledger.given_up
        if patch.reported_by == execution
    ]
    return [*silent, *holes, *given_up]


def _load_symbols(dataset: str, patch: Patch) -> str:
    force = ["--force"] if patch.force else []
    symbols = [f"--symbol {symbol}" for symbol in patch.symbols]
    return load_again(dataset, [patch.start, patch.end], *force, *symbols)
