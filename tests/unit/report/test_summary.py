from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketlake.errors import MAX_MESSAGE_BYTES, readable_cause
from marketlake.failures import Failure
from marketlake.messages import BatchResult, Caught, Input, Rejection, read_message
from report.summary import COUNTS, failures_of, summary_text, totals

AGAIN = Input(["fx_rates"], date(2023, 1, 2), date(2023, 1, 6))


def outcome(dataset: str = "fx_rates", **change: Any) -> BatchResult:
    """What BatchDone says of a batch in which nothing happened."""
    return BatchResult(index=0, dataset=dataset, days=["2023-01-02/2023-01-06"], count=5, input=AGAIN, **change)


ONE_DAY = Input(["fx_rates"], date(2023, 1, 3), date(2023, 1, 3))
REJECTION = Rejection(["2023-01-03"], "DataQualityError", "2 of 12 rows", ONE_DAY)


def caught(error: str, message: str) -> Caught:
    """A caught error as Step Functions gives it of a Lambda task."""
    document = {"errorMessage": message, "errorType": error, "stackTrace": []}
    return read_message({"Error": error, "Cause": json.dumps(document)}, Caught, "it")


def test_a_run_in_which_all_succeeded_has_no_failures() -> None:
    assert failures_of([outcome(written=5, rows=155), outcome("ftse100_prices")], {}) == []
    assert failures_of([], {}) == []


def test_a_failed_batch_is_a_failure_of_all_its_days() -> None:
    batch = outcome(failure={"Fetch": caught("UpstreamThrottled", "429 from Yahoo")})
    assert failures_of([batch], {}) == [
        Failure("fx_rates", ["2023-01-02/2023-01-06"], 5, "Fetch", "UpstreamThrottled", "429 from Yahoo", AGAIN)
    ]


@pytest.mark.parametrize(("rejected", "again"), [(1, ONE_DAY), (2, AGAIN)])
def test_rejected_days_are_a_failure_beside_the_days_that_were_written(rejected: int, again: Input) -> None:
    """Report is given the first rejection only: the input that runs all of several days again is the batch's."""
    found = failures_of([outcome(written=3, rejected=rejected, rejection=REJECTION)], {})
    assert found == [
        Failure("fx_rates", ["2023-01-03"], rejected, "Validate", "DataQualityError", "2 of 12 rows", again)
    ]


def test_a_batch_with_rejected_days_that_fails_afterwards_is_two_failures() -> None:
    batch = outcome(rejected=1, rejection=REJECTION, failure={"Transform": caught("StorageUnavailable", "503")})
    assert [failure.state for failure in failures_of([batch], {})] == ["Transform", "Validate"]


def test_a_failure_outside_the_batches_has_no_days_and_no_input() -> None:
    found = failures_of([outcome()], {"Plan": Caught("States.Timeout")})
    assert found == [Failure("", [], 0, "Plan", "States.Timeout", "no cause was given")]


@given(st.text(max_size=3000))
def test_any_cause_is_shortened(text: str) -> None:
    for cause in (text, json.dumps(text), json.dumps({"errorMessage": text}), json.dumps([text])):
        found = readable_cause({"Error": "E", "Cause": cause})
        assert found or not text.split()
        assert len(found) <= MAX_MESSAGE_BYTES
        assert "\n" not in found


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ('{"errorMessage": "too many requests", "errorType": "UpstreamThrottled"}', "too many requests"),
        ("plain  text\nover lines", "plain text over lines"),
        ('{"errorType": "X"}', '{"errorType": "X"}'),
        ('{"errorMessage": null}', '{"errorMessage": null}'),
        ('{"errorMessage": {"a": 1}}', "{'a': 1}"),
        ("[1, 2]", "[1, 2]"),
        ('"text"', '"text"'),
        ("7", "7"),
        ("{", "{"),
        ("", "no cause was given"),
        (None, "no cause was given"),
        ("[" * 100_000, "[" * 397 + "…"),
    ],
    ids=range(12),
)
def test_the_message_within_a_cause(cause: str | None, words: str) -> None:
    assert readable_cause({"Error": "E", "Cause": cause}) == words


def test_an_error_without_a_cause_is_described_as_such() -> None:
    assert readable_cause({"Error": "E"}) == "no cause was given"


OUTCOMES = st.lists(
    st.builds(
        lambda dataset, failed, counts: outcome(dataset, failure={"Fetch": Caught()} if failed else {}, **counts),
        st.sampled_from(["fx_rates", "ftse100_prices"]),
        st.booleans(),
        st.fixed_dictionaries({name: st.integers(0, 1000) for name in COUNTS}),
    ),
    max_size=8,
)


@given(OUTCOMES)
def test_totals_lose_nothing(results: list[BatchResult]) -> None:
    sums = totals(results)
    assert set(sums) == {batch.dataset for batch in results}
    for name in COUNTS:
        assert sum(into[name] for into in sums.values()) == sum(getattr(batch, name) for batch in results)
    assert sum(into["batches"] for into in sums.values()) == len(results)
    assert sum(into["failed_batches"] for into in sums.values()) == sum(bool(batch.failure) for batch in results)


@pytest.mark.parametrize(
    ("results", "failures", "text"),
    [
        ([], 0, "nothing was left to do"),
        ([outcome(unchanged=11)], 0, "nothing was left to do: 11 days looked at again are unchanged"),
        ([outcome(written=5, rows=155, unchanged=2)], 0, "5 days written with 155 rows, 2 days unchanged"),
        ([outcome(written=5, rows=155)], 2, "5 days written with 155 rows, 0 days unchanged, 2 failures"),
        ([outcome()], 1, "0 days written with 0 rows, 0 days unchanged, 1 failure"),
    ],
)
def test_one_line_says_what_was_done(results: list[BatchResult], failures: int, text: str) -> None:
    assert summary_text(totals(results), failures) == text


def test_a_second_scheduled_start_names_the_first() -> None:
    assert summary_text({}, 0, "first") == "nothing was left to do: execution first runs this scheduled start"
