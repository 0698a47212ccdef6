"""The handler, with a source that answers what a test wants.

The source is a fake here: what is tested is what Fetch decides about an answer. The real sources, with the
real yfinance and HTTP client, are tested against the replay server in ``fetch_sources``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from fetch import handler as fetch_handler
from fetch.sources import Addresses, source_of
from fetch.sources.base import FetchedDays, FetchRequest
from marketlake.contract import Contract
from marketlake.errors import (
    ContractViolation,
    InvalidRequest,
    MarketlakeError,
    NotYetPublished,
    UpstreamMalformed,
    UpstreamThrottled,
)
from marketlake.manifest import FetchNotes, manifest_keys, read_notes
from tests.unit.lake import PRICES, RATES, SHORT_LIST, TEN, Context, Lake, batch_of, task_of

pytestmark = pytest.mark.usefixtures("source")

DAYS = [date(2023, 1, day) for day in (3, 4, 5, 6)]
BATCH = batch_of(PRICES, ["2023-01-03/2023-01-06"])


class FakeSource:
    """Answers with ``answer`` and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer = FetchedDays()
        self.error: Exception | None = None
        self.asked: list[FetchRequest] = []
        self.made_for: tuple[object, ...] = ()

    def fetch(self, request: FetchRequest) -> FetchedDays:
        self.asked.append(request)
        if self.error:
            raise self.error
        return self.answer

    def has(self, days: list[date], rows: int = 10) -> None:
        self.answer = FetchedDays(
            days={day: f"{day}".encode() for day in days}, rows=dict.fromkeys(days, rows), before=b"before"
        )


@pytest.fixture
def source(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    lake.list_symbols("constituents.csv", SHORT_LIST)
    fake = FakeSource()

    def make(contract: Contract, *settings: object) -> FakeSource:
        fake.made_for = (contract.source, *settings)
        return fake

    monkeypatch.setattr(fetch_handler, "source_of", make)
    return fake


def fetch(
    batch: dict[str, Any] = BATCH, started: str = "2023-01-06T19:00:00Z", retry: int = 0, waited: float = 0.0
) -> dict[str, Any]:
    """What Fetch answers ``waited`` minutes after the batch came to it; the execution had started hours before."""
    context: Any = Context()
    entered = fetch_handler.now() - timedelta(minutes=waited)
    event = {"task": task_of("Fetch", retry=retry), "batch": batch, "started": started, "entered": entered.isoformat()}
    return fetch_handler.handler(event, context)


def test_a_complete_answer_is_stored_day_by_day(lake: Lake, source: FakeSource) -> None:
    source.has(DAYS)
    source.answer.missing_symbols = {"J.L": "no bars", "A.L": "not found"}
    assert fetch() == {
        "days": ["2023-01-03/2023-01-06"],
        "stored": 4,
        "late": [],
        "holes": [],
        "before": True,
        "missing_symbols": ["A.L: not found", "J.L: no bars"],
    }
    assert lake.everything() == {
        "raw/ftse100_prices/before/dt=2023-01-03/prices.csv": b"before",
        **{f"raw/ftse100_prices/dt={day}/prices.csv": f"{day}".encode() for day in DAYS},
    }
    assert source.made_for == (
        "yahoo",
        Addresses("https://yahoo.invalid", "https://ecb.invalid/service", "https://frankfurter.invalid/v1"),
        "EUR",
    )


def test_the_source_is_asked_once_for_the_symbols_listed_in_the_window_and_some_days_before(
    lake: Lake, source: FakeSource
) -> None:
    lake.list_symbols("constituents.csv", SHORT_LIST + b"OLD.L,2000-01-01,2023-01-02\nNEW.L,2023-01-06,\n")
    source.has(DAYS)
    fetch()
    (request,) = source.asked
    assert request.symbols == sorted([*TEN, "NEW.L"])
    assert list(request.days) == DAYS
    assert (request.start, request.end) == (date(2022, 12, 4), DAYS[-1])


def test_a_source_that_lists_its_own_symbols_is_asked_for_all(source: FakeSource) -> None:
    source.has(DAYS, rows=30)
    fetch(batch_of(RATES, ["2023-01-03/2023-01-06"]))
    assert source.asked[0].symbols == []
    fetch(batch_of(RATES, ["2023-01-03/2023-01-06"], ["USD", "BP.L"]))
    assert source.asked[1].symbols == ["USD"]


def test_symbols_that_are_not_listed_then_are_refused_and_never_mean_all(lake: Lake, source: FakeSource) -> None:
    source.has(DAYS)
    with pytest.raises(InvalidRequest, match="none of the symbols is listed on any day from 2023-01-03 to 2023-01-06"):
        fetch(batch_of(RATES, ["2023-01-03/2023-01-06"], ["EEK"]))
    assert source.asked == []
    assert lake.everything() == {}


def test_some_symbols_alone_go_to_a_key_of_their_own(lake: Lake, source: FakeSource) -> None:
    source.has(DAYS[:1], rows=1)
    fetch(batch_of(PRICES, ["2023-01-03"], ["A.L"]))
    assert source.asked[0].symbols == ["A.L"]
    keys = [key for key in lake.everything() if "/before/" not in key]
    assert [key.rpartition("/")[2][:8] for key in keys] == ["symbols-"]


def test_what_came_is_kept_while_the_rest_is_waited_for(lake: Lake, source: FakeSource) -> None:
    source.has(DAYS[:3])
    with pytest.raises(NotYetPublished, match="yahoo does not have 2023-01-06 yet"):
        fetch(waited=43)
    assert sum("/dt=2023-01-0" in key and "/before/" not in key for key in lake.everything()) == 3


def test_after_the_last_wait_the_late_days_are_reported_and_the_batch_goes_on(source: FakeSource) -> None:
    source.has(DAYS[:3])
    found = fetch(waited=45)
    assert (found["days"], found["late"], found["holes"]) == (["2023-01-03/2023-01-05"], ["2023-01-06"], [])


def test_retries_after_other_errors_do_not_shorten_the_wait(source: FakeSource) -> None:
    """Step Functions counts the retries of all retriers together: six faults of the Lambda service take seconds."""
    source.has(DAYS[:3])
    with pytest.raises(NotYetPublished):
        fetch(retry=6, waited=1)


def test_an_execution_that_does_not_say_when_the_batch_came_waits_from_its_own_start(source: FakeSource) -> None:
    source.has(DAYS[:3])
    context: Any = Context()
    event = {"task": task_of("Fetch"), "batch": BATCH, "started": "2023-01-06T19:00:00Z"}
    assert fetch_handler.handler(event, context)["late"] == ["2023-01-06"]


@pytest.mark.parametrize("rows", [10, 3])
def test_a_day_that_the_lake_has_is_neither_late_nor_a_hole(lake: Lake, source: FakeSource, rows: int) -> None:
    source.has(DAYS[:1] + DAYS[2:3], rows=rows)
    found = fetch({**BATCH, "recheck": True})
    assert (found["days"], found["late"], found["holes"]) == (["2023-01-03", "2023-01-05"], [], [])
    assert sum("/dt=2023-01-0" in key and "/before/" not in key for key in lake.everything()) == 2


def test_an_answer_without_any_of_the_days_that_the_lake_has_is_no_failure(lake: Lake) -> None:
    found = fetch({**BATCH, "recheck": True})
    assert (found["days"], found["stored"], found["late"], found["holes"]) == ([], 0, [], [])
    assert lake.everything() == {}


def test_a_day_with_too_few_symbols_is_not_stored_while_it_is_fresh(lake: Lake, source: FakeSource) -> None:
    source.has(DAYS)
    source.answer.rows[DAYS[3]] = 3
    assert fetch(waited=45)["late"] == ["2023-01-06"]
    assert "raw/ftse100_prices/dt=2023-01-06/prices.csv" not in lake.everything()


def test_old_holes_do_not_hold_up_the_days_around_them(source: FakeSource) -> None:
    source.has([DAYS[0], DAYS[2], DAYS[3]])
    found = fetch(started="2023-03-01T19:00:00Z")
    assert (found["days"], found["holes"]) == (["2023-01-03", "2023-01-05/2023-01-06"], ["2023-01-04"])


def test_an_answer_of_nothing_but_holes_is_reported_day_by_day(lake: Lake) -> None:
    assert fetch(started="2023-03-01T19:00:00Z", retry=2) == {
        "days": [],
        "stored": 0,
        "late": [],
        "holes": ["2023-01-03/2023-01-06"],
        "before": False,
        "missing_symbols": [],
    }
    assert read_notes(lake.clean, manifest_keys(lake.clean, "run-1")) == {
        0: FetchNotes(missing=["2023-01-03/2023-01-06"])
    }


def test_days_that_were_missing_before_are_neither_waited_for_nor_a_failure(lake: Lake, source: FakeSource) -> None:
    source.has(DAYS[:3], rows=10)
    source.answer.rows[DAYS[1]] = 5  # too few symbols to be complete
    quiet = msgspec.to_builtins([f"{DAYS[1]}", f"{DAYS[3]}"])
    found = fetch(batch_of(PRICES, ["2023-01-03/2023-01-06"], quiet=quiet))
    assert (found["days"], found["late"], found["holes"]) == (["2023-01-03", "2023-01-05"], [], [])
    assert read_notes(lake.clean, manifest_keys(lake.clean, "run-1"))[0].missing == ["2023-01-04", "2023-01-06"]


@pytest.mark.parametrize("cls", [UpstreamThrottled, UpstreamMalformed])
def test_an_error_of_the_source_stores_nothing(lake: Lake, source: FakeSource, cls: type[MarketlakeError]) -> None:
    source.error = cls("as the source says")
    with pytest.raises(cls, match="as the source says"):
        fetch()
    assert lake.everything() == {}


def test_many_missing_symbols_do_not_swell_the_payload(source: FakeSource) -> None:
    source.has(DAYS)
    source.answer.missing_symbols = {f"S{number:03}.L": "no bars" for number in range(500)}
    assert len(fetch()["missing_symbols"]) == fetch_handler.SHOWN_SYMBOLS


def test_nor_does_a_long_reason(source: FakeSource) -> None:
    source.has(DAYS)
    source.answer.missing_symbols = {"A.L": "Yahoo says " + "x" * 5000}
    (text,) = fetch()["missing_symbols"]
    assert text.startswith("A.L: Yahoo says x")
    assert len(text.encode()) == fetch_handler.MAX_REASON_BYTES


@pytest.mark.parametrize(
    ("contract", "name"), [(PRICES, "YahooSource"), (RATES, "ReferenceRates")], ids=["yahoo", "ecb"]
)
def test_each_contract_has_its_source(contract: Contract, name: str) -> None:
    addresses = Addresses("http://127.0.0.1:1/y", "http://127.0.0.1:1/e", "http://127.0.0.1:1/f")
    made: Callable[..., object] = source_of(contract, addresses, "EUR").fetch
    assert type(getattr(made, "__self__", None)).__name__ == name


def test_an_unknown_source_is_a_violation() -> None:
    import msgspec

    with pytest.raises(ContractViolation, match="no source is called 'bloomberg'"):
        source_of(msgspec.structs.replace(PRICES, source="bloomberg"), Addresses("", "", ""), "EUR")
