"""Days on which a dataset is published, from the ``holidays`` library.

``london`` is the London Stock Exchange: closed at weekends and on the bank holidays of England and Wales.
``target`` is the euro system's TARGET calendar, on which the ECB publishes its reference rates
(https://www.ecb.europa.eu/ecb/contacts/working-hours/html/index.en.html).
Tests hold both against second sources over 2000 to 2026.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from marketlake.errors import ContractViolation

CALENDARS = ("london", "target")

LONGEST_CLOSURE = timedelta(days=14)
"""No calendar here closes for two weeks, so a fortnight always holds an open day."""


@lru_cache(maxsize=256)
def closing_days(calendar: str, year: int) -> frozenset[date]:
    """Weekdays of ``year`` on which ``calendar`` is closed.

    Raises:
        ContractViolation: the calendar is not in ``CALENDARS``.
    """
    from holidays import country_holidays, financial_holidays

    if calendar == "london":
        return frozenset(country_holidays("GB", subdiv="ENG", years=year))
    if calendar == "target":
        return frozenset(financial_holidays("XECB", years=year))
    raise ContractViolation(f"calendar {calendar!r} is unknown; a contract names one of {', '.join(CALENDARS)}")


def is_trading_day(calendar: str, day: date) -> bool:
    """Whether ``calendar`` is open on ``day``."""
    return day.weekday() < 5 and day not in closing_days(calendar, day.year)


def trading_days(calendar: str, start: date, end: date) -> list[date]:
    """Open days of ``calendar`` from ``start`` to ``end``, both included, ascending."""
    span = (end - start).days + 1
    days = (start + timedelta(days=offset) for offset in range(max(span, 0)))
    return [day for day in days if is_trading_day(calendar, day)]
