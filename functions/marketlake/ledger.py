"""What later runs have to do or to leave: patches, known holes, silent symbols; one JSON object a dataset.

Report writes it, Plan reads it. It is replaced under a condition, and a change is made anew from what another execution
wrote meanwhile. What an execution is to report is found in the entries that bear its name: a Report that was killed
after it wrote the ledger reports the same again, and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketlake.errors import ContractViolation, StorageUnavailable
from marketlake.layout import ledger_key
from marketlake.manifest import JSON
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed

ATTEMPTS = 5
KNOWN_AFTER = 3
"""So many evenings a day is asked for before it is a known hole."""

MAX_TRIES = 3
"""A patch whose batch failed in so many runs is given up, and the mail says how to run it."""

MAX_PATCHES = 200
MAX_GIVEN_UP = 50
MAX_SEEN = 50
"""Executions that are remembered. One that runs as long as fifty others does not come back."""


class Patch(Struct, frozen=True):
    """Days from ``start`` to ``end`` to load again of ``symbols``, and why; a daily run does it by itself.

    ``tries`` are the runs in which a batch of it failed. ``reported_by`` is the execution that gave it up, if any did.
    """

    symbols: list[str]
    start: date
    end: date
    reason: str
    force: bool = True
    tries: int = 0
    reported_by: str = ""


class Hole(Struct, frozen=True):
    """A day that the source did not have on ``asked`` evenings, the last of them ``last``.

    ``reported_by`` is the execution that reported it, since when it is known and no daily run asks any more.
    """

    asked: int
    last: date
    reported_by: str = ""


class Silent(Struct, frozen=True):
    """A symbol without bars: the source's reason and its last bar in ``text``, first reported by ``reported_by``."""

    text: str
    reported_by: str


class Ledger(Struct, frozen=True):
    """All of it for one dataset. ``renamed``: old names whose history was seen to. ``seen``: executions that wrote."""

    patches: list[Patch] = []
    given_up: list[Patch] = []
    holes: dict[date, Hole] = {}
    silent: dict[str, Silent] = {}
    renamed: list[str] = []
    seen: list[str] = []

    @property
    def known_holes(self) -> set[date]:
        """The days for which a daily run does not ask any more."""
        return {day for day, hole in self.holes.items() if hole.reported_by}


class Ran(Struct, frozen=True):
    """A batch that ran, as far as the ledger goes.

    ``days`` ascending; ``symbols`` empty: all. ``failed``: nothing of it came through. ``missing``: days that the
    source does not have. ``lacking``: symbols that did not come, with why, while the rest did.
    """

    days: list[date]
    symbols: list[str]
    force: bool
    failed: bool = False
    missing: frozenset[date] = frozenset()
    lacking: dict[str, str] = {}

    def covers(self, patch: Patch) -> bool:
        """Whether it asked for all that ``patch`` is about, on its days."""
        asked = not self.symbols or set(patch.symbols) <= set(self.symbols)
        return asked and (self.force or not patch.force)

    def went_through(self, patch: Patch) -> bool:
        """Whether the symbols of ``patch`` came."""
        return not self.failed and not self.lacking.keys() & set(patch.symbols)


def read_ledger(bucket: Bucket, dataset: str) -> tuple[Ledger, str]:
    """The ledger of ``dataset`` and its ETag; an empty one, without an ETag, where nobody wrote one yet.

    Raises:
        ContractViolation: what lies there is not a ledger.
    """
    key = ledger_key(dataset)
    try:
        stored = bucket.get(key)
    except ObjectMissing:
        return Ledger(), ""
    try:
        return msgspec.json.decode(stored.body, type=Ledger), stored.etag
    except msgspec.DecodeError as error:
        raise ContractViolation(
            f"ledger {key} is not readable: {error}; restore an earlier version of it, or remove it"
        ) from error


def update_ledger(bucket: Bucket, dataset: str, execution: str, change: Callable[[Ledger], Ledger]) -> Ledger:
    """What is there after ``change``, which is made once for an ``execution``, however often it is called.

    One request, and another where something changed.

    Raises:
        StorageUnavailable: other writers won five times in a row.
    """
    for _ in range(ATTEMPTS):
        ledger, etag = read_ledger(bucket, dataset)
        if execution in ledger.seen:
            return ledger
        changed = change(ledger)
        if changed == ledger:
            return ledger
        changed = replace(changed, seen=[*ledger.seen, execution][-MAX_SEEN:])
        body = msgspec.json.format(msgspec.json.encode(changed), indent=1)
        try:
            bucket.put(ledger_key(dataset), body, JSON, if_match=etag or None, if_absent=not etag)
            return changed
        except PreconditionFailed:
            continue
    raise StorageUnavailable(f"ledger of {dataset}: {ATTEMPTS} other writers came first; try again later")


def with_patches(ledger: Ledger, new: Sequence[Patch], execution: str) -> Ledger:
    """``ledger`` with ``new`` patches, one for the same symbols; the oldest are given up where there are too many."""
    patches = list(ledger.patches)
    for patch in new:
        same = next((one for one in patches if (one.symbols, one.force) == (patch.symbols, patch.force)), None)
        if same is None:
            patches.append(patch)
        else:
            wider = replace(same, start=min(same.start, patch.start), end=max(same.end, patch.end), reason=patch.reason)
            patches[patches.index(same)] = wider
    excess = patches[: max(0, len(patches) - MAX_PATCHES)]
    return _given_up(replace(ledger, patches=patches[len(excess) :]), excess, execution)


def _given_up(ledger: Ledger, patches: Sequence[Patch], execution: str) -> Ledger:
    gone = [replace(patch, reported_by=execution) for patch in patches]
    return replace(ledger, given_up=[*ledger.given_up, *gone][-MAX_GIVEN_UP:]) if gone else ledger


def after_batches(ledger: Ledger, ran: Sequence[Ran], execution: str, *, daily: bool) -> Ledger:
    """``ledger`` without what ``ran`` has done of its patches; one that failed too often is given up.

    The batches of a patch are in order, and what is before the first that failed is done. ``daily``: batches of some
    symbols are those that Plan made of patches, with nothing to load between two of them.
    """
    left: list[Patch] = []
    gone: list[Patch] = []
    for patch in ledger.patches:
        rest, failed = _rest(patch, ran, daily=daily)
        if rest is None:
            continue
        tries = patch.tries + (failed and daily)
        (gone if tries >= MAX_TRIES else left).append(replace(rest, tries=tries))
    return _given_up(replace(ledger, patches=left), gone, execution)


def _rest(patch: Patch, ran: Sequence[Ran], *, daily: bool) -> tuple[Patch | None, bool]:
    """What is left to do of ``patch`` (None: nothing), and whether a batch of it failed."""
    start = patch.start
    for batch in sorted(ran, key=lambda one: one.days[0]):
        own = daily and batch.symbols == patch.symbols and batch.days[0] <= patch.end
        if not batch.covers(patch) or batch.days[-1] < start or not (own or batch.days[0] <= start):
            continue
        if not batch.went_through(patch):
            return replace(patch, start=start), own
        if batch.days[-1] >= patch.end:
            return None, False
        start = max(start, date.fromordinal(batch.days[-1].toordinal() + 1))
    return replace(patch, start=start), False


def with_holes(ledger: Ledger, ran: Sequence[Ran], execution: str, on: date, *, daily: bool) -> Ledger:
    """``ledger`` without the days that came, and after a ``daily`` run with those that did not, once a day (``on``)."""
    missing = {day for batch in ran for day in batch.missing}
    came = {day for batch in ran if not batch.failed and not batch.symbols for day in batch.days} - missing
    holes = {day: hole for day, hole in ledger.holes.items() if day not in came}
    for day in sorted(missing) if daily else ():
        hole = holes.get(day, Hole(0, date.min))
        if hole.last != on and not hole.reported_by:
            asked = hole.asked + 1
            holes[day] = Hole(asked, on, execution if asked >= KNOWN_AFTER else "")
    return replace(ledger, holes=holes)


def with_silent(ledger: Ledger, texts: Mapping[str, str], execution: str, *, whole: bool) -> Ledger:
    """``ledger`` with the symbols of ``texts`` (symbol to text) as reported, once each.

    ``whole``: they are all the silent ones that there are, so that others have bars again and are forgotten.
    """
    kept = {symbol: one for symbol, one in ledger.silent.items() if symbol in texts or not whole}
    new = {symbol: Silent(text, execution) for symbol, text in texts.items() if symbol not in kept}
    return replace(ledger, silent=kept | new)
