from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from infra.client.day_states import DayStates, State, states_of
from infra.client.target import Target
from marketlake.batch_rows import to_parquet
from marketlake.history import DAYS, days_to_text
from marketlake.layout import year_key
from marketlake.markers import Marker, Replaced, write_marker
from tests.unit.cli.conftest import Command
from tests.unit.lake import RATES

DAY, OTHER = date(2025, 12, 22), date(2025, 12, 23)

Write = Callable[..., None]


@pytest.fixture
def write(target: Target) -> Write:
    """Writes a version of the year with one rate for each day; the mark of a day is that of its rate."""
    bucket = target.names["clean_bucket"]
    target.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(rates: dict[date, float]) -> None:
        rows = [{"dt": f"{day}", "base_currency": "EUR", "target_currency": "USD", "rate": rates[day]} for day in rates]
        marks = {day: f"{rate:.2f}" for day, rate in rates.items()}
        metadata = {DAYS: days_to_text(2025, marks)}
        target.s3.put_object(
            Bucket=bucket, Key=year_key("fx_rates", 2025), Body=to_parquet(pl.DataFrame(rows)), Metadata=metadata
        )

    return put


def test_each_time_the_day_had_other_rows_is_one_state(target: Target, write: Write) -> None:
    write({OTHER: 1.0})
    write({OTHER: 1.0, DAY: 1.05})
    write({OTHER: 1.02, DAY: 1.05})
    write({OTHER: 1.02, DAY: 1.07})
    found = states_of(target, RATES, DAY)
    assert [[row["rate"] for row in state.rows] for state in found.states] == [[1.05], [1.07]]
    first, second = found.states
    assert first.since is not None
    assert (first.until, second.until) == (second.since, None)


def test_a_state_holds_from_its_write_to_the_next() -> None:
    noon = datetime(2025, 12, 22, 12, tzinfo=UTC)
    first, second = State(noon, noon + timedelta(days=1), []), State(noon + timedelta(days=1), None, [])
    found = DayStates([first, second], [])
    hours = {-1: None, 0: first, 23: first, 24: second, 99: second}
    assert {hour: found.on(noon + timedelta(hours=hour)) for hour in hours} == hours
    assert DayStates([State(None, noon, [])], []).on(noon - timedelta(days=99)) is not None


def test_the_oldest_version_that_is_kept_may_be_older_than_it_says(command: Command, write: Write) -> None:
    write({DAY: 1.05})
    write({DAY: 1.07})
    records = command("as-known", "fx_rates", "2025-12-22", "--json").document
    assert [(record["since"] is None, record["rate"]) for record in records] == [(True, 1.05), (False, 1.07)]
    early = command("as-known", "fx_rates", "2025-12-22", "--on", "2025-12-24")
    assert "1.05" in early.out
    assert "the oldest version that is kept" in early.out
    assert "1.07" in command("as-known", "fx_rates", "2025-12-22", "--on", "2999-01-01").out


def test_what_is_not_kept_any_more_is_named_by_its_executions(command: Command, target: Target, write: Write) -> None:
    write({DAY: 1.07})
    history = [Replaced("sha", "0.99etag", "run-1", "run-2", 1), Replaced("sha", "1.07etag", "run-2", "run-3", 1)]
    marker = Marker("fx_rates", DAY, 2, "sha", "1.07", 1, 0, "run-3", history)
    write_marker(target.bucket("clean"), marker)
    printed = command("as-known", "fx_rates", "2025-12-22")
    assert "not kept any more: the rows of execution run-1, replaced by run-2, which changed 1 rows" in printed.out
    assert "run-3" not in printed.out


def test_a_symbol_alone(command: Command, write: Write) -> None:
    write({DAY: 1.05})
    assert len(command("as-known", "fx_rates", "2025-12-22", "--symbol", "USD", "--json").document) == 1
    assert command("as-known", "fx_rates", "2025-12-22", "--symbol", "CHF", "--json").document == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing", "2025-12-22"), "there is no dataset 'nothing'"),
        (("fx_rates", "22.12.2025"), "accepted is a date as YYYY-MM-DD"),
        (("fx_rates", "2025-12-22", "--on", "x"), "accepted is a date as YYYY-MM-DD"),
        (("fx_rates", "2025-12-24"), "no version that is kept of fx_rates 2025 holds 2025-12-24"),
        (("fx_rates", "2024-12-24"), "no version that is kept of fx_rates 2024"),
    ],
)
def test_what_cannot_be_answered_is_refused(command: Command, write: Write, arguments: list[str], says: str) -> None:
    write({DAY: 1.05})
    printed = command("as-known", *arguments)
    assert (printed.status, says in printed.err) == (2, True)
