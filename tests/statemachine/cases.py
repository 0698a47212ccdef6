"""The test cases, as what each service answers, call by call.

A case lists *every* call of its execution: a state that is called once more or once less fails the test. Here they
are read and changed; ``MockConfigFile.json`` is written from here for the engines to read::

    python -m tests.statemachine.cases
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from marketlake.errors import SERVICE_FAULTS, SYSTEM_ERRORS
from tests.error_names import TERMINAL, TRANSIENT
from tests.statemachine.answers import (
    CHECKED,
    FETCHED,
    MAILED,
    NOTICED,
    PART_FETCHED,
    PRICES,
    RATES,
    SENT,
    STAGES,
    TRANSFORMED,
    VALIDATED,
    WELL,
    Answer,
    Answers,
    failed,
    fault,
    payload,
    planned,
    throw,
    validated,
)
from tests.statemachine.definition import MACHINE, MOCK_CONFIG

BROKEN = f"{MACHINE}-broken"
"""The machine with batches that end in a Fail state: without 256 KB of payload, its Map's Catch is not seen."""


@dataclass(frozen=True)
class Case:
    """What the services answer, and how the execution ends: ``error`` is "" where it succeeds."""

    name: str
    answers: dict[str, Answers]
    error: str = ""
    machine: str = MACHINE

    @property
    def calls(self) -> dict[str, int]:
        """How often each state is called."""
        return {state: len(answers) for state, answers in self.answers.items()}


def case(name: str, error: str = "", machine: str = MACHINE, /, **answers: Answers) -> Case:
    """A case in which everything that ``answers`` does not name goes well; an empty list: the state is not called.

    With an ``error``, Report tells it and a mail goes out.
    """
    usual = {state: [answer] * (2 if state in STAGES else 1) for state, answer in WELL.items()}
    ending: dict[str, Answers] = {"Report": [failed(error)], "NotifyFailure": [MAILED]} if error else {}
    merged = {**usual, **ending, **answers}
    error = error.removeprefix("States.")
    return Case(name, {state: listed for state, listed in merged.items() if listed}, error, machine)


def _batch_fails(name: str, stage: str, throws: Answers, error: str = "", /, **answers: Answers) -> Case:
    """The first batch fails in ``stage`` after ``throws``; the second one goes well."""
    fails: dict[str, Answers] = {stage: [*throws, WELL[stage]], "SendToDlq": [SENT]}
    never = {later: [WELL[later]] for later in STAGES[STAGES.index(stage) + 1 :]}
    return case(name, error or throws[-1]["Throw"]["Error"], **{**fails, **never, **answers})


def _retried() -> Iterator[Case]:
    """Every function's state: each kind of error that is worth another try, as often as it may come."""
    for state, well in WELL.items():
        after = [well, well] if state in STAGES else [well]
        kinds = {
            "Transient": [throw(error) for error in TRANSIENT],
            # As many as there are retries.
            "System": [fault(error) for error in SYSTEM_ERRORS[:3]],
            "OtherSystem": [fault(error) for error in SYSTEM_ERRORS[3:]],
            "Service": [fault(error) for error in SERVICE_FAULTS],
        }
        yield case(f"{state}TransientThenOk", **{state: kinds["Transient"][:3] + after})
        yield case(f"{state}OtherTransientThenOk", **{state: kinds["Transient"][3:] + after})
        yield case(f"{state}SystemErrorsThenOk", **{state: kinds["System"] + after})
        yield case(f"{state}OtherSystemErrorsThenOk", **{state: kinds["OtherSystem"] + after})
        yield case(f"{state}ServiceFaultsThenOk", **{state: kinds["Service"] + after})


def _failed() -> Iterator[Case]:
    """Every stage: retries used up, and errors that are not worth one."""
    for stage in STAGES:
        yield _batch_fails(f"{stage}Exhausted", stage, 4 * [throw("UpstreamThrottled")])
        yield _batch_fails(f"{stage}TimesOut", stage, 4 * [fault("States.Timeout")])
        yield _batch_fails(f"{stage}Terminal", stage, [throw("ContractViolation")])
        yield _batch_fails(f"{stage}Unknown", stage, [throw("KeyError")])
    for error in TERMINAL:
        yield _batch_fails(f"FetchFailsWith{error}", "Fetch", [throw(error)])
    # Six retries of the service's, then one more of ours: each retrier counts for itself.
    mixed = [fault("Lambda.TooManyRequestsException")] * 6 + [throw("StorageUnavailable")]
    yield case("FetchMixedThenOk", Fetch=[*mixed, FETCHED, FETCHED])
    # An evening's hiccup: throttled for minutes, and the day is published late. Nobody is mailed.
    hiccup = [throw("UpstreamThrottled")] * 3 + [throw("NotYetPublished")] * 3 + [throw("UpstreamUnavailable")] * 3
    yield case("FetchThrottledAndLateThenOk", Fetch=[*hiccup, FETCHED, FETCHED])
    yield _batch_fails("FetchTooLate", "Fetch", 4 * [throw("NotYetPublished")])
    yield _batch_fails("FetchServiceExhausted", "Fetch", 7 * [fault("Lambda.ServiceException")])
    nothing: dict[str, Answers] = {"Validate": [], "Transform": [], "AthenaCheck": []}
    all_failed: dict[str, Answers] = {"Fetch": 8 * [throw("UpstreamUnavailable")], "SendToDlq": [SENT, SENT]}
    yield case("AllBatchesFail", "UpstreamUnavailable", **{**nothing, **all_failed})


def _in_parts() -> Iterator[Case]:
    """A long list: a part is called again as any function, and one that is given up stops neither parts nor batches."""
    three: dict[str, Answers] = {"Plan": [planned(PRICES, RATES, parts=3)]}
    yield case("InParts", **three, FetchPart=3 * [PART_FETCHED])
    yield case("PartThrottledThenOk", **three, FetchPart=3 * [throw("UpstreamThrottled")] + 3 * [PART_FETCHED])
    for error in (throw("InvalidRequest"), fault("States.DataLimitExceeded")):
        name = f"PartFailsWith{error['Throw']['Error'].removeprefix('States.')}"
        given_up = [PART_FETCHED, error, payload({"symbols": 0, "done": False})]
        yield _batch_fails(name, "Fetch", [throw("PartFailed")], **three, FetchPart=given_up)


PLAN_ONLY: dict[str, Answers] = {stage: [] for stage in STAGES}
ONE_BATCH: dict[str, Answers] = {"Plan": [planned(PRICES)], **{stage: [WELL[stage]] for stage in STAGES}}
REFUSED = fault("SQS.AmazonSQSException")
UNSENT = fault("SNS.AuthorizationErrorException")
TWO_DAYS = ("2026-01-06", "2026-01-08")

CASES = [
    # Nothing goes wrong.
    case("HappyPath"),
    case("NothingToDo", **PLAN_ONLY, Plan=[planned()]),
    case("AllUnchanged", Validate=2 * [validated(0, unchanged=5)], Transform=[], AthenaCheck=[]),
    case(
        "OneUnchanged", Validate=[validated(0, unchanged=5), VALIDATED], Transform=[TRANSFORMED], AthenaCheck=[CHECKED]
    ),
    *_retried(),
    # Plan.
    case("InvalidInput", "InvalidRequest", **PLAN_ONLY, Plan=[throw("InvalidRequest")], Report=[], NotifyFailure=[]),
    case("PlanExhausted", "StorageUnavailable", **PLAN_ONLY, Plan=4 * [throw("StorageUnavailable")]),
    case("PlanTerminal", "ContractViolation", **PLAN_ONLY, Plan=[throw("ContractViolation")]),
    case("PlanTooLarge", "States.DataLimitExceeded", **PLAN_ONLY, Plan=[fault("States.DataLimitExceeded")]),
    *_in_parts(),
    # A batch fails, the other one is loaded.
    *_failed(),
    # Days are rejected, the others of the batch are loaded.
    case(
        "RejectedDays",
        "DataQualityError",
        Validate=[validated(3, rejected=TWO_DAYS), VALIDATED],
        SendRejectedDay=[SENT, SENT],
    ),
    case(
        "AllDaysRejected",
        "DataQualityError",
        Validate=[validated(0, rejected=TWO_DAYS), VALIDATED],
        SendRejectedDay=[SENT, SENT],
        Transform=[TRANSFORMED],
        AthenaCheck=[CHECKED],
    ),
    _batch_fails(
        "RejectedDaysThenFailed",
        "Transform",
        [throw("PermissionDenied")],
        "SeveralFailures",
        Validate=[validated(3, rejected=TWO_DAYS), VALIDATED],
        SendRejectedDay=[SENT, SENT],
    ),
    # The queue or the topic refuses.
    _batch_fails("SqsRefusesTwice", "Fetch", [throw("UnexpectedError")], SendToDlq=[REFUSED, REFUSED, SENT]),
    _batch_fails("SqsRefuses", "AthenaCheck", [throw("UnexpectedError")], "SeveralFailures", SendToDlq=4 * [REFUSED]),
    case(
        "SqsRefusesADayTwice",
        "DataQualityError",
        Validate=[validated(3, rejected=TWO_DAYS), VALIDATED],
        SendRejectedDay=[REFUSED, REFUSED, SENT, SENT],
    ),
    case(
        "SqsRefusesADay",
        "SeveralFailures",
        Validate=[validated(4, rejected=TWO_DAYS[:1]), VALIDATED],
        SendRejectedDay=4 * [REFUSED],
    ),
    _batch_fails("SnsRefusesOnce", "AthenaCheck", [throw("AthenaCheckFailed")], NotifyFailure=[UNSENT, MAILED]),
    _batch_fails("SnsRefuses", "AthenaCheck", [throw("AthenaCheckFailed")], NotifyFailure=4 * [UNSENT]),
    # Report.
    case("ReportFails", "ReportFailed", Report=[throw("PermissionDenied")]),
    case("ReportExhausted", "ReportFailed", Report=4 * [throw("StorageUnavailable")]),
    case("ReportTimesOut", "ReportFailed", Report=4 * [fault("States.Timeout")]),
    case("ReportTooLarge", "ReportFailed", Report=[fault("States.DataLimitExceeded")]),
    case("ReportFailsAndSnsRefuses", "ReportFailed", Report=[throw("PermissionDenied")], NotifyFailure=4 * [UNSENT]),
    # Nothing failed, but the source restated a history.
    case("HistoryRestated", Report=[NOTICED], NotifyNotice=[MAILED]),
    case("HistoryRestatedSnsRefusesOnce", Report=[NOTICED], NotifyNotice=[UNSENT, MAILED]),
    case(
        "HistoryRestatedSnsRefuses",
        "NoticeNotSent",
        Report=[NOTICED],
        NotifyNotice=4 * [UNSENT],
        NotifyFailure=[],
    ),
    # The Map itself.
    case("MapFails", "BatchBroken", BROKEN, **ONE_BATCH),
]

ANSWERS: dict[str, Answers] = {
    state: [answer for case in CASES for answer in case.answers.get(state, []) if "Return" in answer]
    for state in (*WELL, "FetchPart")
}
"""Every answer that goes well, by the state of its function."""


def _numbered(answers: Answers) -> dict[str, Answer]:
    """``{"0": ..., "1-3": ...}``: equal neighbours under one range."""
    numbered: dict[str, Answer] = {}
    first = 0
    for answer, group in groupby(answers):
        last = first + len(list(group)) - 1
        numbered[f"{first}" if first == last else f"{first}-{last}"] = answer
        first = last + 1
    return numbered


def mock_config() -> dict[str, Any]:
    """All cases in Step Functions Local's format; states with the same answers share a response."""
    names: dict[str, str] = {}
    responses: dict[str, Any] = {}
    for case in CASES:
        for state, answers in case.answers.items():
            name = names.setdefault(f"{state} {json.dumps(answers)}", f"{state}In{case.name}")
            responses[name] = _numbered(answers)
    tests = {
        machine: {
            case.name: {state: names[f"{state} {json.dumps(answers)}"] for state, answers in case.answers.items()}
            for case in CASES
            if case.machine == machine
        }
        for machine in (MACHINE, BROKEN)
    }
    return {
        "StateMachines": {machine: {"TestCases": cases} for machine, cases in tests.items()},
        "MockedResponses": responses,
    }


def mock_config_text() -> str:
    """``MockConfigFile.json`` as it has to be."""
    return json.dumps(mock_config(), indent=1) + "\n"


if __name__ == "__main__":
    MOCK_CONFIG.write_text(mock_config_text(), "utf-8")
