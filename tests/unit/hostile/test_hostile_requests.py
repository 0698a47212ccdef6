"""StartExecution inputs through Plan: any JSON text is refused in few words, or becomes sound batches."""

from __future__ import annotations

import json
from bisect import bisect_left
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from marketlake.contract import dataset_names, load_contract
from marketlake.errors import InvalidRequest
from marketlake.intervals import from_intervals
from plan.batches import MAX_PLAN_BYTES
from plan.handler import handler
from tests.unit.hostile.outcome import handled
from tests.unit.hostile.profile import EXAMPLES
from tests.unit.lake import task_of

STARTED = "2026-11-20T19:00:00Z"
TODAY = date(2026, 11, 20)
KEYS = ["datasets", "start", "end", "symbols", "force", "scheduled_time"]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([*dataset_names(), *KEYS, "AZN.L", "USD", "2024-02-29", "2023-02-29", "20240102", "9999-12-31"]),
    st.sampled_from(["2026-11-20", "2000-01-01", "1998-12-31", "2026-11-20T18:30:00Z", "2024-01-02T24:00:00+14:00"]),
    st.sampled_from(
        [
            "\u0662\u0660\u0662\u0664-\u0660\u0661-\u0660\u0662",
            "\x00",
            "\ud800",
            "../../etc",
            "'; DROP TABLE fx_rates",
            "${jndi:x}",
            "<script>",
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)
PAIRS = st.tuples(st.one_of(st.sampled_from(KEYS), st.sampled_from(KEYS), st.text(max_size=8)), VALUES)
GOOD_PAIRS = st.one_of(
    st.tuples(st.just("datasets"), st.lists(st.sampled_from(dataset_names()), min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["start", "end"]), st.dates(date(2000, 1, 1), TODAY).map(str)),
    st.tuples(st.just("symbols"), st.lists(st.sampled_from(["AZN.L", "BP.L", "USD", "JPY"]), min_size=1, max_size=3)),
    st.tuples(st.just("force"), st.booleans()),
    st.tuples(st.just("scheduled_time"), st.datetimes().map(lambda t: f"{t.isoformat()}Z")),
)


def _object(pairs: list[tuple[str, Any]]) -> str:
    """JSON as text, since a dict could not name a key twice."""
    return "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"


def _nested(depth: int, bracket: str) -> str:
    return (bracket * depth) + "1" + ("]" if bracket == "[" else "}") * depth


DEEP = st.builds(_nested, st.integers(1, 990), st.sampled_from(["[", '{"start":']))
TEXTS = st.one_of(
    st.lists(GOOD_PAIRS, max_size=4).map(_object),
    st.lists(st.one_of(GOOD_PAIRS, PAIRS), max_size=5).map(_object),
    VALUES.map(json.dumps),
    DEEP,
    st.tuples(st.sampled_from(KEYS), DEEP).map(lambda pair: f'{{"{pair[0]}":{pair[1]}}}'),
)


def _parsed(text: str) -> Any:
    """As the functions' runtime reads an event; what it cannot read never gets as far as our code."""
    try:
        return json.loads(text)
    except RecursionError:
        return None


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(text=TEXTS)
@example(text="{}")
@example(text='{"force":true,"force":false,"start":NaN}')
@example(text=_nested(900, "["))
@example(text='{"symbols":' + _nested(900, "[") + "}")
@example(text='{"start":' + "9" * 4000 + "}")
@example(text='{"' + "x" * 200_000 + '":1}')
@example(text='{"symbols":[' + '"AZN.L",' * 30_000 + '"AZN.L"]}')
@pytest.mark.usefixtures("lake")
def test_any_json_text_is_refused_or_becomes_sound_batches(text: str) -> None:
    found = handled(handler, {"input": _parsed(text), "started": STARTED, "task": task_of("Plan")})
    event(type(found).__name__)
    if not isinstance(found, dict):
        assert isinstance(found, InvalidRequest)
        assert "accepted" in str(found) or "ask for fewer" in str(found)
        return
    assert len(json.dumps(found)) < 2 * MAX_PLAN_BYTES
    assert found["summary"]["batches"] == len(found["batches"])
    planned = [_days(batch) for batch in found["batches"]]
    assert found["summary"]["days_planned"] == sum(map(len, planned))


def _days(batch: dict[str, Any]) -> list[date]:
    """The days of a batch, held against the calendar and against the input that would run them again."""
    contract = load_contract(batch["dataset"])
    days = from_intervals(contract, batch["days"])
    assert 0 < len(days) == batch["count"] <= contract.batch_days
    assert days == sorted(set(days))
    assert set(days) <= set(contract.days(days[0], days[-1]))
    assert contract.first_date <= days[0] <= days[-1] <= TODAY
    assert batch["input"]["datasets"] == [batch["dataset"]]
    assert (batch["input"]["start"], batch["input"]["end"]) == (f"{days[0]}", f"{days[-1]}")
    assert batch["input"].get("symbols", []) == batch["symbols"]
    return days


@pytest.mark.usefixtures("lake")
def test_the_deepest_input_that_can_be_read_can_be_shown_too() -> None:
    depths = range(500, 100_000)
    too_deep = depths[bisect_left(depths, True, key=lambda depth: _parsed(_nested(depth, "[")) is None)]
    for depth in range(too_deep - 40, too_deep):  # reading needs less of the stack than the handler does
        document = {"start": _parsed(_nested(depth, "["))}
        found = handled(handler, {"input": document, "started": STARTED, "task": task_of("Plan")})
        assert isinstance(found, InvalidRequest)
