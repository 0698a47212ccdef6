"""A pass over a source in parts: for a list of symbols that is too long for one function.

Before all batches the state machine calls Fetch for one part after the other, so that the source has one pace. A part
keeps its answer in S3, a file a month, and a state that says which symbols it asked for and how it ended. A batch reads
its days once all parts are done and have asked for all that it expects: what it gets is what one pass would have given.
A part that failed, after its retries, fails each batch of the window; those after it do not ask the source any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from fetch.passes import CSV, MONTH, Answered, cut, lines_by
from fetch.sources.base import FetchedDays, FetchRequest, tolerated
from marketlake.contract import Contract
from marketlake.errors import MarketlakeError, PartFailed, PermissionDenied
from marketlake.intervals import from_intervals
from marketlake.layout import pass_key
from marketlake.manifest import JSON
from marketlake.messages import Part
from marketlake.storage import Bucket, ObjectMissing
from marketlake.symbols import Symbols


class PartState(Answered, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a part. ``attempt``: the retries before the one that keeps its answer under that number, so that
    two never mix; ``months`` are those of its files, ``YYYY-MM``."""

    symbols: list[str]
    attempt: int
    months: tuple[str, ...] = ()


class Parts:
    """The parts of the passes of an execution over one dataset, as they lie in the raw bucket."""

    def __init__(self, contract: Contract, raw: Bucket, execution: str, of: int) -> None:
        self._contract, self._raw, self._execution, self._of = contract, raw, execution, of

    def _state(self, number: int) -> PartState | None:
        """What is known of a part; None where its function did not come to say anything."""
        try:
            return msgspec.json.decode(self._raw.get(self._key(number, "json")).body, type=PartState)
        except (ObjectMissing, PermissionDenied):
            # S3 refuses, instead of saying that nothing is there, to whom may not list.
            return None

    def _put(self, number: int, state: PartState) -> None:
        self._raw.put(self._key(number, "json"), msgspec.json.encode(state), JSON)

    def make(self, number: int, attempt: int, judged: Callable[[], FetchedDays], symbols: list[str]) -> bool:
        """Keep what the source has of part ``number``: what ``judged`` gives, which asks for ``symbols``.

        False where the part before did not end well: the source is not asked then.

        Raises:
            MarketlakeError: of the source; it is noted before.
        """
        mine = PartState(symbols=symbols, attempt=attempt)
        before = self._state(number - 1) if number > 1 else None
        if number > 1 and not (before and before.done):
            error, cause = (before.error, before.cause) if before else ("", "")
            self._put(number, msgspec.structs.replace(mine, error=error, cause=cause))
            return False
        self._put(number, mine)
        try:
            fetched = judged()
            months = lines_by(MONTH, fetched)
            files = {self._file(number, mine, month): "".join(lines).encode() for month, lines in months.items()}
            self._raw.put_many(files, CSV)
            self._put(number, mine.ended(fetched, months=tuple(sorted(months))))
        except MarketlakeError as error:
            self._put(number, msgspec.structs.replace(mine, error=type(error).__name__, cause=f"{error}"))
            raise
        return True

    def fetch(self, wanted: FetchRequest) -> FetchedDays:
        """What all parts together have of ``wanted``, a batch's days and symbols.

        Raises:
            PartFailed: a part is not done, the parts did not ask for all of the symbols, or too many of these failed.
        """
        states = [self._done(number) for number in range(1, self._of + 1)]
        unasked = {*wanted.symbols}.difference(*(state.symbols for state in states))
        if unasked:
            raise PartFailed(
                f"{self._contract.name}: no part of the pass asked for {len(unasked)} symbols, such as {min(unasked)}: "
                "the list changed meanwhile; run these days again"
            )
        whole = Answered(
            header=next((state.header for state in states if state.header), ""),
            missing_symbols={name: reason for state in states for name, reason in state.missing_symbols.items()},
            failed_symbols={name: reason for state in states for name, reason in state.failed_symbols.items()},
            last_bars={name: day for state in states for name, day in state.last_bars.items()},
        )
        failed = sorted(whole.failed_symbols.keys() & {*wanted.symbols})
        if len(failed) > tolerated(len(wanted.symbols)):
            raise PartFailed(
                f"{self._contract.source} failed for {len(failed)} of {len(wanted.symbols)} symbols, so nothing of "
                f"the batch was stored. {failed[0]}: {whole.failed_symbols[failed[0]]}; run it again later"
            )
        return cut(self._lines(states, wanted), whole, wanted)

    def _done(self, number: int) -> PartState:
        state = self._state(number)
        if state is not None and state.done:
            return state
        ended = "its function was stopped; see FetchPart in the execution's history"
        why = f"{state.error}: {state.cause}" if state and state.error else ended
        raise PartFailed(f"{self._contract.name}: part {number} of {self._of} of the pass failed: {why}")

    def _lines(self, states: Sequence[PartState], wanted: FetchRequest) -> list[str]:
        first, last = f"{wanted.start}"[:MONTH], f"{wanted.end}"[:MONTH]
        files = [
            self._file(number, state, month)
            for number, state in enumerate(states, 1)
            for month in state.months
            if first <= month <= last
        ]
        return [line for one in self._raw.get_many(files) for line in one.body.decode().splitlines(keepends=True)]

    def _file(self, number: int, state: PartState, month: str) -> str:
        return self._key(number, f"{state.attempt}/{month}.csv")

    def _key(self, number: int, name: str) -> str:
        return pass_key(self._contract, self._execution, (), f"part-{number}.{name}")


def part_request(contract: Contract, part: Part, symbols: Symbols, context_days: int) -> FetchRequest:
    """What ``part`` asks for: all days of its window, and its share of the symbols listed on any of them."""
    days = from_intervals(contract, [part.window])
    listed = symbols.expected(days[0], days[-1])
    first, end = (len(listed) * number // part.of for number in (part.number - 1, part.number))
    return FetchRequest(days, listed[first:end], context_days)
