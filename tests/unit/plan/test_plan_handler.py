from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from marketlake.errors import ContractViolation, InvalidRequest
from marketlake.intervals import from_intervals
from marketlake.ledger import Hole, Ledger, Patch, update_ledger
from marketlake.markers import Marker, write_marker
from plan.batches import MAX_PATCH_BATCHES
from plan.handler import handler
from tests.unit.lake import RATES, Context, Lake, add_to_history, task_of

pytestmark = pytest.mark.usefixtures("lake")

MARKER = Marker("fx_rates", date(2023, 1, 3), 1, "r", "c", 31, 0, "earlier")


def plan(document: object, started: str = "2023-01-06T20:00:00.000Z", execution: str = "run-1") -> dict[str, Any]:
    context: Any = Context()
    return handler({"task": task_of("Plan", execution), "input": document, "started": started}, context)


def test_a_daily_run_on_an_empty_lake_plans_a_week_of_each_dataset(lake: Lake) -> None:
    planned = plan({})
    assert [(b["dataset"], b["days"], b["recheck"]) for b in planned["batches"]] == [
        ("ftse100_index", ["2022-12-30"], False),
        ("ftse100_index", ["2023-01-03/2023-01-06"], False),
        ("ftse100_prices", ["2022-12-30"], False),
        ("ftse100_prices", ["2023-01-03/2023-01-06"], False),
        ("fx_rates", ["2022-12-30"], False),
        ("fx_rates", ["2023-01-02/2023-01-06"], False),
    ]
    assert planned["summary"] == {
        "datasets": ["ftse100_index", "ftse100_prices", "fx_rates"],
        "days_due": 5 + 5 + 6,
        "days_done": 0,
        "days_planned": 16,
        "batches": 6,
        "started_already": "",
    }
    assert lake.everything() == {}, "Plan writes nothing"


def test_days_that_are_done_are_left_out_of_a_backfill(lake: Lake) -> None:
    write_marker(lake.clean, MARKER)
    add_to_history(lake.clean, "fx_rates", MARKER.dt)
    planned = plan({"datasets": ["fx_rates"], "start": "2023-01-02", "end": "2023-01-05"})
    (batch,) = planned["batches"]
    assert from_intervals(RATES, batch["days"]) == [date(2023, 1, 2), date(2023, 1, 4), date(2023, 1, 5)]
    assert (planned["summary"]["days_due"], planned["summary"]["days_done"]) == (4, 1)


def test_a_daily_run_looks_again_at_days_that_are_done(lake: Lake) -> None:
    for day in (2, 3, 4):
        write_marker(lake.clean, replace(MARKER, dt=date(2023, 1, day)))
        add_to_history(lake.clean, "fx_rates", date(2023, 1, day))
    planned = plan({"datasets": ["fx_rates"]})
    assert [(b["days"], b["recheck"]) for b in planned["batches"]] == [
        (["2022-12-30"], False),
        (["2023-01-05/2023-01-06"], False),
        (["2023-01-02/2023-01-04"], True),
    ]
    assert planned["batches"][-1]["input"]["force"] is True


def test_the_schedules_own_time_decides_and_not_the_late_start() -> None:
    document = {"scheduled_time": "2023-01-04T18:45:00Z"}
    assert plan(document) == plan(document, started="2023-01-06T23:00:00Z")
    assert plan(document)["batches"][-1]["input"]["end"] == "2023-01-04"


def test_the_run_of_the_morning_ends_with_the_day_before(lake: Lake) -> None:
    """06:30 in London on Saturday, in summer and in winter: Friday is the last day due, loaded in the evening."""
    for at, friday in (("2023-01-07T06:30:00Z", date(2023, 1, 6)), ("2023-07-08T05:30:00Z", date(2023, 7, 7))):
        planned = plan(
            {"datasets": ["fx_rates", "ftse100_prices"], "scheduled_time": at, "trigger": "schedule"}, started=at
        )
        last = {batch["dataset"]: batch["days"][-1][-10:] for batch in planned["batches"]}
        assert last == dict.fromkeys(("fx_rates", "ftse100_prices"), f"{friday}")
    write_marker(lake.clean, replace(MARKER, dt=friday))
    add_to_history(lake.clean, "fx_rates", friday)
    batches = plan({"datasets": ["fx_rates"], "scheduled_time": at}, started=at)["batches"]
    assert [batch["days"] for batch in batches if batch["recheck"]] == [[f"{friday}"]]


SCHEDULED = {"scheduled_time": "2023-01-06T18:45:00Z", "trigger": "schedule"}


def test_a_scheduled_start_that_comes_twice_runs_once() -> None:
    first = plan(SCHEDULED, execution="first")
    assert first["summary"]["batches"] == 6
    second = plan(SCHEDULED, execution="second")
    assert second["batches"] == []
    assert second["summary"] == {
        "datasets": ["ftse100_index", "ftse100_prices", "fx_rates"],
        "days_due": 0,
        "days_done": 0,
        "days_planned": 0,
        "batches": 0,
        "started_already": "first",
    }
    assert plan(SCHEDULED, execution="first") == first, "another attempt of the same execution goes on"


@pytest.mark.parametrize(
    "other", [{"datasets": ["fx_rates"]}, {"scheduled_time": "2023-01-05T18:45:00Z"}, {"trigger": None}]
)
def test_another_start_is_no_second_one(other: dict[str, Any]) -> None:
    plan(SCHEDULED, execution="first")
    assert plan({**SCHEDULED, **other}, execution="second")["batches"]


def test_a_window_without_days_plans_nothing() -> None:
    planned = plan({"start": "2022-12-26", "end": "2022-12-26"})
    assert planned["batches"] == []
    assert planned["summary"]["days_due"] == 0


def test_the_users_own_list_says_which_symbols_there_are(lake: Lake) -> None:
    lake.list_symbols("constituents.csv", b"ticker,valid_from,valid_to\nMINE.L,2000-01-01,\n")
    assert plan({"symbols": ["MINE.L"]})["batches"][0]["symbols"] == ["MINE.L"]
    with pytest.raises(InvalidRequest, match=r"'BP\.L'.*MINE\.L"):
        plan({"symbols": ["BP.L"]})


def test_bad_input_is_refused_and_nothing_is_written(lake: Lake) -> None:
    with pytest.raises(InvalidRequest, match=r"^'begin' is not a key of the input; accepted are datasets"):
        plan({"begin": "2023-01-02"})
    assert lake.everything() == {}


def test_on_replay_the_last_known_day_is_the_last_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAST_KNOWN_DAY", "2022-12-30")
    assert plan({"datasets": ["fx_rates"]})["batches"][0]["input"]["end"] == "2022-12-30"
    with pytest.raises(InvalidRequest, match="2022-12-30 or earlier"):
        plan({"end": "2023-01-02"})
    monkeypatch.setenv("LAST_KNOWN_DAY", "soon")
    with pytest.raises(ContractViolation, match="LAST_KNOWN_DAY='soon'"):
        plan({})


def test_some_symbols_are_planned_for_the_days_that_are_there(lake: Lake) -> None:
    for day in (3, 5):
        write_marker(lake.clean, replace(MARKER, dt=date(2023, 1, day)))
        add_to_history(lake.clean, "fx_rates", date(2023, 1, day))
    asked = {"start": "2023-01-02", "end": "2023-01-06", "symbols": ["USD"], "force": True}
    (batch,) = plan(asked)["batches"]
    assert from_intervals(RATES, batch["days"]) == [date(2023, 1, 3), date(2023, 1, 5)]
    (batch,) = plan({**asked, "start": "2023-01-04", "end": "2023-01-04"})["batches"]
    assert batch["days"] == ["2023-01-04"], "which then says that the day has to be loaded first"


def loaded(lake: Lake, dataset: str, *days: date) -> None:
    for day in days:
        write_marker(lake.clean, replace(MARKER, dataset=dataset, dt=day))
        add_to_history(lake.clean, dataset, day)


PATCH = Patch(["BP.L"], date(2021, 12, 30), date(2022, 1, 5), "a split restated its history")


def test_a_daily_run_loads_the_patches_of_the_ledger_after_all_else(lake: Lake) -> None:
    loaded(lake, "ftse100_prices", date(2021, 12, 30), date(2021, 12, 31), date(2022, 1, 4))
    update_ledger(lake.clean, "ftse100_prices", "earlier", lambda _: Ledger(patches=[PATCH]))
    planned = plan({"datasets": ["ftse100_prices"]})["batches"]
    assert [(b["days"], b["symbols"], b["input"].get("force", False)) for b in planned] == [
        (["2022-12-30"], [], False),
        (["2023-01-03/2023-01-06"], [], False),
        (["2021-12-30/2021-12-31"], ["BP.L"], True),
        (["2022-01-04"], ["BP.L"], True),
    ]
    backfill = plan({"datasets": ["ftse100_prices"], "start": "2023-01-03"})["batches"]
    assert [b["symbols"] for b in backfill] == [[]]


def test_patches_are_bounded_a_run_and_the_oldest_come_first(lake: Lake) -> None:
    years = range(2000, 2023)
    loaded(lake, "ftse100_prices", *(date(year, 6, 1 + (date(year, 6, 1).weekday() > 4) * 2) for year in years))
    patches = [replace(PATCH, symbols=[name], start=date(2000, 1, 4)) for name in ("BP.L", "AZN.L")]
    patches = [replace(patch, end=date(2022, 12, 30)) for patch in patches]
    update_ledger(lake.clean, "ftse100_prices", "earlier", lambda _: Ledger(patches=patches))
    own = [b for b in plan({"datasets": ["ftse100_prices"]})["batches"] if b["symbols"]]
    assert len(own) == MAX_PATCH_BATCHES
    assert [b["symbols"] for b in own[:2]] == [["BP.L"]] * 2
    assert own[-1]["symbols"] == ["AZN.L"]


def test_a_known_hole_is_asked_for_by_nobody_but_a_person(lake: Lake) -> None:
    hole = Hole(3, date(2023, 1, 5), "earlier")
    ledger = Ledger(holes={date(2023, 1, 4): hole, date(2023, 1, 5): Hole(2, date(2023, 1, 5))})
    update_ledger(lake.clean, "fx_rates", "earlier", lambda _: ledger)
    daily = plan({"datasets": ["fx_rates"]})["batches"]
    asked = [day for batch in daily for day in from_intervals(RATES, batch["days"])]
    assert date(2023, 1, 4) not in asked
    assert date(2023, 1, 5) in asked
    (by_hand,) = plan({"datasets": ["fx_rates"], "start": "2023-01-04", "end": "2023-01-04"})["batches"]
    assert by_hand["days"] == ["2023-01-04"]


def test_the_old_name_of_a_renamed_ticker_means_the_new_one() -> None:
    planned = plan({"symbols": ["PHNX.L"], "start": "2023-01-03", "end": "2023-01-04"})
    assert planned["batches"][0]["symbols"] == ["SDLF.L"]


def preview(document: object) -> dict[str, Any]:
    context: Any = Context()
    event = {"task": task_of("Plan"), "input": document, "started": "2023-01-06T20:00:00.000Z", "preview": True}
    return handler(event, context)


@pytest.mark.parametrize("document", [{}, {"start": "2021-12-01", "end": "2022-01-31"}, {"symbols": ["BP.L"]}])
def test_a_preview_is_the_plan_of_each_dataset(lake: Lake, document: dict[str, Any]) -> None:
    loaded(lake, "ftse100_prices", date(2021, 12, 30), date(2023, 1, 4))
    shown, planned = preview(document), plan(document)
    assert (shown["batches"], shown["summary"]) == (planned["batches"], planned["summary"])
    parts = {part["dataset"]: part for part in shown["datasets"]}
    assert list(parts) == planned["summary"]["datasets"]
    for count in ("days_due", "days_done"):
        assert sum(part[count] for part in parts.values()) == planned["summary"][count]
    assert parts["ftse100_prices"]["days_done"] == 1


def test_a_preview_counts_a_chart_a_symbol_and_pass_and_a_request_a_batch_of_rates(lake: Lake) -> None:
    lake.list_symbols("constituents.csv", b"ticker,valid_from,valid_to\nA.L,2000-01-01,2021-06-30\nB.L,2000-01-01,\n")
    loaded(lake, "ftse100_prices", date(2021, 1, 4), date(2022, 1, 4))
    update_ledger(lake.clean, "ftse100_prices", "earlier", lambda _: Ledger(patches=[PATCH]))
    two_years = {"start": "2021-01-01", "end": "2022-12-30"}

    def requests(**document: Any) -> dict[str, int]:
        return {part["dataset"]: part["source_requests"] for part in preview(document)["datasets"]}

    assert requests(**two_years) == {"ftse100_index": 1, "ftse100_prices": 2, "fx_rates": 2}, "one pass for both years"
    assert requests(start="2022-01-03", end="2022-12-30") == {"ftse100_index": 1, "ftse100_prices": 1, "fx_rates": 1}
    assert requests(**two_years, symbols=["A.L"]) == {"ftse100_prices": 1}
    assert requests(start="2023-01-02", end="2023-01-02") == {"ftse100_index": 0, "ftse100_prices": 0, "fx_rates": 1}
    hole = Ledger(holes={date(2023, 1, 4): Hole(1, date(2023, 1, 5))})
    update_ledger(lake.clean, "fx_rates", "earlier", lambda _: hole)
    assert requests(datasets=["fx_rates"]) == {"fx_rates": 1 + 2}, "Frankfurter is asked for what the ECB lacked"


def test_a_preview_writes_nothing_and_answers_with_a_refusal(lake: Lake) -> None:
    assert preview(SCHEDULED)["summary"]["batches"] == 6
    refused = preview({"begin": "2023-01-02"})
    assert lake.everything() == {}
    assert plan(SCHEDULED)["summary"]["batches"] == 6, "the start was not claimed"
    assert refused["refusal"].startswith("'begin' is not a key of the input")
    assert refused["batches"] == []
