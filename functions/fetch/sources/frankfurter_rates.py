"""Frankfurter's interval document, read without touching a digit, and the raw document of one day."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from typing import Any, Never

from marketlake.strict_json import unique_names

RatesOfDays = dict[date, dict[str, str]]
"""Day -> currency code -> rate, as the digits that were received."""

_CODE = re.compile(r"[A-Z]{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Digits(str):
    """A JSON number as it was written."""

    __slots__ = ()


def parse_interval(text: str, base: str) -> RatesOfDays:
    """Rates of each day of an interval's answer.

    Raises:
        ValueError: it is no such document; the message continues "the answer is ...".
    """
    document = _parsed(text)
    if not isinstance(document, dict) or not isinstance(document.get("rates"), dict):
        raise ValueError(f"not an object with rates: {text[:80]!r}")
    if document.get("base") != base:
        raise ValueError(f"about base {document.get('base')!r}, not {base!r}")
    amount = document.get("amount")
    if not isinstance(amount, Digits) or float(amount) != 1:
        raise ValueError(f"for the amount {amount!r}, not 1")
    return {_day(day): _rates(day, rates) for day, rates in document["rates"].items()}


def _parsed(text: str) -> Any:
    if not text.strip():
        raise ValueError("empty")
    if text.lstrip().startswith("<"):
        raise ValueError(f"an HTML page, not JSON: {text.strip()[:80]!r}")
    try:
        return json.loads(
            text, parse_float=Digits, parse_int=Digits, parse_constant=_refused, object_pairs_hook=unique_names
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"truncated or not JSON: {error} in {len(text)} characters") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refused(constant: str) -> Never:
    raise ValueError(f"unusable: it has {constant} where a rate belongs")


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError(f"unusable: {text!r} is no day")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"unusable: {text!r} is no day") from error


def _rates(day: str, rates: Any) -> dict[str, str]:
    if not isinstance(rates, dict):
        raise ValueError(f"unusable: {day} has {rates!r} where an object of rates belongs")
    for code, rate in rates.items():
        if not _CODE.fullmatch(code):
            raise ValueError(f"unusable: {day} names a currency {code!r}")
        if not isinstance(rate, Digits) or not 0 < float(rate) < math.inf:
            raise ValueError(f"unusable: {day} has the rate {rate!r} for {code}, not a positive number")
    return rates


def raw_document(base: str, day: date, rates: dict[str, str]) -> bytes:
    """The raw object of one day: what the API answers for a single day, compact, sorted by code, digits untouched."""
    quoted = ",".join(f'"{code}":{rate}' for code, rate in sorted(rates.items()))
    return f'{{"amount":1.0,"base":"{base}","date":"{day}","rates":{{{quoted}}}}}'.encode()
