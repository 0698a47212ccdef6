"""Simulated dividends: on Thursdays, London's ex-dividend days, in the currency in which they are declared."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from infra.sources.companies import Company
from infra.sources.frankfurter import EcbRates
from infra.sources.prices import Floats, Timeline

_SHARES = {1: (1.0,), 2: (0.62, 0.38), 4: (0.25, 0.25, 0.25, 0.25)}
"""Of a year's dividends, by payments: a final and an interim one, or four alike."""
_THURSDAY = 4


@dataclass(frozen=True)
class Dividends:
    """By position of the ex-day: what was declared, and the same in the unit of the prices."""

    amounts: dict[int, float] = field(default_factory=dict)
    quoted: dict[int, float] = field(default_factory=dict)


def dividends(company: Company, seed: str, timeline: Timeline, close: Floats, rates: EcbRates) -> Dividends:
    """All dividends up to the last day of ``timeline``; each depends on ``seed`` and the close before only.

    Another currency is converted with the ECB's rates of the day before.
    """
    found = Dividends()
    if not company.payments:
        return found
    digits = 2 if company.dividend_currency == "GBp" else 4
    for at, share in _ex_days(company, seed, timeline):
        unit = _rate(company, rates, timeline.days[at - 1])
        amount = round(float(close[at - 1]) * company.dividend_yield * share / unit, digits)
        if amount > 0:
            found.amounts[at] = amount
            found.quoted[at] = amount * unit
    return found


def _ex_days(company: Company, seed: str, timeline: Timeline) -> list[tuple[int, float]]:
    """Positions of the ex-days, each with its share of a year's yield. A holiday moves one to the next open day."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    apart = 52 // company.payments
    first = rng.randrange(2, apart)
    found = []
    for year in range(timeline.days[0].year, timeline.days[-1].year + 1):
        for nth, share in enumerate(_SHARES[company.payments]):
            at = timeline.since(date.fromisocalendar(year, first + nth * apart, _THURSDAY))
            share *= rng.uniform(0.9, 1.1)
            if 0 < at < len(timeline.days):
                found.append((at, share))
    return found


def adjusted(close: Floats, quoted: Mapping[int, float]) -> Floats:
    """Closes times the product of ``1 - dividend / close before`` of all later ex-days, as Yahoo's "Adj Close"
    (https://help.yahoo.com/kb/SLN28256.html)."""
    factors = np.ones(len(close))
    for at, amount in quoted.items():
        factors[at - 1] = 1 - amount / close[at - 1]
    return np.asarray(np.round(close * np.cumprod(factors[::-1])[::-1], 6), dtype=np.float64)


def _rate(company: Company, rates: EcbRates, day: date) -> float:
    """What one unit of the dividends' currency is worth in the prices' unit on ``day``."""
    if company.currency == company.dividend_currency:
        return 1.0
    published = rates.on(rates.latest(day) or rates.days[0])
    return _per_euro(company.currency, published) / _per_euro(company.dividend_currency, published)


def _per_euro(currency: str, published: Mapping[str, str]) -> float:
    if currency == "GBp":
        return 100 * float(published["GBP"])
    return 1.0 if currency == "EUR" else float(published[currency])
