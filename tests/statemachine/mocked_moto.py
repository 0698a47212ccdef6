"""moto's interpreter of the Amazon States Language (LocalStack's) with the mocked responses of ``MockConfigFile.json``.

An interpreter of another make than the emulator's, and a strict one: a path to nothing fails. moto has the code
for mocked responses, and no way to give it the file; its executions are matched with test cases by their names.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import mock_eval_utils
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.mocking.mock_config import MockedResponse, MockedResponseReturn, MockedResponseThrow

from tests.statemachine.definition import MOCK_CONFIG


class Answers:
    """The answers of each execution's states, by one counter a state and execution, as Step Functions Local counts."""

    def __init__(self) -> None:
        self._config = json.loads(MOCK_CONFIG.read_text("utf-8"))
        self._numbers: dict[tuple[str, str], Iterator[int]] = defaultdict(itertools.count)

    def next(self, environment: Environment) -> MockedResponse:
        """The answer to the call that ``environment`` is about to make."""
        context: Any = environment.states.context_object.context_object_data
        state, execution = str(environment.next_state_name), context["Execution"]["Name"]
        test_case = execution.split("-")[0]
        name = self._config["StateMachines"][context["StateMachine"]["Name"]]["TestCases"][test_case][state]
        number = next(self._numbers[execution, state])
        for places, answer in self._config["MockedResponses"][name].items():
            first, _, last = places.partition("-")
            if int(first) <= number <= int(last or first):
                thrown = answer.get("Throw")
                if thrown:
                    return MockedResponseThrow(number, number, thrown["Error"], thrown["Cause"])
                return MockedResponseReturn(number, number, answer["Return"])
        raise LookupError(f"{state} was called {number + 1} times")


class MockedMoto:
    """Switches moto's interpreter on and off; what it holds stays from one time to the next."""

    def __init__(self) -> None:
        self._answers = Answers()
        # Both are most of the time otherwise: the definition is read once an execution, a path once a use.
        self._parse = functools.cache(AmazonStateLanguageParser.parse)
        self._parse_path = functools.cache(vars(json_path)["parse"])
        self._aws = mock_aws(config={"stepfunctions": {"execute_state_machine": True}})

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """moto's interpreter, with every Task mocked and no waiting between attempts."""

        def answer(environment: Environment) -> MockedResponse:
            return self._answers.next(environment)

        with ExitStack() as stack:
            stack.enter_context(patch.object(Environment, "is_mocked_mode", lambda _: True))
            stack.enter_context(patch.object(Environment, "get_current_mocked_response", answer))
            stack.enter_context(patch.object(mock_eval_utils, "CustomErrorName", error_name))
            stack.enter_context(patch.object(AmazonStateLanguageParser, "parse", staticmethod(self._parse)))
            stack.enter_context(patch.object(json_path, "parse", self._parse_path))
            stack.enter_context(patch.object(retrier_decl, "time", NoWaiting))
            # It writes out the whole state at each failure, which here are many and meant.
            stack.enter_context(patch.object(EvalComponent, "_log_failure_event_exception", lambda *_, **__: None))
            self._aws.start(reset=False)
            stack.callback(self._aws.stop, remove_data=False)
            yield


def error_name(name: str) -> ErrorName:
    """The name of a mocked error; moto takes all of them for custom ones, which may not start with ``States.``."""
    return StatesErrorName.from_name(name) if name.startswith("States.") else CustomErrorName(name)


class NoWaiting:
    """The module ``time``, as far as a retrier uses it."""

    @staticmethod
    def sleep(_: float) -> None:
        """Do not."""
