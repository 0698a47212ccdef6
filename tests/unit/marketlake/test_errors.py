"""The error classes against the state machine, which matches on their names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.client.machine import State, shipped_machine
from marketlake import errors
from marketlake.errors import (
    MAX_MESSAGE_BYTES,
    SERVICE_FAULTS,
    SYSTEM_ERRORS,
    MarketlakeError,
    TerminalError,
    TransientError,
    shorten,
)
from marketlake.failures import HEALS_BY_ITSELF, PLAIN_WORDS
from tests.error_names import TERMINAL, TRANSIENT

SERVICES = ("States.", "Lambda.", "Sandbox.", "Runtime.")


STATES = {state.name: state for state in shipped_machine().everywhere()}
LAMBDAS = {name: state for name, state in STATES.items() if state.kind == "Lambda"}


def names_in(state: State, field: str) -> list[str]:
    return [name for rule in state.body.get(field, []) for name in rule["ErrorEquals"]]


def test_the_six_functions_are_the_lambda_tasks() -> None:
    assert sorted(LAMBDAS) == ["AthenaCheck", "Fetch", "FetchPart", "Plan", "Report", "Transform", "Validate"]


def test_every_error_in_the_definition_is_one_of_ours_or_of_a_service() -> None:
    named = {name for state in STATES.values() for field in ("Retry", "Catch") for name in names_in(state, field)}
    ours = {name for name in named if not name.startswith(SERVICES)}
    assert ours == {*TRANSIENT, "InvalidRequest"}


@pytest.mark.parametrize("name", sorted(LAMBDAS))
def test_functions_are_tried_again_for_all_transient_errors_and_no_terminal_one(name: str) -> None:
    retried = names_in(LAMBDAS[name], "Retry")
    assert sorted(retried) == sorted([*TRANSIENT, *SYSTEM_ERRORS, *SERVICE_FAULTS])
    assert not set(retried) & {*TERMINAL, "States.ALL", "States.TaskFailed"}
    assert all(rule["MaxAttempts"] > 0 for rule in LAMBDAS[name].body["Retry"])


def test_every_class_is_transient_or_terminal_and_never_both() -> None:
    leaves = {
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, MarketlakeError) and not cls.__subclasses__()
    }
    assert {cls.__name__ for cls in leaves} == {*TRANSIENT, *TERMINAL}
    assert not any(issubclass(cls, TransientError) and issubclass(cls, TerminalError) for cls in leaves)


def test_the_mail_has_plain_words_for_every_class() -> None:
    assert set(PLAIN_WORDS) >= {*TRANSIENT, *TERMINAL, *SYSTEM_ERRORS}
    assert {*TRANSIENT, *SYSTEM_ERRORS, "PartFailed"} == HEALS_BY_ITSELF


@given(st.text(max_size=2000))
def test_a_message_is_short_and_on_one_line(text: str) -> None:
    message = str(errors.UpstreamMalformed(text))
    as_it_travels = json.dumps(json.dumps(message, ensure_ascii=False), ensure_ascii=False)
    assert len(as_it_travels.encode("utf-8", "replace")) <= MAX_MESSAGE_BYTES + len(r'"\"\""')
    assert message == " ".join(message.split())
    folded = " ".join(text.split())
    assert message == folded or (message.endswith("…") and folded.startswith(message[:-1]))


@given(st.text(max_size=100), st.integers(1, 50))
def test_shorten_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
