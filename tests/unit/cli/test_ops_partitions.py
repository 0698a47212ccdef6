from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.unit.cli.conftest import Command

Store = Callable[..., None]
RATES = ("partitions", "fx_rates", "--start", "2025-12-22", "--end", "2026-01-05")
# TARGET days: 22, 23, 24, 29, 30, 31 December; 2 and 5 January.
DAYS = [date(2025, 12, day) for day in (22, 23, 24, 29, 30, 31)] + [date(2026, 1, 2), date(2026, 1, 5)]


def test_nothing_is_missing_where_each_day_of_the_calendar_is_checked_and_in_the_history(
    command: Command, store: Store
) -> None:
    for day in DAYS:
        store("fx_rates", day)
    records = command(*RATES, "--json").document

    assert [(r["year"], r["due"], r["complete"], r["missing"], r["missing_days"]) for r in records] == [
        ("2025", 6, 6, 0, []),
        ("2026", 2, 2, 0, []),
    ]
    assert "backfill" not in command(*RATES).out


def test_gaps_are_shown_as_day_ranges_of_the_calendar(command: Command, store: Store) -> None:
    for day in (DAYS[0], DAYS[5], DAYS[7]):
        store("fx_rates", day)
    records = command(*RATES, "--json").document

    assert [r["missing_days"] for r in records] == [["2025-12-23/2025-12-30"], ["2026-01-02"]]
    printed = command(*RATES)
    assert "2025-12-23 to 2025-12-30" in printed.out
    assert "marketlake backfill --start 2025-12-23 --end 2026-01-02 --dataset fx_rates" in printed.out
    assert printed.status == 0


def test_a_day_whose_object_by_day_expired_is_complete(command: Command, store: Store) -> None:
    for day in DAYS:
        store("fx_rates", day, clean=day > DAYS[3])
    record = command(*RATES, "--json").document[0]

    assert (record["due"], record["complete"], record["by_day"], record["in_history"]) == (6, 6, 2, 6)
    assert (record["missing"], record["unchecked"], record["lost"], record["missing_days"]) == (0, 0, 0, [])
    assert "marketlake" not in command(*RATES).out


def test_a_day_without_marker_is_missing_and_one_that_left_the_history_is_lost(command: Command, store: Store) -> None:
    for day in DAYS[2:]:
        store("fx_rates", day)
    store("fx_rates", DAYS[0], marker=False)
    store("fx_rates", DAYS[1], history=False)
    record = command(*RATES, "--json").document[0]

    assert (record["complete"], record["missing"], record["unchecked"], record["lost"]) == (4, 2, 1, 1)
    assert record["missing_days"] == ["2025-12-22/2025-12-23"]
    out = command(*RATES).out
    assert "1 days are written but not checked" in out
    assert "marketlake restore fx_rates 2025; else load what is missing" in out
    assert "marketlake backfill --start 2025-12-22 --end 2025-12-23 --dataset fx_rates" in out


def test_data_on_a_closing_day_is_named(command: Command, store: Store) -> None:
    for day in [*DAYS, date(2025, 12, 25)]:
        store("fx_rates", day)
    assert command(*RATES, "--json").document[0]["unexpected"] == 1
    assert "2025-12-25" in command(*RATES).out


def test_without_a_window_it_starts_with_the_first_day_stored_and_ends_with_the_last_due(
    command: Command, store: Store
) -> None:
    store("fx_rates", date(2026, 1, 2))
    records = command("partitions", "fx_rates", "--json").document

    assert records[0]["year"] == "2026"
    assert sum(r["complete"] for r in records) == 1
    assert records[0]["missing_days"][0].startswith("2026-01-05")


def test_an_empty_lake_is_not_an_error(command: Command) -> None:
    printed = command("partitions")
    assert printed.status == 0
    assert "no day is stored yet" in printed.out
    assert command("partitions", "--json").document == []


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["--start", "yesterday"], ["--start", "2026-01-02", "--end", "2026-01-01"]]
)
def test_bad_arguments_exit_2(command: Command, arguments: list[str]) -> None:
    printed = command("partitions", *arguments)
    assert printed.status == 2
    assert "marketlake:" in printed.err
