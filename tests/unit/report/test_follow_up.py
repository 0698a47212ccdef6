from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import pytest
from msgspec import convert
from msgspec.structs import replace

from marketlake import aliases
from marketlake.aliases import Alias
from marketlake.ledger import Hole, Ledger, Patch, read_ledger, update_ledger
from marketlake.manifest import FetchNotes, write_notes
from marketlake.messages import BatchResult
from marketlake.restatements import Restatement, write_restatements
from report.follow_up import follow_up
from report.handler import handler
from tests.unit.lake import Context, Lake, task_of

NAME = "ftse100_prices"
SPLIT = Restatement(NAME, "VOD.L", "split", 5.0, "2020-01-02", "2023-01-04", True)
DIVIDEND = Restatement(NAME, "BT-A.L", "dividend", 0.98, "2020-01-02", "2023-01-04", False)


class Followed(NamedTuple):
    ledger: Ledger
    lines: list[str]


Noted = tuple[BatchResult, FetchNotes]


def result(days: str = "2023-01-05", dataset: str = NAME, **fields: Any) -> Noted:
    """A batch's result, and what Fetch noted of it: ``failed``, ``silent``, ``missing``."""
    first, _, last = days.partition("/")
    notes = FetchNotes(**{name: fields.pop(name) for name in ("failed", "silent", "missing") if name in fields})
    again = {"datasets": [dataset], "start": first, "end": last or first, **fields.pop("again", {})}
    batch = {"index": 0, "dataset": dataset, "days": [days], "count": 1, "input": again}
    return convert({**batch, **fields}, BatchResult), notes


def after(
    lake: Lake, *noted: Noted, run: str = "run-1", on: int = 5, daily: bool = True, restated: Any = ()
) -> Followed:
    results = [replace(one, index=index) for index, (one, _) in enumerate(noted)]
    notes = {index: one for index, (_, one) in enumerate(noted)}
    dataset = results[0].dataset
    lines = follow_up(lake.clean, dataset, results, notes, restated, run, date(2023, 1, on), daily=daily)
    return Followed(read_ledger(lake.clean, dataset)[0], lines)


def test_a_split_and_what_did_not_come_are_patches_for_the_next_run(lake: Lake) -> None:
    lacking = result("2023-01-04/2023-01-05", failed=["BP.L: HTTP 503", "AZN.L: timeout"])
    found = after(lake, lacking, restated=[SPLIT, DIVIDEND])
    assert found.ledger.patches == [
        Patch(["VOD.L"], date(2020, 1, 2), date(2023, 1, 4), "a split restated its history"),
        Patch(["AZN.L", "BP.L"], date(2023, 1, 4), date(2023, 1, 5), "BP.L: HTTP 503", force=False),
    ]
    assert found.lines == []
    later = after(lake, result("2023-01-03/2023-01-06", recheck=True), run="run-2", on=6)
    assert [patch.symbols for patch in later.ledger.patches] == [["VOD.L"]], "the look-back got the others"
    force = {"symbols": ["VOD.L"], "force": True}
    years = ["2020-01-02/2020-12-31", "2021-01-04/2021-12-31", "2022-01-04/2022-12-30", "2023-01-03/2023-01-04"]
    assert after(lake, *(result(days, again=force) for days in years), run="run-3", on=9).ledger.patches == []


def test_a_patch_names_no_more_symbols_than_an_input_may(lake: Lake) -> None:
    names = [f"S{number:03}.L" for number in range(450)]
    patches = after(lake, result(failed=[f"{name}: HTTP 503" for name in names])).ledger.patches
    assert [len(patch.symbols) for patch in patches] == [200, 200, 50]
    assert [name for patch in patches for name in patch.symbols] == names


def test_a_patch_s_own_batch_that_lacks_again_is_given_up_in_the_end(lake: Lake) -> None:
    after(lake, result(failed=["BP.L: HTTP 503"]))
    own = result(again={"symbols": ["BP.L"]}, failed=["BP.L: HTTP 503"])
    for run in (2, 3):
        assert after(lake, own, run=f"run-{run}").lines == []
    found = after(lake, own, run="run-4")
    assert found.ledger.patches == []
    (line,) = found.lines
    assert line == (
        "ftse100_prices BP.L, 2023-01-05 to 2023-01-05: given up (BP.L: HTTP 503); to try again: "
        "marketlake backfill --symbol BP.L --start 2023-01-05 --end 2023-01-05 --dataset ftse100_prices"
    )
    assert after(lake, own, run="run-5").lines == [], "it is reported once"


def test_a_day_that_never_comes_is_a_hole_on_the_third_evening_and_said_once(lake: Lake) -> None:
    absent = {"Error": "NotYetPublished", "Cause": "late"}
    alone = result("2023-01-03", dataset="ftse100_index", failure={"Fetch": absent})
    # From the second evening on it is asked for quietly: no failure, and no rejected day.
    beside = result("2023-01-03/2023-01-04", dataset="ftse100_index", missing=["2023-01-03"])
    for evening, batch in enumerate((alone, beside), 1):
        assert after(lake, batch, run=f"run-{evening}", on=2 + evening).lines == []
    found = after(lake, beside, run="run-3", on=5)
    (line,) = found.lines
    assert line.startswith("ftse100_index 2023-01-03: yahoo did not have it on 3 evenings")
    assert found.ledger.known_holes == {date(2023, 1, 3)}
    assert after(lake, beside, run="run-4", on=6).lines == []
    assert after(lake, result("2023-01-03", dataset="ftse100_index"), run="run-5").ledger.holes == {}


def test_a_silent_symbol_is_in_the_mail_of_one_run(lake: Lake) -> None:
    text = "AHT.L: HTTP 404 delisted; last bar 2023-01-02"
    quiet = result(silent=[text])
    assert after(lake, quiet).lines == [f"ftse100_prices {text}"]
    assert after(lake, quiet, run="run-2").lines == []
    assert after(lake, result(failed=["BP.L: 503"]), run="run-3").ledger.silent == {}


def test_a_ticker_renamed_later_has_its_history_loaded_under_the_new_name(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = after(lake, result())
    assert (begun.ledger.renamed, begun.ledger.patches) == (["PHNX.L"], [])
    renamed = {
        alias.old: alias for alias in (*aliases.shipped_aliases().values(), Alias("OLD.L", "BP.L", date(2023, 1, 1)))
    }
    monkeypatch.setattr("report.follow_up.shipped_aliases", lambda: renamed)
    (patch,) = after(lake, result(), run="run-2").ledger.patches
    assert (patch.symbols, patch.start, patch.reason) == (["BP.L"], date(2000, 1, 4), "OLD.L was renamed")
    assert len(after(lake, result("2023-01-06"), run="run-3").ledger.patches) == 1


def test_the_run_reports_a_known_hole_as_a_notice_and_does_not_fail(lake: Lake) -> None:
    day = date(2023, 1, 3)
    known = Ledger(holes={day: Hole(2, date(2023, 1, 5))})
    update_ledger(lake.clean, "ftse100_index", "earlier", lambda _: known)
    write_restatements(lake.clean, "run-1", 0, [SPLIT])
    context: Any = Context()
    again = {"datasets": ["ftse100_index"], "start": "2023-01-03", "end": "2023-01-03"}
    batch = {"index": 0, "dataset": "ftse100_index", "days": ["2023-01-03"], "count": 1, "input": again}
    write_notes(lake.clean, "run-1", 0, FetchNotes(missing=["2023-01-03"]))
    event = {
        "task": task_of("Report"), "input": {}, "execution_arn": "arn:aws:states:eu-west-2:1:execution:m:run-1",
        "started": "2023-01-06T20:00:00.000Z", "plan": {"datasets": ["ftse100_index", NAME]},
        "results": [batch], "failure": {},
    }  # fmt: skip
    first = handler(event, context)
    assert (first["failed"], first["notice"]) == (False, True)
    assert "TO KNOW, SAID ONCE\n- ftse100_index 2023-01-03: yahoo did not have it" in first["message"]
    assert first["summary"]["follow_up"]["count"] == 1
    assert handler(event, context) == first, "a Report that runs again says the same"
    assert len(read_ledger(lake.clean, NAME)[0].patches) == 1
