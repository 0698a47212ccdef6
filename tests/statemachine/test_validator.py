"""The shipped definition held against two independent readers of the Amazon States Language, both from PyPI."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

from tests.statemachine.definition import Json, interrupted, rendered

RULE = "E3601"  # cfn-lint: StateMachineDefinition


def complaints(definition: Json) -> list[str]:
    """What cfn-lint says about ``definition`` as the definition of an AWS::StepFunctions::StateMachine."""
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/marketlake", "Definition": definition}
    resources = {"Pipeline": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    return [match.rule.id for match in lint(template, config=ManualArgs(regions=["eu-west-2"]))]


def test_cfn_lint_accepts_the_definitions() -> None:
    assert complaints(rendered()) == complaints(interrupted()) == []


def _no_error_equals(definition: Json) -> None:
    del definition["States"]["Report"]["Retry"][0]["ErrorEquals"]


def _unknown_field(definition: Json) -> None:
    definition["States"]["Outcome"]["Defaul"] = "Succeeded"


def _timeout_is_text(definition: Json) -> None:
    definition["States"]["ProcessBatches"]["ItemProcessor"]["States"]["Fetch"]["TimeoutSeconds"] = "soon"


BREAKS = [_no_error_equals, _unknown_field, _timeout_is_text]


@pytest.mark.parametrize("break_it", BREAKS)
def test_cfn_lint_refuses_a_broken_one(break_it: Callable[[Json], None]) -> None:
    definition = rendered()
    break_it(definition)
    assert complaints(definition) == [RULE]


def test_the_grammar_accepts_the_definitions() -> None:
    AmazonStateLanguageParser.parse(json.dumps(rendered()))
    AmazonStateLanguageParser.parse(json.dumps(interrupted()))


@pytest.mark.parametrize("break_it", BREAKS[1:])
def test_the_grammar_refuses_a_broken_one(break_it: Callable[[Json], None]) -> None:
    definition = rendered()
    break_it(definition)
    with pytest.raises(ASLParserException):
        AmazonStateLanguageParser.parse(json.dumps(definition))
