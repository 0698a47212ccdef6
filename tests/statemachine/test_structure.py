"""Rules of ours about the shipped definition that no validator knows."""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import accumulate, takewhile

import pytest

from fetch.passes import LONGEST
from infra import facts
from infra.client.machine import Machine, State, shipped_machine
from infra.local.deploy import SHORT_WAITS
from marketlake.contract import dataset_names
from marketlake.errors import SERVICE_FAULTS, SYSTEM_ERRORS, RetryPolicy, UpstreamThrottled, retried_errors
from tests.error_names import TERMINAL, TRANSIENT
from tests.statemachine.definition import function_of, rendered
from tests.statemachine.definition import strings as strings_below

DEFINITION = rendered()
SHIPPED = shipped_machine()
STATES = list(SHIPPED.everywhere())
MACHINES = {"": SHIPPED, **{state.name: state.inside for state in STATES if state.inside}}
RETRIED = [*TRANSIENT, *SYSTEM_ERRORS]
TASKS = [state for state in STATES if state.body["Type"] == "Task"]
LAMBDAS = [state for state in TASKS if state.kind == "Lambda"]
SENDERS = [state for state in TASKS if state.kind != "Lambda"]
PARAMETERS = facts.parameters()

# Its Catch is its Map's: a Catch of its own would end the iteration well, and the Map with it, so that nobody would
# learn of the day that is not on the queue. The Map's Catch makes the whole batch fail, with the input of them all.
CATCH_ON_THE_MAP = {"SendRejectedDay": "SendRejectedDays"}

name_of = pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
each_task = pytest.mark.parametrize("state", TASKS, ids=lambda state: state.name)
each_lambda = pytest.mark.parametrize("state", LAMBDAS, ids=lambda state: state.name)


def test_state_names_are_unique() -> None:
    names = [state.name for state in STATES]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 80 for name in names)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=[name or "top" for name in MACHINES])
def test_every_state_is_reachable_and_every_target_is_there(machine: Machine) -> None:
    states = {state.name: state for state in machine.states}
    seen: set[str] = set()
    ahead = [machine.start]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += [way.to for way in states[name].ways]
    assert seen == set(states)


@name_of
def test_a_state_goes_on_or_ends(state: State) -> None:
    ways = sum(key in state.body for key in ("Next", "End"))
    assert ways == (0 if state.body["Type"] in ("Choice", "Succeed", "Fail") else 1)


@each_task
def test_a_task_has_a_timeout_a_retry_and_a_catch(state: State) -> None:
    assert isinstance(state.body["TimeoutSeconds"], int)
    assert state.body["Retry"]
    catcher = SHIPPED.state(CATCH_ON_THE_MAP[state.name]) if state.name in CATCH_ON_THE_MAP else state
    assert catcher.body["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    assert state.name not in CATCH_ON_THE_MAP or state.map == CATCH_ON_THE_MAP[state.name]


@each_lambda
def test_a_task_outlives_its_function(state: State) -> None:
    functions = facts.functions_document(facts.template_values("marketlake", "1", "eu-west-2"))["functions"]
    timeout = functions[function_of(state)]["timeout_seconds"]
    assert state.body["TimeoutSeconds"] == timeout + PARAMETERS["task_timeout_margin_seconds"]
    # Lambda's init phase: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    assert PARAMETERS["task_timeout_margin_seconds"] > 10


@pytest.mark.parametrize("state", [s for s in STATES if s.body["Type"] == "Map"], ids=lambda state: state.name)
def test_a_map_catches_and_is_bounded(state: State) -> None:
    # Parts of a pass are made one after the other: the source has one pace.
    assert state.body["MaxConcurrency"] == (1 if state.name == "FetchParts" else PARAMETERS["max_concurrency"])
    assert state.body["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@name_of
def test_states_all_stands_alone_and_last(state: State) -> None:
    for rules in (state.body.get("Retry", []), state.body.get("Catch", [])):
        for number, rule in enumerate(rules):
            if "States.ALL" in rule["ErrorEquals"]:
                assert rule["ErrorEquals"] == ["States.ALL"]
                assert number == len(rules) - 1


@pytest.mark.parametrize("state", [s for s in STATES if "Catch" in s.body], ids=lambda state: state.name)
def test_too_large_a_payload_is_caught_by_name(state: State) -> None:
    """States.ALL does not match it (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html);
    the engines that the tests run on let it match, so only this test holds the catcher there.
    """
    *_, by_name, everything = state.body["Catch"]
    assert by_name == {**everything, "ErrorEquals": ["States.DataLimitExceeded"]}


def test_a_choice_has_a_default() -> None:
    assert all("Default" in state.body for state in STATES if state.body["Type"] == "Choice")


def test_jsonpath_only_and_without_filters() -> None:
    assert "QueryLanguage" not in str(DEFINITION)
    assert not [text for _, text in strings_below(DEFINITION) if "{%" in text]
    paths = [text for key, text in strings_below(DEFINITION) if key.endswith((".$", "Path")) or key == "Variable"]
    plain = re.compile(r"\${1,2}(\.[A-Za-z_]+)*")
    assert len(paths) > 100
    assert [path for path in paths if not plain.fullmatch(path) and not path.startswith("States.")] == []


@each_lambda
def test_a_function_is_retried_as_the_parameters_say(state: State) -> None:
    throttled, ours, late, sharing, service = state.body["Retry"]
    common = {
        "BackoffRate": PARAMETERS["retry_backoff_rate"],
        "MaxDelaySeconds": PARAMETERS["retry_max_delay_seconds"],
        "JitterStrategy": "FULL",
    }
    waits = {
        "MaxAttempts": PARAMETERS["max_attempts"],
        "MaxDelaySeconds": PARAMETERS["long_retry_max_delay_seconds"],
        "JitterStrategy": "NONE",
    }
    assert throttled == {
        "ErrorEquals": ["UpstreamThrottled"],
        "IntervalSeconds": PARAMETERS["throttled_interval_seconds"],
        "BackoffRate": PARAMETERS["retry_backoff_rate"],
        **waits,
    }
    assert late == {
        "ErrorEquals": ["NotYetPublished"],
        "IntervalSeconds": PARAMETERS["publication_interval_seconds"],
        "BackoffRate": PARAMETERS["publication_backoff_rate"],
        **waits,
    }
    assert sharing == {
        **common,
        "ErrorEquals": ["PassUnderWay"],
        "IntervalSeconds": PARAMETERS["pass_interval_seconds"],
        "MaxAttempts": PARAMETERS["pass_max_attempts"],
        "JitterStrategy": "NONE",
    }
    assert ours == {
        "ErrorEquals": [n for n in RETRIED if n not in ("UpstreamThrottled", "NotYetPublished", "PassUnderWay")],
        "IntervalSeconds": PARAMETERS["retry_interval_seconds"],
        "MaxAttempts": PARAMETERS["max_attempts"],
        **common,
    }
    assert service == {
        "ErrorEquals": list(SERVICE_FAULTS),
        "IntervalSeconds": PARAMETERS["service_retry_interval_seconds"],
        "MaxAttempts": PARAMETERS["service_max_attempts"],
        **common,
    }


@pytest.mark.parametrize("state", SENDERS, ids=lambda state: state.name)
def test_a_sending_is_retried_whatever_the_error(state: State) -> None:
    (_, ours, *_), (sending,) = LAMBDAS[0].body["Retry"], state.body["Retry"]
    assert sending == {**ours, "ErrorEquals": ["States.ALL"]}


@pytest.mark.parametrize("state", [s for s in LAMBDAS if s.map == "ProcessBatches"], ids=lambda state: state.name)
def test_a_failed_batch_goes_to_the_queue_whatever_the_error(state: State) -> None:
    *_, catcher = state.body["Catch"]
    assert catcher == {"ErrorEquals": ["States.ALL"], "ResultPath": f"$.failure.{state.name}", "Next": "SendToDlq"}


def test_the_retry_lists_are_those_of_the_error_classes() -> None:
    assert facts.RETRY.read_text("utf-8") == facts.retry_template(), "run: python -m infra.facts"


def test_an_error_class_may_have_a_policy_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UpstreamThrottled, "retry", RetryPolicy("minutes", "times"))
    text = facts.render(facts.retry_template(), PARAMETERS | {"minutes": 77, "times": 9})
    throttled, *_ = json.loads(text)["function"]
    assert throttled["ErrorEquals"] == ["UpstreamThrottled"]
    assert (throttled["IntervalSeconds"], throttled["MaxAttempts"]) == (77, 9)


def test_an_error_is_in_one_policy() -> None:
    names = [name for listed in retried_errors().values() for name in listed]
    assert len(set(names)) == len(names)


def test_the_parameters_are_ones_that_step_functions_accepts() -> None:
    assert PARAMETERS["max_attempts"] == 3
    for retrier in LAMBDAS[0].body["Retry"]:
        assert 0 < retrier["IntervalSeconds"] < retrier["MaxDelaySeconds"] <= 31622400
        assert retrier["BackoffRate"] >= 1


def test_a_shared_pass_is_waited_for_as_long_as_it_may_take() -> None:
    """Also where its function was killed: after ``LONGEST`` another batch takes it over."""
    wait, longest = PARAMETERS["pass_interval_seconds"], PARAMETERS["retry_max_delay_seconds"]
    waits = [min(wait * PARAMETERS["retry_backoff_rate"] ** n, longest) for n in range(PARAMETERS["pass_max_attempts"])]
    assert facts.functions_file()["functions"]["fetch"]["timeout_seconds"] < LONGEST.total_seconds() < sum(waits)
    # Each wait is an error of Lambda's, and these have an alarm.
    alarm = (PARAMETERS["max_attempts"] + 1) * PARAMETERS["max_concurrency"]
    assert len(list(takewhile(lambda total: total < 300, accumulate(waits)))) < alarm


def test_late_days_are_given_up_between_the_third_attempt_and_the_fourth() -> None:
    """See ``fetch.handler.Settings``: the fourth attempt must not raise where other days came."""
    wait = PARAMETERS["publication_interval_seconds"]
    assert PARAMETERS["publication_backoff_rate"] == 1
    assert 2 * wait + 600 < PARAMETERS["publication_patience_seconds"] <= 3 * wait - 60
    assert SHORT_WAITS["publication_patience_seconds"] / 3 / SHORT_WAITS["publication_interval_seconds"] < 0.05


def test_an_execution_of_everything_outlasts_a_source_that_is_throttled_all_the_time() -> None:
    """Each batch then waits all the waits, so many side by side; a call that is answered with 429 takes seconds."""
    years, datasets = date.today().year + 1 - 1999, len(dataset_names())
    (throttled,) = [one for one in LAMBDAS[0].body["Retry"] if "UpstreamThrottled" in one["ErrorEquals"]]
    waits = [throttled["IntervalSeconds"] * throttled["BackoffRate"] ** n for n in range(throttled["MaxAttempts"])]
    of_a_batch = sum(waits) + 60 * (1 + len(waits))
    assert years * datasets * of_a_batch / PARAMETERS["max_concurrency"] < DEFINITION["TimeoutSeconds"]


def test_no_terminal_error_is_retried() -> None:
    retried = {name for state in STATES for rule in state.body.get("Retry", []) for name in rule["ErrorEquals"]}
    assert retried.isdisjoint(TERMINAL)
    assert retried == {*RETRIED, *SERVICE_FAULTS, "States.ALL"}


@each_lambda
def test_a_payload_tells_where_it_comes_from(state: State) -> None:
    task = {"execution.$": "$$.Execution.Name", "state.$": "$$.State.Name", "retry.$": "$$.State.RetryCount"}
    batch = {"batch.$": "$.index"} if state.map == "ProcessBatches" else {}
    assert state.body["Parameters"]["Payload"]["task"] == task | batch


def test_the_cause_of_a_caught_error_is_read_only_where_there_is_one() -> None:
    """A caught error always has an Error; a Cause it need not have (https://states-language.net/spec.html#errors), and
    a path to nothing ends the execution with States.Runtime. A function's own error has one.
    """
    readers = {s.name for s in STATES for _, text in strings_below(s.body) if re.search(r"\.Cause\b", text)} - {
        state.name for state in STATES if state.body["Type"] == "Map"
    }
    assert readers == {"InvalidInput"}
    (to_invalid_input,) = [r for s in STATES for r in s.body.get("Catch", []) if r["Next"] == "InvalidInput"]
    assert to_invalid_input["ErrorEquals"] == ["InvalidRequest"]
