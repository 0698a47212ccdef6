from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import ContractViolation
from marketlake.history import DAYS, days_from_text, days_to_text, history_of, loaded_days, mark_of, years_stored
from marketlake.layout import year_key
from marketlake.markers import Marker, write_marker
from tests.unit.lake import Lake, add_to_history

YEARS = st.sampled_from([2023, 2024])
ETAGS = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(year=YEARS, places=st.dictionaries(st.integers(0, 364), ETAGS))
def test_days_come_back_with_the_mark_of_their_objects(year: int, places: dict[int, str]) -> None:
    etags = {date(year, 1, 1) + timedelta(place): etag for place, etag in places.items()}
    text = days_to_text(year, etags)
    assert days_from_text(year, text) == {day: mark_of(etag) for day, etag in etags.items()}
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    assert len(text) + len(DAYS) <= 2048
    assert text.isascii()


@given(year=YEARS, text=st.text("0123456789abcdef-", max_size=1600))
def test_what_is_not_a_year_of_marks_is_refused(year: int, text: str) -> None:
    if len(text) == len(days_to_text(year, {})):
        return
    with pytest.raises(ValueError, match=f"for each day of {year}"):
        days_from_text(year, text)


def test_the_history_is_that_of_the_window_and_the_dataset(lake: Lake) -> None:
    days = [date(2021, 12, 31), date(2022, 1, 3), date(2022, 12, 30), date(2023, 1, 2)]
    add_to_history(lake.clean, "fx_rates", *days)
    add_to_history(lake.clean, "ftse100_prices", date(2022, 1, 4))
    assert years_stored(lake.clean, "fx_rates") == [2021, 2022, 2023]
    assert sorted(history_of(lake.clean, "fx_rates", days[1], days[2])) == days[1:3]
    assert sorted(history_of(lake.clean, "fx_rates", None, date.max)) == days


def test_a_day_is_loaded_when_it_was_checked_and_is_in_the_history(lake: Lake) -> None:
    checked, held, both = date(2023, 1, 2), date(2023, 1, 3), date(2023, 1, 4)
    for day in (checked, both):
        write_marker(lake.clean, Marker("fx_rates", day, 1, "sha", "etag", 31, 0, "earlier"))
    add_to_history(lake.clean, "fx_rates", held, both)
    assert loaded_days(lake.clean, "fx_rates", checked, both) == {both}


def test_an_object_without_the_metadata_holds_no_day_and_a_damaged_one_is_named(lake: Lake) -> None:
    lake.clean.put(year_key("fx_rates", 2023), b"rows", "x/parquet")
    assert history_of(lake.clean, "fx_rates", None, date.max) == {}
    lake.clean.put(year_key("fx_rates", 2023), b"rows", "x/parquet", metadata={DAYS: "x"})
    with pytest.raises(ContractViolation, match="marketlake restore fx_rates 2023"):
        history_of(lake.clean, "fx_rates", None, date.max)
