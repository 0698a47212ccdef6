from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from infra.client.lake import Inventory, take_inventory
from infra.client.target import Target
from infra.console.days import Calendars, calendar_of

Store = Callable[..., None]


def marks(target: Target, first: str, last: str) -> str:
    inventory = take_inventory(target, "fx_rates", None, date.fromisoformat(last))
    years: dict[str, str] = {year["year"]: year["days"] for year in calendar_of(inventory)["years"]}
    start = date.fromisoformat(first).timetuple().tm_yday - 1
    return years[first[:4]][start : date.fromisoformat(last).timetuple().tm_yday]


def test_each_day_has_its_mark(target: Target, store: Store) -> None:
    # Monday 22 December to Wednesday 31; TARGET is closed on the 25th and 26th, and at weekends.
    store("fx_rates", date(2025, 12, 22), clean=False)  # it expired
    store("fx_rates", date(2025, 12, 23), marker=False)
    store("fx_rates", date(2025, 12, 24), history=False)
    store("fx_rates", date(2025, 12, 26))
    store("fx_rates", date(2025, 12, 31))
    assert marks(target, "2025-12-21", "2025-12-31") == ".cul-x--mmc"


def test_a_year_has_all_its_days_and_starts_with_the_first_stored(target: Target, store: Store) -> None:
    store("fx_rates", date(2024, 2, 29))
    inventory = take_inventory(target, "fx_rates", None, date(2025, 1, 2))
    found = calendar_of(inventory)
    assert [(year["year"], len(year["days"])) for year in found["years"]] == [("2025", 365), ("2024", 366)]
    leap = found["years"][1]["days"]
    assert (leap[:59], leap[59]) == ("." * 59, "c")
    assert (found["first"], found["last"], found["complete"]) == (date(2024, 2, 29), date(2025, 1, 2), 1)
    assert found["missing"] == sum(year["days"].count("m") for year in found["years"])


def test_one_day_alone_has_no_gap(target: Target, store: Store) -> None:
    store("fx_rates", date(2025, 12, 22))
    found = calendar_of(take_inventory(target, "fx_rates", None, date(2025, 12, 22)))
    assert (found["due"], found["missing"], found["years"][0]["missing_days"]) == (1, 0, [])


def test_a_day_off_the_calendar_alone_breaks_nothing(target: Target, store: Store) -> None:
    store("fx_rates", date(2025, 12, 25))
    found = calendar_of(take_inventory(target, "fx_rates", None, date(2025, 12, 26)))
    assert (found["due"], found["unexpected"], found["years"]) == (0, 1, [])


def test_the_lake_is_listed_once_a_pause(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    now, looked = [0.0], list[str]()

    def take(target: Target, name: str, start: None, end: None) -> Inventory:
        looked.append(name)
        return take_inventory(target, name, start, end)

    monkeypatch.setattr("infra.console.days.take_inventory", take)
    calendars = Calendars(target, lambda: now[0])
    for _ in range(3):
        calendars.document()
    assert len(looked) == len(set(looked))
    now[0] += 60
    calendars.document()
    assert len(looked) == 2 * len(set(looked))
