"""The execution's input: what is accepted, and what it asks for.

Everything here comes from outside and is checked before anything else runs; each refusal names the field, the value
and what is accepted.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from marketlake.aliases import current_name
from marketlake.contract import load_contract
from marketlake.errors import InvalidRequest

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
KEYS = ("datasets", "start", "end", "symbols", "force", "drop_missing", "drill", "scheduled_time", "trigger")
TRIGGER = "schedule"
MAX_SHOWN = 60
MAX_SYMBOLS = 200
MAX_AHEAD = timedelta(minutes=5)
"""The schedule's clock may be so far ahead of Step Functions': AWS takes each other's time stamps within five minutes
(https://aws.amazon.com/blogs/mobile/managing-device-time-with-the-aws-mobile-sdks/)."""

_SHORT = reprlib.Repr()
"""``repr`` alone goes down as deep as the input is nested, which may be deeper than Python's stack."""
_SHORT.maxlist = _SHORT.maxdict = MAX_SHOWN
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 2 * MAX_SHOWN


@dataclass(frozen=True)
class Request:
    """A checked input. ``start`` and ``end`` are None where the daily window is meant; ``at`` is the moment for which
    days are due: the schedule's own time, or the execution's start. ``scheduled`` says that the schedule started it.
    ``drop_missing``: rows that the lake has of these days, and the source has not any more, are taken out. ``drill``:
    each batch fails once.
    """

    datasets: tuple[str, ...]
    start: date | None
    end: date | None
    symbols: tuple[str, ...]
    force: bool
    drop_missing: bool
    at: datetime
    scheduled: bool
    drill: bool = False

    @property
    def daily(self) -> bool:
        """Whether this is a daily run, which also looks at days that are done."""
        return self.start is None


def parse_request(
    document: object, known: Mapping[str, list[str]], started: datetime, last_known_day: date | None = None
) -> Request:
    """The request in ``document``.

    ``known`` maps each dataset to the symbols it accepts; ``started`` is the execution's start (aware);
    ``last_known_day`` is the last day that the sources have, where that is not today (replay).

    Raises:
        InvalidRequest: the document is not one that is accepted.
    """
    if not isinstance(document, dict):
        raise InvalidRequest(f"input is {_shown(document)}; accepted is an object with any of {', '.join(KEYS)}")
    for key in document:
        if key not in KEYS:
            raise InvalidRequest(f"{_shown(key)} is not a key of the input; accepted are {', '.join(KEYS)}")
    at = _moment(document, started)
    last = min(at.date(), last_known_day) if last_known_day else at.date()
    start, end = _day(document, "start", last), _day(document, "end", last)
    if start and end and start > end:
        raise InvalidRequest(f"start {start} is after end {end}; accepted is a start on or before the end")
    symbols = tuple(sorted({current_name(symbol) for symbol in _names(document, "symbols")}))
    datasets = _names(document, "datasets")
    chosen = _datasets(datasets, symbols, known)
    _refuse_too_early(chosen, {"start": start, "end": end, "scheduled_time": at.date()})
    return Request(
        datasets=chosen,
        start=start,
        end=end,
        symbols=_known_symbols(symbols, chosen, known),
        force=_flag(document, "force"),
        drop_missing=_with_both_days(document, "drop_missing", "takes rows out of the lake"),
        at=at,
        scheduled=_scheduled(document),
        drill=_with_both_days(document, "drill", "lets each batch fail once"),
    )


def _shown(value: object) -> str:
    text = _SHORT.repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _moment(document: Mapping[str, Any], started: datetime) -> datetime:
    text = document.get("scheduled_time")
    if text is None:
        return started
    accepted = (
        "an ISO 8601 time with its zone, such as 2026-01-05T18:30:00Z, "
        f"at most {MAX_AHEAD.seconds // 60} minutes after the start of the execution"
    )
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        moment = moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # year 1 at +01:00 is a time, but none in UTC
        moment = None
    if moment is None or moment > started + MAX_AHEAD:
        raise InvalidRequest(f"scheduled_time is {_shown(text)}; accepted is {accepted}")
    return moment


def _scheduled(document: Mapping[str, Any]) -> bool:
    trigger = document.get("trigger")
    if trigger not in (None, TRIGGER):
        raise InvalidRequest(f"trigger is {_shown(trigger)}; accepted is {TRIGGER!r}, which the schedule sends")
    if trigger and document.get("scheduled_time") is None:
        raise InvalidRequest("trigger is given without scheduled_time; accepted is both, as the schedule sends them")
    return bool(trigger)


def _day(document: Mapping[str, Any], key: str, last: date) -> date | None:
    text = document.get(key)
    if text is None:
        return None
    try:
        # fromisoformat alone takes 20260105 and 2026-W02-1 too; the partitions know one form.
        day = date.fromisoformat(text) if isinstance(text, str) and ISO_DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise InvalidRequest(f"{key} is {_shown(text)}; accepted is a date as YYYY-MM-DD")
    if day > last:
        raise InvalidRequest(f"{key} is {day}, after the last day there can be data for; accepted is {last} or earlier")
    return day


def _names(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = document.get(key)
    if names is None:
        return ()
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidRequest(f"{key} is {_shown(names)}; accepted is a list of one or more names")
    if len(names) > MAX_SYMBOLS:
        raise InvalidRequest(f"{key} has {len(names)} names; accepted are {MAX_SYMBOLS} at most")
    return tuple(sorted(set(names)))


def _flag(document: Mapping[str, Any], key: str) -> bool:
    value = document.get(key, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f"{key} is {_shown(value)}; accepted is true or false")
    return value


def _with_both_days(document: Mapping[str, Any], key: str, consequence: str) -> bool:
    """The flag ``key``, which is accepted for named days only."""
    wanted = _flag(document, key)
    if wanted and not (document.get("start") and document.get("end")):
        raise InvalidRequest(f"{key} {consequence}; accepted is it with both start and end")
    return wanted


def _datasets(names: tuple[str, ...], symbols: tuple[str, ...], known: Mapping[str, list[str]]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise InvalidRequest(f"datasets names {_shown(name)}; accepted are {', '.join(sorted(known))}")
    if names or not symbols:
        return names or tuple(sorted(known))
    return tuple(sorted(name for name, accepted in known.items() if set(symbols) & set(accepted)))


def _known_symbols(
    symbols: tuple[str, ...], datasets: tuple[str, ...], known: Mapping[str, list[str]]
) -> tuple[str, ...]:
    for dataset in datasets:
        if symbols and not set(symbols) & set(known[dataset]):
            raise InvalidRequest(
                f"symbols is {_shown(list(symbols))}, none of {dataset}; "
                f"accepted are such as {', '.join(known[dataset][:5])}"
            )
    every = {symbol for dataset in (datasets or known) for symbol in known[dataset]}
    for symbol in symbols:
        if symbol not in every:
            some = ", ".join(name for dataset in (datasets or known) for name in sorted(known[dataset])[:3])
            raise InvalidRequest(f"symbols names {_shown(symbol)}; accepted are the symbols in force, such as {some}")
    return symbols


def _refuse_too_early(datasets: tuple[str, ...], days: Mapping[str, date | None]) -> None:
    for dataset in datasets:
        first = load_contract(dataset).first_date
        for key, day in days.items():
            if day and day < first:
                raise InvalidRequest(f"{key} is {day}, before the first day of {dataset}; accepted is {first} or later")
