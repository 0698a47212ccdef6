"""Frankfurter v1 (https://frankfurter.dev/v1/): one day, an interval, the list of currencies.

As the service does: rates for one euro are the ECB's digits; another base or amount is computed and rounded; an
interval begins on the nearest published day at or before its start; 404 ``{"message":"not found"}`` when there is no
day; 422 on arguments that make no sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from infra.sources.ecb import EcbRates, Rates
from infra.sources.http_types import Request, Response, as_json

SOURCE = "ecb"
_DAY = r"(\d{4}-\d{2}-\d{2})"
_ONE_DAY = re.compile(rf"/{_DAY}")
_INTERVAL = re.compile(rf"/{_DAY}\.\.{_DAY}?")
Days = list[tuple[date, Rates]]
Change = Callable[[Days], Days]
"""A fault: changes the rates before they are written down."""


class BadArgument(ValueError):
    """An argument that makes no sense; the service answers 422 with this message."""


class FrankfurterApi:
    """Answers requests below ``/v1``."""

    def __init__(self, rates: EcbRates, names: Mapping[str, str], today: Callable[[], date] = date.today) -> None:
        self._rates = rates
        self._names = names
        self._today = today

    def answer(self, path: str, request: Request, change: Change) -> Response:
        """The response to ``path`` (what follows ``/v1``)."""
        try:
            return self._answer(path, request.query, change)
        except ValueError as error:
            return as_json({"message": str(error)}, 422, SOURCE)

    def _answer(self, path: str, query: dict[str, str], change: Change) -> Response:
        if path in ("/latest", "/current"):
            return self._day(self._rates.days[-1], query, change)
        if match := _ONE_DAY.fullmatch(path):
            return self._day(date.fromisoformat(match[1]), query, change)
        if match := _INTERVAL.fullmatch(path):
            end = date.fromisoformat(match[2]) if match[2] else self._today()
            return self._interval(date.fromisoformat(match[1]), end, query, change)
        if path == "/currencies":
            codes = sorted([*self._rates.codes(), "EUR"])
            return as_json({code: self._names.get(code, code) for code in codes}, source=SOURCE)
        return as_json({"message": "not found"}, 404, SOURCE)

    def _day(self, day: date, query: dict[str, str], change: Change) -> Response:
        found = self._rates.latest(day)
        quoted = self._quoted([found] if found else [], query, change)
        if not quoted:
            return as_json({"message": "not found"}, 404, SOURCE)
        published, rates = quoted[0]
        return _written(query, f'"date":"{published}","rates":{_object(rates)}')

    def _interval(self, start: date, end: date, query: dict[str, str], change: Change) -> Response:
        days = self._rates.between(start, end) if start <= self._today() else []
        quoted = self._quoted(days, query, change)
        if not quoted:
            return as_json({"message": "not found"}, 404, SOURCE)
        body = ",".join(f'"{day}":{_object(rates)}' for day, rates in quoted)
        ends = f'"start_date":"{quoted[0][0]}","end_date":"{quoted[-1][0]}"'
        return _written(query, f'{ends},"rates":{{{body}}}')

    def _quoted(self, days: list[date], query: dict[str, str], change: Change) -> Days:
        base, amount, symbols = _base(query), _amount(query), _symbols(query)
        if symbols == [base]:
            raise BadArgument("bad currency pair")
        quoted = [(day, _rebased(self._rates.on(day), base, amount)) for day in days]
        if symbols:
            quoted = [(day, {k: v for k, v in rates.items() if k in symbols}) for day, rates in quoted]
        return change([(day, rates) for day, rates in quoted if rates])


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
    bounds = ((5000, 0), (80, 2), (20, 3), (1, 4), (0.0001, 5))
    return round(value, next((digits for bound, digits in bounds if value > bound), 6))


def _object(rates: Rates) -> str:
    return "{" + ",".join(f'"{code}":{rate}' for code, rate in rates.items()) + "}"
