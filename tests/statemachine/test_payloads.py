"""The largest input and output of each state, by the shipped definition, against what Step Functions carries.

The functions' answers are the largest that their types (``marketlake.messages``) and bounds allow for. The definition's
own paths say what of them travels on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import repeat
from typing import Any

import pytest
from msgspec import structs, to_builtins

from fetch.handler import MAX_REASON_BYTES, SHOWN_SYMBOLS
from infra.client.machine import State, shipped_machine
from infra.facts import functions_file
from marketlake.contract import dataset_names, load_contract
from marketlake.errors import MAX_MESSAGE_BYTES, InvalidRequest
from marketlake.messages import (
    Batch,
    BatchResult,
    Checked,
    Fetched,
    FetchedPart,
    Part,
    Rejection,
    Summary,
    Transformed,
    Validated,
    read_message,
)
from marketlake.request import MAX_SYMBOLS, Request
from marketlake.restatements import Restatement
from plan.batches import MAX_OUTCOME_BYTES, plan_batches, refuse_too_large
from report.mail import failure_document, message, restatement_document, subject
from report.summary import failures_of, summary_text, totals
from validate.days import MAX_REJECTIONS

Json = Any

LIMIT = 262_144
"""https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

MANY = 10**6
TEXT = "x" * MAX_MESSAGE_BYTES
NAME = "r" * 80
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"""

SYMBOLS = [f"{number:09}.L" for number in range(MAX_SYMBOLS)]
KEY = f"manifests/{NAME}/{MANY}-rows.parquet"
NEVER = "9999-12-31T23:59:59.999Z"
CONTEXT: Json = {
    "Execution": {
        "Id": f"arn:aws:states:ap-southeast-99:123456789012:execution:{NAME}:{NAME}",
        "Name": NAME,
        "StartTime": NEVER,
        "Input": {
            "datasets": [max(dataset_names(), key=len)] * MAX_SYMBOLS,
            "symbols": SYMBOLS,
            "start": "2000-01-01",
            "end": "2026-12-31",
            "scheduled_time": NEVER,
            "force": False,
            "drop_missing": False,
        },
    },
    "State": {"Name": "SendRejectedDays", "RetryCount": 9, "EnteredTime": NEVER},
    "Map": {"Item": {"Index": MANY}},
}
FUNCTION_FAILED = {
    "Error": "AthenaCheckFailed",
    "Cause": json.dumps(
        {
            "errorMessage": TEXT,
            "errorType": "AthenaCheckFailed",
            "requestId": "0" * 36,
            # The one frame that ``telemetry.task`` leaves.
            "stackTrace": [f'  File "/var/task/marketlake/telemetry.py", line 99, in handler\n    raise {"x" * 50}\n'],
        }
    ),
}
# A sentence of SQS or SNS. Step Functions carries up to 32,768 characters of them: more than the sum of these is caught
# by its name, States.DataLimitExceeded.
SERVICE_FAILED = {"Error": "Sqs.SqsException", "Cause": "x" * 300}

MACHINE = shipped_machine()


def size(document: Json) -> int:
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def at(path: str, data: Json, context: Json = CONTEXT) -> Json:
    """What ``path`` leads to."""
    found = context if path.startswith("$$") else data
    for name in path.lstrip("$").split(".")[1:]:
        found = found[name]
    return found


def filled(template: Json, data: Json, context: Json = CONTEXT) -> Json:
    """A payload template with its paths followed; an intrinsic function gives no more than all of ``data``, twice."""
    if not isinstance(template, dict):
        return template
    made: dict[str, Json] = {}
    for key, value in template.items():
        if not key.endswith(".$"):
            made[key] = filled(value, data, context)
        elif value.startswith("States."):
            made[key[:-2]] = value + json.dumps(json.dumps(data))
        else:
            made[key[:-2]] = at(value, data, context)
    return made


def put(data: Json, path: str | None, result: Json) -> Json:
    """``data`` with ``result`` at ``path``; None leaves it out."""
    if path is None or path == "$":
        return data if path is None else result
    name, _, rest = path.removeprefix("$.").partition(".")
    return {**data, name: put(data.get(name, {}), f"$.{rest}", result) if rest else result}


SEEN: dict[str, int] = {}
"""The largest input or output of each state that a test has seen."""


def seen(state: State, *documents: Json) -> None:
    SEEN[state.name] = max(SEEN.get(state.name, 0), *map(size, documents))


def passed(name: str, data: Json, answer: Json = None) -> Json:
    """The output of a state that goes well with its service's ``answer``."""
    state = MACHINE.state(name)
    given = filled(state.body.get("Parameters", data), data) if "Parameters" in state.body else data
    lambda_answer = {"StatusCode": 200, "Payload": answer} if state.kind == "Lambda" else answer
    result = given if state.type == "Pass" else lambda_answer
    if "ResultSelector" in state.body:
        result = filled(state.body["ResultSelector"], result)
    output = put(data, state.body.get("ResultPath", "$"), result)
    seen(state, data, given, answer, output)
    return output


def caught(name: str, data: Json, error: Json) -> Json:
    """The output of a state that is given up with ``error``."""
    state = MACHINE.state(name)
    *_, catcher = state.body["Catch"]
    output = put(data, catcher["ResultPath"], error)
    seen(state, data, filled(state.body.get("Parameters", {}), data), output)
    return output


def item(batch: Batch) -> Json:
    """What the Map gives to its first state."""
    context = {**CONTEXT, "Map": {"Item": {"Index": MANY, "Value": to_builtins(batch)}}}
    return filled(MACHINE.state("ProcessBatches").body["ItemSelector"], {}, context)


def answers(batch: Batch) -> dict[str, Json]:
    """The largest answer of each function to ``batch``."""
    # Rejected day by day; the last message has all the other days.
    groups = [*([day] for day in batch.days[: MAX_REJECTIONS - 1]), batch.days[MAX_REJECTIONS - 1 :] or batch.days[-1:]]
    rejections = [Rejection(days, "UpstreamUnavailable", TEXT, batch.input) for days in groups]
    reasons = ["x" * MAX_REASON_BYTES] * SHOWN_SYMBOLS
    return {
        name: to_builtins(answer)
        for name, answer in {
            "Fetch": Fetched(batch.days, MANY, batch.days, batch.days, True, reasons),
            "Validate": Validated(MANY, MANY, MANY, MANY, KEY, MANY, rejections, rejections[0]),
            "Transform": Transformed(MANY, MANY, KEY),
            "AthenaCheck": Checked(MANY, MANY, MANY, MANY, MANY, MANY),
        }.items()
    }


def outcome(batch: Batch) -> Json:
    """The largest output of an iteration: days are rejected, Transform fails, and the queue takes nothing."""
    answer = answers(batch)
    data = passed("Validate", passed("Fetch", item(batch), answer["Fetch"]), answer["Validate"])
    for rejection in answer["Validate"]["rejections"]:
        context = {**CONTEXT, "Map": {"Item": {"Value": rejection}}}
        day = filled(MACHINE.state("SendRejectedDays").body["ItemSelector"], data, context)
        passed("SendRejectedDay", day, {"MessageId": "0" * 36, "MD5OfMessageBody": "0" * 32})
    data = caught("SendRejectedDays", data, SERVICE_FAILED)
    whole = passed("AthenaCheck", passed("Transform", data, answer["Transform"]), answer["AthenaCheck"])
    passed("BatchDone", whole)
    failed = caught("SendToDlq", caught("Transform", data, FUNCTION_FAILED), SERVICE_FAILED)
    # Counts of a batch whose days were checked are longer than zeros.
    return passed("BatchDone", {**failed, "checked": whole["checked"]})


def days_of(dataset: str, year: int, step: int = 1) -> list[date]:
    return load_contract(dataset).days(date(year, 1, 1), date(year, 12, 31))[::step]


def request(symbols: Iterable[str] = ()) -> Request:
    return Request((), None, None, tuple(symbols), False, True, datetime(2026, 11, 20, tzinfo=UTC), False)


def planned(step: int, symbols: Iterable[str]) -> list[Batch]:
    return plan_batches(load_contract("ftse100_prices"), request(symbols), days_of("ftse100_prices", 2025, step), set())


ONE_DAY = structs.replace(planned(1, ())[0], days=["2025-01-02"], count=1)
KINDS = {
    "days of their own": ONE_DAY,
    "years": planned(1, ())[0],
    "every other day of years": planned(2, ())[0],
    "symbols": planned(1, SYMBOLS)[0],
    "every other day of symbols": planned(2, SYMBOLS)[0],
}


PARTS = [Part(max(dataset_names(), key=len), "2000-01-01/2026-12-31", 99, 99, ONE_DAY.days)] * 99
"""Those of 47,000 symbols at four a second."""


def largest_plan(batch: Batch) -> list[Batch]:
    """As many of ``batch`` as Plan lets through."""
    batches: list[Batch] = []
    for one in repeat(batch):
        try:
            refuse_too_large([*batches, one], PARTS)
        except InvalidRequest:
            return batches
        batches.append(one)
    raise AssertionError


def report_of(event: Json) -> Json:
    """The largest answer of Report to its event: everything failed, and every history was restated as well."""
    results = [read_message(one, BatchResult, "a result") for one in event["results"]]
    failures, sums = failures_of(results, {}), totals(results)
    one = Restatement(results[0].dataset, SYMBOLS[0], "dividend", 1 / 3, NEVER, NEVER, mails=True)
    restated = [one] * MAX_SYMBOLS
    done, noticed = summary_text(sums, len(failures), NAME), restatement_document(restated)
    return {
        "failed": True,
        "notice": True,
        "error": "SeveralFailures",
        "cause": json.dumps({**failure_document(failures), "done": done, **noticed}, ensure_ascii=False),
        "subject": subject(failures, restated),
        "message": message(failures, restated, done, NAME, event["execution_arn"]),
        "summary": {"text": done, "plan": event["plan"], "datasets": sums, "failures": len(failures), **noticed},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_of_the_largest_plan_stays_within_what_step_functions_carries(kind: str) -> None:
    SEEN.clear()
    plan = largest_plan(KINDS[kind])
    summary = to_builtins(Summary(dataset_names(), MANY, MANY, MANY, MANY, NAME))
    data = passed(
        "Plan",
        CONTEXT["Execution"]["Input"],
        {"batches": to_builtins(plan), "parts": to_builtins(PARTS), "summary": summary},
    )
    part = filled(
        MACHINE.state("FetchParts").body["ItemSelector"], {}, {"Map": {"Item": {"Value": to_builtins(PARTS[0])}}}
    )
    passed("FetchPart", part, to_builtins(FetchedPart(MANY)))
    passed("PartGivenUp", caught("FetchPart", part, FUNCTION_FAILED))
    data = passed("FetchParts", data, [])
    results = [outcome(plan[0])] * len(plan)
    data = passed("ProcessBatches", data, results)
    event = filled(MACHINE.state("Report").body["Parameters"], data)["Payload"]
    after = passed("Report", data, report_of(event))
    passed("NotifyFailure", after, {"MessageId": "0" * 36})
    caught("NotifyNotice", after, SERVICE_FAILED)
    passed("ReportFailed", caught("Report", data, FUNCTION_FAILED))
    too_large = {name: size for name, size in SEEN.items() if size > LIMIT}
    assert too_large == {}, f"{len(plan)} batches"
    assert set(SEEN) >= {state.name for state in MACHINE.everywhere() if state.type in ("Task", "Map")}
    # A message on the queue is bounded as well: 256 KB, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
    # SQSDeveloperGuide/quotas-messages.html
    assert max(SEEN["SendRejectedDay"], SEEN["SendToDlq"]) < LIMIT


@pytest.mark.parametrize("kind", KINDS)
def test_an_outcome_adds_to_its_batch_what_plan_reckons_with(kind: str) -> None:
    batch = KINDS[kind]
    assert size(outcome(batch)) <= len(json.dumps(to_builtins(batch))) + MAX_OUTCOME_BYTES


def test_all_years_of_all_datasets_are_accepted_at_once() -> None:
    def batches() -> Iterator[Batch]:
        for name in dataset_names():
            contract = load_contract(name)
            days = contract.days(contract.first_date, date(2026, 12, 31))
            yield from plan_batches(contract, request(), days, set())

    refuse_too_large(list(batches()))


def test_the_functions_here_are_all_there_are() -> None:
    assert len(functions_file()["functions"]) == len({state.function for state in MACHINE.everywhere()} - {""})
