from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from marketlake.errors import ContractViolation
from marketlake.messages import Batch, Caught, FetchEvent, Input, read_message
from tests.unit.lake import RATES, batch_of, task_of

EVENT: dict[str, Any] = {
    "task": task_of("Fetch"),
    "batch": batch_of(RATES, ["2023-01-03"]),
    "started": "2023-01-06T20:00:00.000Z",
}


def test_a_message_comes_back_as_it_went() -> None:
    event = read_message(EVENT, FetchEvent, "event")
    assert event.batch.input == Input(["fx_rates"], date(2023, 1, 3), date(2023, 1, 3))
    assert read_message(msgspec.to_builtins(event), FetchEvent, "event") == event


def test_an_input_says_only_what_differs_from_the_default() -> None:
    """Plan refuses an empty list of symbols."""
    plain = Input(["fx_rates"], date(2023, 1, 3), date(2023, 1, 4))
    assert msgspec.to_builtins(plain) == {"datasets": ["fx_rates"], "start": "2023-01-03", "end": "2023-01-04"}


def test_an_error_is_read_by_the_names_of_step_functions() -> None:
    assert read_message({"Error": "States.Timeout", "Cause": "late"}, Caught, "it") == Caught("States.Timeout", "late")
    assert read_message({"Error": "States.Timeout"}, Caught, "it").cause == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch": {}}, "missing required field `dataset` - at `$.batch`"),
        ({"batch": {**EVENT["batch"], "count": "5"}}, "`$.batch.count`"),
        ({"started": "today"}, "`$.started`"),
        ({"task": None}, "`$.task`"),
    ],
)
def test_what_is_not_a_message_is_refused_with_the_field_and_what_to_do(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ContractViolation, match=r"^event is not a FetchEvent: .*; deploy again") as refused:
        read_message({**EVENT, **change}, FetchEvent, "event")
    assert named in str(refused.value)


def test_fields_of_an_older_deployment_are_passed_over() -> None:
    assert read_message({**batch_of(RATES, ["2023-01-03"]), "attempts": 3}, Batch, "batch").count == 0
