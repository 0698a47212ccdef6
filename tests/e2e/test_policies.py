"""Least privilege: with any one statement of a function's policy gone, a run fails with AccessDenied.

Logs and tracing, the statements that all functions share, are left out: the emulator does not make these calls. What
Athena does with its caller's credentials is not made there either: tests/unit/test_iam.py evaluates its statements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from infra import facts
from marketlake.calendars import trading_days
from tests.e2e.pipeline import Pipeline
from tests.iam import Request, allows

Calls = list[dict[str, Any]]
"""Calls of functions, as ``Pipeline.calls`` has them."""

BEFORE_SPLIT = {"start": "2018-02-28", "end": "2018-02-28"}
DAYS = (f"{day}" for day in trading_days("target", date(2005, 1, 3), date(2007, 1, 1)))


def statements() -> Iterator[tuple[str, str]]:
    for function in facts.function_names():
        template = json.loads((facts.POLICIES / f"{function}.json.tftpl").read_text())
        for statement in template["Statement"]:
            if not statement["Sid"].startswith("Athena"):
                yield function, statement["Sid"]


def scenarios(pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    """Inputs that between them make every call of every function; days that no other test uses."""
    day, patched = next(DAYS), next(DAYS)
    yield {"datasets": ["fx_rates"], "start": day, "end": day}
    yield {"datasets": ["fx_rates"], "start": "1999-01-04", "end": "1999-01-04", "force": True}  # nothing before it
    yield {
        "datasets": ["fx_rates"],
        "start": patched,
        "end": patched,
        "symbols": ["USD"],
    }  # into a day that is not there
    # A symbol that fails alone is noted; and two batches share a pass over the source.
    wrong = {"kind": "scale100", "match": "chart/BARC.L"}
    pipeline.inject(wrong, {"kind": "status", "status": 500, "match": "chart/AAL.L"})
    pipeline.act({"symbol": "VOD.L", "day": "2018-03-01", "split": [2, 1]})
    # Quarantine; and the day before it is in the lake, with the prices from before the split.
    yield {"datasets": ["ftse100_prices"], "start": "2018-03-01", "end": "2018-03-02", "force": True}
    pipeline.inject()
    pipeline.act()
    yield {"datasets": ["ftse100_index"], "start": "2017-12-29", "end": "2018-01-02", "force": True}
    yield {"datasets": ["fx_rates"]}  # daily: looks at done days again
    yield {"datasets": ["fx_rates"], "scheduled_time": f"{day}T18:45:00Z", "trigger": "schedule"}  # claims its start
    with pipeline.without("artifacts_bucket", "config/currencies.csv"):
        yield {"datasets": ["fx_rates"]}  # refused: no symbols


def refused(pipeline: Pipeline, first: int = 0) -> str:
    """The cause of the first execution that is refused something, of the scenarios from the ``first`` on."""
    for number, document in enumerate(scenarios(pipeline)):
        if number < first:
            continue
        outcome = pipeline.run(document)
        if "AccessDenied" in json.dumps(outcome.cause):
            pipeline.act()
            return json.dumps(outcome.cause)
    return ""


def first_use(scenarios_calls: list[Calls], role: str, statement: dict[str, Any]) -> int:
    """The number of the first scenario in which ``role`` calls what ``statement`` allows; 0 where none does."""
    policy = {"Statement": [statement]}

    def allowed(call: dict[str, Any]) -> bool:
        request = Request(call["action"], call["resource"], call["keys"])
        return f":assumed-role/{role}/" in call["principal"] and allows([policy], request)

    return next((number for number, calls in enumerate(scenarios_calls) if any(map(allowed, calls))), 0)


@pytest.fixture(scope="module")
def ready(shared_pipeline: Pipeline) -> list[Calls]:
    """What each scenario calls, with whole policies: nothing is refused. The days that they look at again are done."""
    assert shared_pipeline.run({**BEFORE_SPLIT, "datasets": ["ftse100_prices"]}).status == "SUCCEEDED"
    assert shared_pipeline.run({"datasets": ["fx_rates"]}).status == "SUCCEEDED"
    found: list[Calls] = []
    seen = len(shared_pipeline.calls())
    for document in scenarios(shared_pipeline):
        assert "AccessDenied" not in json.dumps(shared_pipeline.run(document).cause)
        calls = shared_pipeline.calls()
        found.append(calls[seen:])
        seen = len(calls)
    return found


@pytest.mark.parametrize(("function", "sid"), list(statements()))
def test_every_statement_is_needed(ready: list[Calls], pipeline: Pipeline, function: str, sid: str) -> None:
    role = facts.function_name(pipeline.config.prefix, function)
    iam = pipeline.aws("iam")
    whole = iam.get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"]
    (taken,) = (statement for statement in whole["Statement"] if statement["Sid"] == sid)
    less = {**whole, "Statement": [statement for statement in whole["Statement"] if statement["Sid"] != sid]}
    iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=json.dumps(less))
    try:
        assert "AccessDenied" in refused(pipeline, first_use(ready, role, taken))
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=json.dumps(whole))
