"""Reference rates of the ECB from its own data API, one request a batch.

https://data.ecb.europa.eu/help/api/data: dataflow EXR, series ``D.<currency>.EUR.SP00.A`` (an empty currency: all),
answered as SDMX-CSV to ``format=csvdata``: a line an observation, the columns named in the first line.
"""

from __future__ import annotations

import csv
import io
import math
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import itemgetter

import httpx

from fetch.sources.base import FetchedDays, FetchRequest
from fetch.sources.rates import RatesOfDays, ask, asked_symbols, fetched_days
from marketlake.errors import UpstreamMalformed, UpstreamThrottled, UpstreamUnavailable

BASE = "EUR"
HINT = "if it stays so, check ECB_BASE_URL and the service's status"

SERIES = {"FREQ": "D", "CURRENCY_DENOM": BASE, "EXR_TYPE": "SP00", "EXR_SUFFIX": "A"}
"""What an observation has to be of: daily, for one euro, a spot rate, the average of the period."""

_SERIES = tuple(SERIES.values())
NEEDED = (*SERIES, "CURRENCY", "TIME_PERIOD", "OBS_VALUE")
READ = ("OBS_STATUS", "TITLE_COMPL", "CURRENCY", "TIME_PERIOD", "OBS_VALUE", *SERIES)
NOT_THERE = frozenset("HLMQ")
"""Statuses of an observation that has no value: holiday, data that exist but were not collected, missing, suppressed.
https://sdmx.org/wp-content/uploads/CL_OBS_STATUS_v2_2.docx"""

INDICATIVE = "Indicative"
"""How the title of a series begins that has no reference rates (the Argentine peso, the Algerian dinar, ...): the
ECB's list of reference rates does not have them, nor has Frankfurter. Those begin with "ECB reference"."""

_CODE = re.compile(r"[A-Z]{3}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RATE = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_EXPONENT = re.compile(r"[0-9.]{1,20}[eE][+-]?[0-9]{1,2}")


class EcbSource:
    """Rates for one euro; ``timeout`` in seconds, ``proxy`` a URL or empty. Days without rates are not there."""

    def __init__(self, base_url: str, timeout: float = 20.0, proxy: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._proxy = proxy

    def fetch(self, request: FetchRequest) -> FetchedDays:
        """See :class:`fetch.sources.base.Source`."""
        return fetched_days(BASE, request, self.rates(request))

    def rates(self, request: FetchRequest) -> RatesOfDays:
        """See :class:`fetch.sources.rates.RatesSource`."""
        currencies = "+".join(asked_symbols(request, BASE))
        url = f"{self._base_url}/data/EXR/D.{currencies}.{BASE}.SP00.A"
        window = {"startPeriod": f"{request.start}", "endPeriod": f"{request.end}", "format": "csvdata"}
        response = ask("the ECB", url, window, accept="text/csv", timeout=self._timeout, proxy=self._proxy, hint=HINT)
        return _rates_of(response)


def _rates_of(response: httpx.Response) -> RatesOfDays:
    """Rates of an answer, by the service's own table of statuses: https://data.ecb.europa.eu/help/api/status-codes."""
    status, text = response.status_code, response.content.decode("utf-8", "replace")
    shown = f"status {status}: {text[:120]!r}"
    if status == 429:
        raise UpstreamThrottled(f"the ECB answered status 429, too many requests; {HINT}")
    if status == 404 and "<html" not in text[:1000].lower():  # "no results matching the query"
        return {}
    if status >= 500 or status in (401, 403):
        raise UpstreamUnavailable(f"the ECB answered {shown}; {HINT}")
    if status != 200:
        raise UpstreamMalformed(f"the ECB answered {shown}; {HINT}")
    try:
        return parse_csv(text)
    except ValueError as error:
        raise UpstreamMalformed(f"the ECB's answer is {error}; {HINT}") from error


def parse_csv(text: str) -> RatesOfDays:
    """Rates of each day of an answer; the digits stay as they came.

    Raises:
        ValueError: it is not such a document; the message continues "the answer is ...".
    """
    if not text.strip():
        raise ValueError("empty")
    if text.lstrip().startswith("<"):
        raise ValueError(f"a page or XML, not CSV: {text.strip()[:80]!r}")
    rates: RatesOfDays = {}
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = next(reader)
        if missing := [name for name in NEEDED if header.count(name) != 1]:
            raise ValueError(f"not a table of rates, {', '.join(missing)} is not a column: {text[:80]!r}")
        places = {name: at for at, name in enumerate(header)}
        read = itemgetter(*(places.get(name, len(header)) for name in READ))
        for cells in reader:
            if len(cells) != len(header):
                raise ValueError(f"truncated or torn: line {reader.line_num} has {len(cells)} of {len(header)} cells")
            cells.append("")  # of a column that is not there
            _add(rates, *read(cells))
    except csv.Error as error:
        raise ValueError(f"truncated or not CSV: {error} in line {reader.line_num}") from error
    return rates


def _add(rates: RatesOfDays, status: str, title: str, code: str, period: str, rate: str, *series: str) -> None:
    """Takes one observation in, if it is a reference rate and has a value; the arguments are the cells of ``READ``."""
    if series != _SERIES:
        other = {name: cell[:20] for (name, wanted), cell in zip(SERIES.items(), series, strict=True) if cell != wanted}
        raise ValueError(f"about another series: {other}")
    day = _day(period)
    if not _CODE.fullmatch(code):
        raise ValueError(f"unusable: {day} names a currency {code[:20]!r}")
    if status in NOT_THERE or (not status and not rate) or title.startswith(INDICATIVE):
        return
    if code in rates.setdefault(day, {}):
        raise ValueError(f"unusable: it has {code} of {day} twice")
    rates[day][code] = _positive(rate, code, day)


@lru_cache(maxsize=1 << 14)
def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"unusable: {text[:20]!r} is not a date")


def _positive(text: str, code: str, day: date) -> str:
    """The digits, if they are those of a positive number and can stand in JSON; an exponent is written out."""
    try:
        digits = format(Decimal(text), "f") if _EXPONENT.fullmatch(text) else text
        if _RATE.fullmatch(digits) and 0 < float(digits) < math.inf:
            return digits
    except InvalidOperation:
        pass
    raise ValueError(f"unusable: {day} has the rate {text[:20]!r} for {code}, not a positive number")
