"""Least privilege, the other way round: what the policies allow is what is called.

The emulator records every call of every function over the tests before this one (failure paths included); the
state machine's own calls, which it does not check, are read from the executions' histories.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra import facts
from infra.local.config import ACCOUNT_ID
from infra.local.deploy import values_of
from tests.e2e.pipeline import Pipeline
from tests.iam import Request, allows

FORWARDED = {
    # Athena makes these with the credentials of whoever started the query
    # (https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html); the emulator's Athena reads by itself.
    ("athena_check", "s3:GetBucketLocation"),
    ("athena_check", "s3:ListBucket"),
    ("athena_check", "s3:ListBucketMultipartUploads"),
    ("athena_check", "s3:AbortMultipartUpload"),
    ("athena_check", "s3:ListMultipartUploadParts"),
    ("athena_check", "glue:GetDatabase"),
    ("athena_check", "glue:GetDatabases"),
    ("athena_check", "glue:GetPartitions"),
}
NOT_PROVOKED = {
    # Stops a query that is stuck, which the emulator's Athena cannot be made to be; tests/unit/athena_check does.
    ("athena_check", "athena:StopQueryExecution"),
}
COARSE = {
    # Athena reads the days and keeps its answers with the function's credentials, too: see FORWARDED.
    ("athena_check", "s3:GetObject", "marketlake-clean-000000000000-eu-west-2/clean/*"),
    ("athena_check", "s3:GetObject", "marketlake-clean-000000000000-eu-west-2/by_year/*"),
    ("athena_check", "s3:GetObject", "marketlake-results-000000000000-eu-west-2/*"),
    ("athena_check", "s3:PutObject", "marketlake-results-000000000000-eu-west-2/*"),
    # AWS wants catalog, database and table for glue:GetTable; the emulator records the database alone.
    ("athena_check", "glue:GetTable", "catalog"),
    ("athena_check", "glue:GetTable", "table"),
}
NOT_CALLED_SIDS = {"WriteOwnLogs", "Trace", "DeliverLogs"}

SPLIT = {"symbol": "VOD.L", "day": "2026-10-30", "split": [2, 1]}

Call = tuple[str, str]


@pytest.fixture(scope="module")
def recorded(shared_pipeline: Pipeline) -> dict[str, list[dict[str, Any]]]:
    """Function to the calls it made, in this session."""
    pipeline = shared_pipeline
    # So that this file can also be run alone: a batch that fails, rows that are bad, days that are there already.
    pipeline.inject({"kind": "scale100", "match": "chart/BARC.L"})
    pipeline.run({"datasets": ["ftse100_prices"], "start": "2018-05-01", "end": "2018-05-02", "force": True})
    pipeline.inject({"kind": "status", "status": 429, "match": "/(ecb|frankfurter)/"})
    pipeline.run({"datasets": ["fx_rates"], "start": "2018-05-02", "end": "2018-05-02", "force": True})
    # A symbol that fails alone is noted, and two batches share a pass over the source.
    pipeline.inject({"kind": "status", "status": 500, "match": "chart/VOD.L"})
    pipeline.run({"datasets": ["ftse100_prices"], "start": "2018-05-02", "end": "2018-05-02", "force": True})
    pipeline.inject()
    pipeline.run({"datasets": ["ftse100_index"], "start": "2017-12-28", "end": "2018-01-03", "force": True})
    scheduled = {"scheduled_time": "2018-05-02T18:45:00Z", "trigger": "schedule"}
    for document in ({}, {}, scheduled, scheduled, {"start": "2018-05-02", "end": "2018-05-02", "symbols": ["VOD.L"]}):
        pipeline.run(document)
    pipeline.run({"datasets": ["ftse100_prices"], "start": "2018-05-02", "end": "2018-05-02", "force": True})
    # A year's object that was lost is made from those of its days.
    lost = "by_year/ftse100_prices/year=2018/part-0.parquet"
    pipeline.aws("s3").delete_object(Bucket=pipeline.name("clean_bucket"), Key=lost)
    pipeline.run({"datasets": ["ftse100_prices"], "start": "2018-05-01", "end": "2018-05-01", "force": True})
    # A restatement, and back again: what Transform notices is read by Report.
    pipeline.act(SPLIT)
    pipeline.run({"datasets": ["ftse100_prices"]})
    pipeline.act()
    pipeline.run({"datasets": ["ftse100_prices"]})
    with pipeline.without("artifacts_bucket", "config/currencies.csv"):
        pipeline.run({"datasets": ["fx_rates"]})
    found: dict[str, list[dict[str, Any]]] = {function: [] for function in facts.function_names()}
    for call in pipeline.calls():
        for function, calls in found.items():
            if f":assumed-role/{facts.function_name(pipeline.config.prefix, function)}/" in call["principal"]:
                calls.append(call)
    return found


def granted(pipeline: Pipeline, role: str) -> Iterator[tuple[str, list[str]]]:
    """Each action that the policy of ``role`` allows, with its resources."""
    policy = json.loads(facts.policy(role, values_of(pipeline.config) | {"log_group_arn": "arn:logs"}))
    for statement in policy["Statement"]:
        if statement["Sid"] not in NOT_CALLED_SIDS:
            resources = statement["Resource"]
            for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
                yield action, [resources] if isinstance(resources, str) else resources


@pytest.mark.parametrize("function", facts.function_names())
def test_a_function_uses_all_that_it_may_and_asks_for_nothing_else(
    shared_pipeline: Pipeline, recorded: dict[str, list[dict[str, Any]]], function: str
) -> None:
    calls = recorded[function]
    assert calls, f"{function} made no call"
    refused = {(call["action"], call["resource"]) for call in calls if not call["allowed"]}
    assert refused == set()
    for action, resources in granted(shared_pipeline, function):
        made = [call["resource"] for call in calls if call["action"] == action]
        if (function, action) in FORWARDED | NOT_PROVOKED:
            continue
        for resource in resources:
            if (function, action, resource.partition(":::")[2] or resource.split(":")[-1].split("/")[0]) in COARSE:
                continue
            assert any(fnmatchcase(one, resource) for one in made), f"{function} never used {action} on {resource}"


@pytest.mark.parametrize("function", facts.function_names())
def test_aws_allows_each_call(
    shared_pipeline: Pipeline, recorded: dict[str, list[dict[str, Any]]], function: str
) -> None:
    """By the policy as it is on AWS, and on the resources that AWS judges a call by."""
    config = shared_pipeline.config
    values = facts.template_values(config.prefix, ACCOUNT_ID, config.region) | {"log_group_arn": "arn:logs"}
    policy = json.loads(facts.policy(function, values))
    made = {request for call in recorded[function] for request in _on_aws(call, values)}
    assert [str(request) for request in made if not allows([policy], request)] == []
    assert {request.action for request in made} == {call["action"] for call in recorded[function]}


def _on_aws(call: dict[str, Any], values: dict[str, object]) -> Iterator[Request]:
    resources = [call["resource"]]
    if call["resource"] == "*":
        resources = [str(values["athena_queries_arn"])]  # the emulator does not know a query's workgroup
    if call["action"] == "glue:GetTable":
        names = ("catalog", f"database/{values['database']}", f"table/{values['database']}/fx_rates")
        resources = [f"arn:aws:glue:{values['region']}:{values['account_id']}:{name}" for name in names]
    yield from (Request(call["action"], resource, call["keys"]) for resource in resources)


def state_machine_calls(pipeline: Pipeline) -> set[Call]:
    """(action, resource) of every task that any execution scheduled."""
    assert pipeline.deployment is not None
    arn = pipeline.deployment.state_machine_arn
    pages = pipeline.aws("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=arn)
    calls: set[Call] = set()
    for execution in (item for page in pages for item in page["executions"]):
        for event in pipeline.history(execution["name"]):
            details = event.get("taskScheduledEventDetails")
            if details:
                resource = f"{details['resourceType']}:{details['resource']}"
                calls.add(_call(pipeline, resource, json.loads(details["parameters"])))
    return calls


def _call(pipeline: Pipeline, resource: str, parameters: dict[str, Any]) -> Call:
    if resource == "lambda:invoke":
        return "lambda:InvokeFunction", parameters["FunctionName"]
    if resource == "sqs:sendMessage":
        queue = parameters["QueueUrl"].rsplit("/", 1)[1]
        return "sqs:SendMessage", pipeline.name("dlq_arn").rsplit(":", 1)[0] + f":{queue}"
    assert resource == "sns:publish"
    return "sns:Publish", parameters["TopicArn"]


def test_the_state_machine_uses_exactly_what_it_may(
    pipeline: Pipeline, recorded: dict[str, list[dict[str, Any]]]
) -> None:
    assert recorded
    may = {(action, resource) for action, resources in granted(pipeline, "state_machine") for resource in resources}
    assert state_machine_calls(pipeline) == may
