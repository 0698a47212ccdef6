"""Reads one answer of Yahoo's chart API for what yfinance does not report: why a symbol failed, what its bars are
worth, and in which currency it is quoted and each dividend was paid.

yfinance turns failures into empty frames, makes numbers of whatever it finds (text, true and false among it), moves a
dividend of a day without a bar to the bar before, and drops the currency of a dividend. So an answer is judged here
first, and what yfinance would misread is taken out of it: one odd bar, value or event costs itself, not the symbol.

What is left is handed to yfinance as the parsed document, without what costs most of its time and the lake has no use
for: each bar and event is stamped with its day (midnight, UTC) in place of a time at the exchange, events have the
members that the lake keeps, and the metadata only what yfinance reads of daily bars. So what is odd in the rest of the
metadata, of which it makes times, costs nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import lt
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fetch.sources.base import NO_BARS
from marketlake.errors import TransientError, UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable, shorten
from marketlake.strict_json import unique_names

NO_CURRENCY = "Yahoo's metadata names no currency, so its unit is unknown"
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ABSENT = ("No data found", "Data doesn't exist")
"""How Yahoo says that a symbol, or the symbol in this window, is unknown for good."""
QUOTED = ("open", "high", "low", "close", "volume")
WORDS = ("Infinity", "-Infinity", "NaN")
"""Yahoo writes an adjusted close beyond any float as text. No value comes of it, and no loss either: the lake keeps no
adjusted closes."""
EXACT = 2**53
"""Up to here a float holds every integer, and yfinance holds volumes as floats."""
READ = ("instrumentType", "currency")
"""What yfinance reads of the metadata besides the time zone."""
REPLACED = "\ufffd"
"""What stands for bytes that are no text: yfinance refuses them when it reads the answer."""
EPOCH = date(1970, 1, 1).toordinal()
SHOWN_LOSSES = 3
SHOWN_BYTES = 100
EVENTS = {"dividends": ("amount",), "splits": ("numerator", "denominator")}
"""Kinds of events, and what yfinance is to read of each besides its day."""
_DIVIDEND_MEMBERS = {"amount", "date", "currency"}


class Unreadable(ValueError):
    """The answer is not what the API promises; the message says in which way."""


@dataclass(frozen=True)
class Bars:
    """What an answer says of its bars beyond what yfinance gives.

    Attributes:
        first: day of the first bar.
        without_volume: days whose bar has no usable volume, for which yfinance writes 0.
        dividend_currencies: day -> the currency that Yahoo names for its dividend, such as GBp; only where it does.
        doubtful_dividends: days with a dividend that cannot be read, or dividends in several currencies.
        losses: what was taken out of the answer, in words.
    """

    first: date
    without_volume: frozenset[date] = frozenset()
    dividend_currencies: Mapping[date, str] = field(default_factory=dict)
    doubtful_dividends: frozenset[date] = frozenset()
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartAnswer:
    """What one answer says of a symbol.

    Attributes:
        currency, symbol, zone: those of its metadata.
        reason: why the symbol has no usable bars.
        failure: the error that this amounts to; a reason without a failure is final.
        odd: a chart came, of a shape that the API does not promise: a problem of this symbol, not of the source.
        document: the chart for yfinance; None where yfinance is to read the answer itself.
    """

    currency: str = ""
    symbol: str = ""
    zone: str = ""
    bars: Bars | None = None
    reason: str = ""
    failure: type[TransientError] | None = None
    odd: bool = False
    document: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def passing(self) -> bool:
        """Whether the source failed here, so that asking again later may help."""
        return self.failure is not None and not self.odd

    @property
    def lost(self) -> str:
        """What was taken out of the answer, in few words; empty where nothing was."""
        losses = self.bars.losses if self.bars else ()
        more = f", and {len(losses) - SHOWN_LOSSES} more" if len(losses) > SHOWN_LOSSES else ""
        return ", ".join(losses[:SHOWN_LOSSES]) + more


def read_chart(status: int, text: str) -> ChartAnswer:
    """Judges an answer by its status and body."""
    if status == 429:
        return ChartAnswer(failure=UpstreamThrottled, reason="status 429, too many requests")
    if status >= 500 or "Will be right back" in text:
        return ChartAnswer(failure=UpstreamUnavailable, reason=f"status {status}: {text[:60]!r}")
    if status in (401, 403):
        return ChartAnswer(failure=UpstreamUnavailable, reason=f"status {status}, Yahoo refuses this client")
    try:
        document = _document(text)
    except Unreadable as error:
        return ChartAnswer(failure=UpstreamMalformed, reason=f"status {status}, {error}")
    try:
        return _judged(status, document, whole=REPLACED not in text)
    except Unreadable as error:
        return ChartAnswer(failure=UpstreamMalformed, odd=True, reason=f"status {status}, {error}")


def _document(text: str) -> dict[str, Any]:
    """The answer as JSON, which has an object ``chart``."""
    if not text.strip():
        raise Unreadable("an empty answer")
    if text.lstrip().startswith("<"):
        raise Unreadable("an HTML page instead of JSON")
    try:
        document = json.loads(text, object_pairs_hook=unique_names)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"truncated, ambiguous or invalid JSON ({len(text)} characters)") from error
    if not isinstance(document, dict) or not isinstance(document.get("chart"), dict):
        raise Unreadable("JSON without a chart")
    return document


def _judged(status: int, document: dict[str, Any], *, whole: bool) -> ChartAnswer:
    chart = document["chart"]
    if error := chart.get("error"):
        description = str(error.get("description") if isinstance(error, dict) else error)
        if status == 404 or description.startswith(_ABSENT):
            return ChartAnswer(reason=description)
        raise Unreadable(f"Yahoo's error {description!r}")
    results = chart.get("result")
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        raise Unreadable("a chart with neither result nor error")
    meta = results[0].get("meta")
    if not isinstance(meta, dict):
        raise Unreadable("a chart without metadata")
    if not results[0].get("timestamp"):
        return ChartAnswer(reason=NO_BARS)
    currency = meta.get("currency")
    if not currency:
        return ChartAnswer(reason=NO_CURRENCY)
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise Unreadable(f"the currency {currency!r}")
    cleaning = Cleaning(results[0], _zone(meta))
    bars = cleaning.bars()
    results[0]["meta"] = {name: meta[name] for name in READ if name in meta} | {"exchangeTimezoneName": "UTC"}
    handed = document if whole or cleaning.changed else None
    symbol, zone = f"{meta.get('symbol')}".upper(), f"{meta['exchangeTimezoneName']}"
    return ChartAnswer(currency, symbol, zone, bars, document=handed)


def _zone(meta: dict[str, Any]) -> ZoneInfo:
    try:
        return ZoneInfo(meta["exchangeTimezoneName"])
    except (KeyError, TypeError, ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise Unreadable(f"unusable time zone: {error!r}") from error


class Cleaning:
    """Takes out of one result of a chart, which has time stamps, what yfinance would misread, and stamps the rest with
    days.

    Raises:
        Unreadable: the result is not of the promised shape, so that no part of it is worth anything.
    """

    def __init__(self, result: dict[str, Any], zone: ZoneInfo) -> None:
        self._result = result
        self._zone = zone
        self._stamps, self._columns = _columns(result)
        self._events: dict[str, dict[str, tuple[date, dict[str, Any]]]] = {kind: {} for kind in EVENTS}
        self._losses: list[str] = []
        self._doubtful: set[date] = set()
        self.changed = False

    def bars(self) -> Bars:
        """What is left."""
        days = [_bar_day(stamp, self._zone) if type(stamp) is int else None for stamp in self._stamps]
        self._blank_values(days)
        kept = self._kept(days)
        if not kept:
            raise Unreadable("no bar with a usable time stamp" if None in days else "nothing but repeated bars")
        if kept != list(range(len(days))):
            self.changed = True
            for values in self._columns.values():
                values[:] = [values[at] for at in kept]
        of_bars = [day for at in kept if (day := days[at])]
        currencies = self._dividends(of_bars)
        self._splits(of_bars)
        self._hand_over(of_bars)
        volumes = self._columns["volume"]
        without = [day for day, volume in zip(of_bars, volumes, strict=True) if volume is None]
        return Bars(
            first=of_bars[0],
            without_volume=frozenset(without),
            dividend_currencies=currencies,
            doubtful_dividends=frozenset(self._doubtful),
            losses=tuple(self._losses),
        )

    def _blank_values(self, days: Sequence[date | None]) -> None:
        """Nothing instead of what is not a number, or not a count of shares."""
        for name, values in self._columns.items():
            if (are_counts if name == "volume" else are_numbers)(values):
                continue
            usable: Callable[[Any], bool] = is_count if name == "volume" else is_number
            for at in [at for at, value in enumerate(values) if value is not None and not usable(value)]:
                if name != "adjclose":
                    self._lose(f"{name} {values[at]!r} on {days[at]}")
                values[at] = None
                self.changed = True

    def _kept(self, days: Sequence[date | None]) -> list[int]:
        """Positions of the bars to keep, by time."""
        known = [day for day in days if day]
        if len(known) == len(days) and all(map(lt, known, known[1:])):
            return list(range(len(days)))
        by_day: dict[date, list[int]] = defaultdict(list)
        for at, day in enumerate(days):
            if day is None:
                self._lose(f"a bar with the time stamp {self._stamps[at]!r}")
            else:
                by_day[day].append(at)
        last = max(by_day, default=None)
        return [at for day in sorted(by_day) for at in self._one_of(day, by_day[day], last)]

    def _one_of(self, day: date, places: list[int], last: date | None) -> list[int]:
        """The bar of ``day``, or none where nobody knows which of several it is.

        Yahoo sends the current day twice while its bar is live, the second time stamped with the time of the last
        trade, or with another: https://github.com/ranaroussi/yfinance/blob/main/yfinance/utils.py
        (``fix_Yahoo_returning_live_separate``, which keeps the later of the last two). A later bar whose close is still
        to come is no better than an earlier one that has it.
        """
        if len(places) == 1:
            return places
        if day == last:
            closed = [at for at in places if self._columns["close"][at] is not None] or places
            latest = max(self._stamps[at] for at in closed)
            places = [at for at in closed if self._stamps[at] == latest]
        if len({tuple(values[at] for values in self._columns.values()) for at in places}) == 1:
            return places[:1]
        self._lose(f"more than one bar on {day}")
        return []

    def _dividends(self, days: Sequence[date]) -> dict[date, str]:
        """Takes out the dividends that cannot be used; the currencies of the others, by day."""
        self._read_events("dividends", days)
        by_day: dict[date, list[str]] = defaultdict(list)
        for key, (day, event) in list(self._events["dividends"].items()):
            if not is_number(event.get("amount")):
                self._drop("dividends", key, f"a dividend of {event.get('amount')!r} on {day}")
                self._doubtful.add(day)
                continue
            by_day[day].append(key)
            # yfinance would take it for a column of amounts.
            self.changed = self.changed or bool(event.keys() - _DIVIDEND_MEMBERS)
        named = {}
        for day, keys in by_day.items():
            currencies = {_currency(self._events["dividends"][key][1].get("currency")) for key in keys}
            if len(currencies) > 1:
                # Their sum, which yfinance would give, is no amount of money.
                for key in keys:
                    self._drop("dividends", key, f"a dividend on {day}, which has several in different currencies")
                self._doubtful.add(day)
            elif currency := currencies.pop():
                named[day] = currency
        return {day: currency for day, currency in named.items() if day not in self._doubtful}

    def _splits(self, days: Sequence[date]) -> None:
        """Takes out the splits that cannot be used."""
        self._read_events("splits", days)
        for key, (day, event) in list(self._events["splits"].items()):
            new, old = event.get("numerator"), event.get("denominator")
            if not (is_number(new) and is_number(old) and new > 0 < old and 0 < new / old < math.inf):
                self._drop("splits", key, f"a split of {new!r}:{old!r} on {day}")

    def _read_events(self, kind: str, days: Sequence[date]) -> None:
        """The events of one kind, by key, with their days; those without a bar on their day are left out."""
        events = self._result.get("events") or {}
        if not isinstance(events, dict):
            self._lose("events that are not an object")
            events = self._result["events"] = {}
        entries = events.get(kind) or {}
        if not isinstance(entries, dict):
            self._lose(f"{kind} that are not an object")
            entries = {}
        have = frozenset(days if entries else ())
        for key, event in entries.items():
            day = _event_day(event.get("date"), self._zone) if isinstance(event, dict) else None
            if day in have:
                self._events[kind][key] = (day, event)
            elif day is None:
                self._lose(f"one of the {kind}, which names no day: {event!r}")
            else:
                # yfinance would give it to the bar before.
                between = days[0] < day < days[-1]
                self._lose(f"one of the {kind}, on {day}, which has no bar" if between else "")

    def _hand_over(self, days: Sequence[date]) -> None:
        """Puts what is left into the result, in the types that yfinance would make of lists first."""
        import numpy
        import pandas  # type: ignore[import-untyped]

        indicators = self._result["indicators"]
        indicators["quote"][0] = {name: numpy.array(self._columns[name], dtype=float) for name in QUOTED}
        if "adjclose" in self._columns:
            indicators["adjclose"] = [{"adjclose": numpy.array(self._columns["adjclose"], dtype=float)}]
        self._result["timestamp"] = pandas.DatetimeIndex(numpy.array(days, dtype="datetime64[s]"))
        self._result["events"] = {
            kind: {
                key: {name: event[name] for name in EVENTS[kind]} | {"date": midnight(day)}
                for key, (day, event) in found.items()
            }
            for kind, found in self._events.items()
        }

    def _drop(self, kind: str, key: str, loss: str) -> None:
        del self._events[kind][key]
        self._lose(loss)

    def _lose(self, loss: str) -> None:
        """Takes note of a change, and of what it costs, if anything."""
        self.changed = True
        if loss:
            self._losses.append(shorten(loss, 100))


def _columns(result: dict[str, Any]) -> tuple[list[Any], dict[str, list[Any]]]:
    """Time stamps and columns of bars, all of one length."""
    stamps = result["timestamp"]
    indicators: Any = result.get("indicators")
    try:
        columns = {name: indicators["quote"][0][name] for name in QUOTED}
        if "adjclose" in indicators:
            columns["adjclose"] = indicators["adjclose"][0]["adjclose"]
    except (KeyError, IndexError, TypeError) as error:
        raise Unreadable(f"bars without a column: {error!r}") from error
    for name, values in {"timestamp": stamps, **columns}.items():
        if not isinstance(values, list) or len(values) != len(stamps):
            raise Unreadable(f"{name} is not a list of values, one for each time stamp")
    return list(stamps), columns


@lru_cache(maxsize=1 << 14)
def _bar_day(stamp: int, zone: ZoneInfo) -> date | None:
    """Day at the exchange. A bar that a change of clocks put at 22 or 23 hours is the next day's, as yfinance reads
    it.

    Most symbols have bars with the same stamps, so it is kept for those of sixty years.
    """
    time = _time(stamp, zone)
    return None if time is None else (time + timedelta(hours=2) if time.minute == 0 else time).date()


def _event_day(stamp: Any, zone: ZoneInfo) -> date | None:
    time = _time(stamp, zone) if type(stamp) is int else None
    return None if time is None else time.date()


def _time(stamp: int, zone: ZoneInfo) -> datetime | None:
    """A time stamp's time; None where it is outside the years for which pandas has nanoseconds."""
    try:
        time = datetime.fromtimestamp(stamp, zone)
        return time if 1700 < time.year < 2200 else None
    except (ValueError, OverflowError, OSError):
        return None


def midnight(day: date) -> int:
    """The time stamp of the beginning of ``day``, UTC."""
    return (day.toordinal() - EPOCH) * 86_400


def _currency(name: Any) -> str:
    return name if isinstance(name, str) and _CURRENCY.fullmatch(name) else ""


def is_number(value: Any) -> TypeGuard[float]:
    """Whether ``value`` is a number of JSON that a float can hold, true and false not among them."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False


def is_count(value: Any) -> bool:
    """Whether ``value`` is a whole number that a float holds exactly."""
    return is_number(value) and not value % 1 and abs(value) <= EXACT


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether each value is None or a number (:func:`is_number`); where it is False, they may be nevertheless.

    No value is looked at by itself: a sum of floats of which one is not finite is not finite either.
    """
    return {*map(type, values)} <= {float, type(None)} and math.isfinite(sum(filter(None, values)))


def are_counts(values: Sequence[Any]) -> bool:
    """The same for None and counts (:func:`is_count`)."""
    counts = [*filter(None, values)] if {*map(type, values)} <= {int, type(None)} else [math.nan]
    return not counts or -EXACT <= min(counts) <= max(counts) <= EXACT


def described(error: BaseException) -> str:
    """Class and message of an error; of curl's, without its introduction and the pointer to its manual."""
    message = str(error).removeprefix("Failed to perform, ").split(" See https://")[0]
    return shorten(f"{type(error).__name__}: {message}", SHOWN_BYTES)
