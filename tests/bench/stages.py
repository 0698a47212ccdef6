"""The functions of an execution called again in this process, one after the other, with nothing of Step Functions."""

from __future__ import annotations

import importlib
import io
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from infra import facts
from tests.bench.usage import Call
from tests.e2e.pipeline import Pipeline

ROLE = "bench"
"""Of this process: the emulator records the calls of roles only."""


@dataclass(frozen=True)
class Invocation:
    """A call of a function as the state machine made it."""

    function: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and of CPU on all threads of the process."""

    wall: float
    cpu: float


def use(pipeline: Pipeline) -> None:
    """Give this process the environment that the functions have there, and a role that may do everything."""
    assert pipeline.deployment is not None
    iam, sts = pipeline.aws("iam"), pipeline.aws("sts")
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_policy(anyone))["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE, PolicyName=ROLE, PolicyDocument=_policy(everything))
    session = sts.assume_role(RoleArn=role, RoleSessionName=ROLE)["Credentials"]
    os.environ.update(facts.functions_document(pipeline.deployment.values)["environment"])
    os.environ.update(
        AWS_ENDPOINT_URL=pipeline.config.endpoint_url,
        AWS_ACCESS_KEY_ID=session["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=session["SecretAccessKey"],
        AWS_SESSION_TOKEN=session["SessionToken"],
        AWS_DEFAULT_REGION=pipeline.config.region,
        AWS_REGION=pipeline.config.region,
        POWERTOOLS_TRACE_DISABLED="true",
        POWERTOOLS_LOG_LEVEL="ERROR",
    )


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def invocations(pipeline: Pipeline, document: dict[str, Any]) -> list[Invocation]:
    """The calls of functions that an execution with this input made, in their order; it must succeed at once."""
    outcome = pipeline.run(document)
    assert outcome.status == "SUCCEEDED", outcome
    events = pipeline.history(outcome.name)
    assert not any(event["type"] in ("TaskFailed", "TaskTimedOut") for event in events), outcome.name
    scheduled = [event["taskScheduledEventDetails"] for event in events if event["type"] == "TaskScheduled"]
    called = [json.loads(task["parameters"]) for task in scheduled if task["resourceType"] == "lambda"]
    names = {facts.function_name(pipeline.config.prefix, function): function for function in facts.function_names()}
    return [Invocation(names[task["FunctionName"].rpartition(":")[2]], task["Payload"]) for task in called]


def invoke(invocation: Invocation) -> Spent:
    """What the handler took; it must not raise."""
    handler = importlib.import_module(f"{invocation.function}.handler").handler
    cpu, began = time.process_time(), time.perf_counter()
    with redirect_stdout(io.StringIO()):  # the metrics, which Lambda takes from the output
        handler(invocation.payload, None)
    return Spent(time.perf_counter() - began, time.process_time() - cpu)


def written(calls: Iterable[Call]) -> set[tuple[str, str]]:
    """Bucket and key of each object that ``calls`` put."""
    resources = (call.resource.rpartition(":")[2] for call in calls if call.action == "s3:PutObject")
    return {(bucket, key) for bucket, _, key in (resource.partition("/") for resource in resources)}


def remove(pipeline: Pipeline, objects: Iterable[tuple[str, str]]) -> None:
    """Remove the objects (bucket and key), since a function leaves as it is what is there already."""
    keys = defaultdict(list)
    for bucket, key in objects:
        keys[bucket].append({"Key": key})
    for bucket, named in keys.items():
        for first in range(0, len(named), 1000):
            pipeline.aws("s3").delete_objects(Bucket=bucket, Delete={"Objects": named[first : first + 1000]})
