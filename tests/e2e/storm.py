"""A storm over a lake: faults at every call, then the commands that a person runs, until nothing is left to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from infra.faults.injector import Switch
from infra.faults.rules import load_profile
from tests.e2e.pipeline import Outcome, Pipeline

ROUNDS = 10
"""More redrives than this on an AWS without faults would mean that the queue never gets empty."""

EXECUTION_SECONDS = 600.0
WITHOUT_LETTER = {"Plan", "ProcessBatches", "SendToDlq", "SendRejectedDays"}
"""States whose failure is in no message on the queue, only in the report and the mail."""

Command = Callable[..., Any]
"""Runs ``marketlake ARGUMENTS --json`` and returns the document."""


@dataclass
class Aftermath:
    """What a storm did: faults by surface and kind, outcomes of all executions, the first of them first."""

    injected: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)


def run_storm(pipeline: Pipeline, command: Command, window: dict[str, Any], seed: int) -> Aftermath:
    """``window`` in one execution under the storm, and what failed again while AWS, but no source, still fails; then,
    without faults, redrives until the queue is empty, and retries of executions whose failure is in no message."""
    switch, aftermath = Switch(pipeline.config.root), Aftermath()
    storm = load_profile("storm")
    switch.on(storm, seed)
    _wait_for(pipeline, [_started(pipeline, window, f"storm-{seed}")], aftermath)
    aftermath.injected += switch.injected()

    # With good sources, batches that Fetch could not bring in reach the later stages and their faults.
    inside = tuple(rule for rule in storm.rules if rule.surface != "upstream")
    switch.on(msgspec.structs.replace(storm, name="storm without upstream", rules=inside), seed)
    _redrive(pipeline, command, aftermath)
    aftermath.injected += switch.injected()

    switch.off()
    for _ in range(ROUNDS):
        if not _redrive(pipeline, command, aftermath):
            break
    else:
        raise AssertionError(f"the queue was not empty after {ROUNDS} redrives: {aftermath.letters[-1]}")
    _retry_without_message(pipeline, command, aftermath)
    return aftermath


def _redrive(pipeline: Pipeline, command: Command, aftermath: Aftermath) -> int:
    """All messages run again, and their executions waited for; how many there were."""
    aftermath.letters += command("dlq", "list")
    records = command("dlq", "redrive", "--all")
    _wait_for(pipeline, [arn_of(pipeline, record["execution"]) for record in records], aftermath)
    return len(records)


def _retry_without_message(pipeline: Pipeline, command: Command, aftermath: Aftermath) -> None:
    """Of an execution that failed where no message is sent, the mail says to retry it."""
    for outcome in list(aftermath.outcomes):
        report = report_of(pipeline, outcome.name)
        states = {failure["state"] for failure in report["failures"]} if report else WITHOUT_LETTER
        if outcome.status == "FAILED" and states & WITHOUT_LETTER:
            records = command("retry", outcome.name)
            _wait_for(pipeline, [arn_of(pipeline, one["execution"]) for one in records if one["execution"]], aftermath)


def _wait_for(pipeline: Pipeline, arns: list[str], aftermath: Aftermath) -> None:
    aftermath.outcomes += [pipeline.wait(arn, EXECUTION_SECONDS) for arn in arns]


def _started(pipeline: Pipeline, window: dict[str, Any], name: str) -> str:
    """Start an execution of this name, which makes the keys of its manifests, and so its faults, those of the seed."""
    assert pipeline.deployment is not None
    arn = pipeline.deployment.state_machine_arn
    answer = pipeline.aws("stepfunctions").start_execution(stateMachineArn=arn, name=name, input=json.dumps(window))
    return str(answer["executionArn"])


def arn_of(pipeline: Pipeline, execution: str) -> str:
    """ARN of an execution, by its name."""
    assert pipeline.deployment is not None
    return pipeline.deployment.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{execution}"


def report_of(pipeline: Pipeline, execution: str) -> dict[str, Any] | None:
    """The run report, or None where the execution could not write one."""
    key = f"reports/{execution}.json"
    if key not in pipeline.etags("clean_bucket", key):
        return None
    report: dict[str, Any] = json.loads(pipeline.body("clean_bucket", key))
    return report


def empty(pipeline: Pipeline) -> None:
    """Remove everything from the lake and its queues, save for the configuration."""
    for bucket in ("raw_bucket", "clean_bucket"):
        keys = list(pipeline.etags(bucket, ""))
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            pipeline.aws("s3").delete_objects(Bucket=pipeline.name(bucket), Delete={"Objects": objects})
    pipeline.messages("dlq")
    pipeline.messages("mailbox")
