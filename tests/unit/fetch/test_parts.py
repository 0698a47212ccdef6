"""A pass in parts: the batches get what one pass would have given them, or fail; nothing in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fetch import handler as fetch_handler
from marketlake.errors import NotYetPublished, PartFailed, UpstreamThrottled
from marketlake.manifest import manifest_keys, read_notes
from tests.unit.fetch.test_passes import NEWER, OLDER, STARTED, WINDOW, History, stored
from tests.unit.fetch.test_passes import source as source  # noqa: PLC0414 - a fixture
from tests.unit.lake import PRICES, SHORT_LIST, TEN, Context, Lake, batch_of, task_of

STATES = "raw/ftse100_prices/passes/execution=run-1/all/"
THIRDS = [["A.L", "B.L", "C.L"], ["D.L", "E.L", "F.L"], ["G.L", "H.L", "I.L", "J.L"]]


def make(number: int, retry: int = 0, awaited: Sequence[str] = (), of: int = 3) -> dict[str, Any]:
    context: Any = Context()
    part = {"dataset": PRICES.name, "window": WINDOW, "number": number, "of": of, "awaited": list(awaited)}
    event = {"task": task_of("FetchPart", retry=retry), "part": part, "started": STARTED}
    return fetch_handler.handler({**event, "entered": fetch_handler.now().isoformat()}, context)


def fetch(days: Sequence[str], index: int, parts: int = 3, **more: Any) -> dict[str, Any]:
    context: Any = Context()
    batch = batch_of(PRICES, days, window=WINDOW if parts else "", parts=parts, **more)
    event = {"task": task_of("Fetch", index=index), "batch": batch, "started": STARTED, "entered": STARTED}
    return fetch_handler.handler(event, context)


def test_a_part_asks_for_its_share_and_the_batches_store_what_one_pass_would_have_given_them(
    lake: Lake, source: History
) -> None:
    source.failed = {"E.L": "status 503"}
    alone = [fetch(days, index, parts=0) for index, days in enumerate((OLDER, NEWER))]
    expected = stored(lake)
    for key in expected:
        lake.client.delete_object(Bucket=(lake.raw if key.startswith("raw/") else lake.clean).name, Key=key)
    source.asked.clear()
    answers = [make(number) for number in (1, 2, 3)]
    assert [request.symbols for request in source.asked] == THIRDS
    assert [answer["symbols"] for answer in answers] == [3, 3, 4]
    assert [fetch(days, index) for index, days in enumerate((OLDER, NEWER))] == alone
    assert len(source.asked) == 3
    assert stored(lake) == expected
    assert read_notes(lake.clean, manifest_keys(lake.clean, "run-1"))[0].failed == ["E.L: status 503"]


@pytest.mark.usefixtures("source")
def test_a_batch_reads_the_files_of_its_months_alone(lake: Lake) -> None:
    for number in (1, 2, 3):
        make(number)
    files = {key.removeprefix(STATES) for key in lake.everything() if key.startswith(STATES)}
    months = {f"part-{number}.0/{month}.csv" for number in (1, 2, 3) for month in ("2022-11", "2022-12", "2023-01")}
    assert files == months | {f"part-{number}.json" for number in (1, 2, 3)}
    for number in (1, 2, 3):
        lake.client.delete_object(Bucket=lake.raw.name, Key=f"{STATES}part-{number}.0/2023-01.csv")
    assert fetch(OLDER, 0)["stored"] == 2
    with pytest.raises(Exception, match="2023-01"):
        fetch(NEWER, 1)


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("lost", ["part-1.json", "part-2.json", "part-3.json"])
def test_a_batch_does_not_go_on_without_a_part(lake: Lake, lost: str) -> None:
    for number in (1, 2, 3):
        make(number)
    lake.client.delete_object(Bucket=lake.raw.name, Key=STATES + lost)
    with pytest.raises(PartFailed, match=rf"part {lost[5]} of 3 of the pass failed: its function was stopped"):
        fetch(NEWER, 0)
    assert not [key for key in stored(lake) if key.endswith("prices.csv")]


def test_a_part_that_failed_is_asked_for_again_and_then_fails_the_batches_by_its_class(source: History) -> None:
    make(1)
    source.errors = [UpstreamThrottled("429, wait an hour"), UpstreamThrottled("429, wait an hour")]
    for retry in (0, 1):
        with pytest.raises(UpstreamThrottled):
            make(2, retry)
    assert make(3) == {"symbols": 0, "done": False}
    assert [request.symbols for request in source.asked] == [*THIRDS[:2], THIRDS[1]]
    with pytest.raises(PartFailed, match="part 2 of 3 of the pass failed: UpstreamThrottled: 429, wait an hour"):
        fetch(NEWER, 0)


@pytest.mark.usefixtures("source")
def test_after_a_retry_all_is_well_and_no_file_of_the_attempt_before_is_read(lake: Lake) -> None:
    make(1)
    make(2)
    key = f"{STATES}part-2.0/2023-01.csv"
    lake.raw.put(key, lake.raw.get(key).body.replace(b"D.L", b"X.L"), "text/csv")  # half of an answer
    make(2, retry=1)
    make(3)
    fetch(NEWER, 0)
    assert lake.raw.get("raw/ftse100_prices/dt=2023-01-05/prices.csv").body.count(b"D.L") == 1


@pytest.mark.usefixtures("source")
def test_a_list_that_grew_meanwhile_is_no_complete_day(lake: Lake) -> None:
    for number in (1, 2, 3):
        make(number)
    lake.list_symbols("constituents.csv", SHORT_LIST + b"NEW.L,2000-01-01,\n")
    with pytest.raises(PartFailed, match=r"no part of the pass asked for 1 symbols, such as NEW\.L"):
        fetch(NEWER, 0)


def test_failed_symbols_of_all_parts_are_counted_together(source: History) -> None:
    source.failed = dict.fromkeys(["A.L", "D.L", "G.L"], "status 503")
    for number in (1, 2, 3):
        make(number)
    assert fetch(OLDER, 0)["stored"] == 2  # three may fail in a short list
    source.failed["H.L"] = "status 503"
    make(3, retry=1)
    with pytest.raises(PartFailed, match=r"yahoo failed for 4 of 10 symbols.* A\.L: status 503"):
        fetch(NEWER, 1)


def test_the_first_part_alone_waits_for_late_days_and_what_came_is_stored(
    source: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "last", PRICES.days_up_to(source.last, 2)[0])
    with pytest.raises(NotYetPublished, match="2023-01-06"):
        make(1, awaited=NEWER)
    monkeypatch.setenv("PUBLICATION_PATIENCE_SECONDS", "0")
    make(1, 1, awaited=NEWER)
    make(2)
    make(3)
    answer = fetch(NEWER, 0)
    assert (answer["stored"], answer["late"]) == (3, ["2023-01-06"])
    # Nothing but late days: no attempt of a batch asks the source, so it is not to be called again.
    assert fetch(["2023-01-06"], 1)["late"] == ["2023-01-06"]


def test_a_symbol_that_one_part_lacks_is_judged_with_all_others(source: History) -> None:
    source.symbols = [symbol for symbol in TEN if symbol not in THIRDS[0]]
    for number in (1, 2, 3):
        make(number, awaited=NEWER if number == 2 else [])
    # Seven of ten are too few of a recent day, whichever part lacks the others.
    assert fetch(NEWER, 0)["late"] == NEWER
