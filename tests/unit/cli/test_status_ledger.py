from __future__ import annotations

from datetime import date

from infra.cli.status import _later
from marketlake.ledger import Hole, Ledger, Patch, Silent


def test_the_status_says_what_later_runs_do_and_leave() -> None:
    day = date(2023, 1, 3)
    ledger = Ledger(
        patches=[Patch(["VOD.L"], day, day, "a split restated its history")],
        holes={day: Hole(3, day, "run"), date(2023, 1, 4): Hole(1, day)},
        silent={name: Silent("404", "run") for name in ("D.L", "C.L", "B.L", "A.L")},
    )
    assert _later(ledger) == (
        "1 to load again: VOD.L (a split restated its history); 1 known holes: 2023-01-03; 4 silent: A.L, B.L, C.L ..."
    )
    assert _later(Ledger()) == ""
