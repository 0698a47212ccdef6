"""The configuration that users deploy, applied to the local AWS emulator with IAM enforced: run, looked at, destroyed.

The tests of this file are steps of one story, in order, on one stack; applying it takes a minute.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import facts
from infra.client.saved_queries import saved_queries
from infra.local import server
from infra.local.config import ACCOUNT_ID, LocalConfig
from infra.local.deploy import BUCKETS, SHORT_WAITS, Deployment, values_of
from infra.local.lists import CLOSING_DAYS, lookup_csv
from infra.package.tables import ACTIONS, lookup_key, lookups, table_input, table_inputs, view_definition, views
from marketlake.contract import CONTRACTS, dataset_names
from tests.e2e.pipeline import Pipeline, free_port_pair
from tests.infra.bundles_built import build_local
from tests.infra.terraform import EMULATOR_ALTERS, Terraform, credentials

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform")]

LAST_DAY = "2026-10-30"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> LocalConfig:
    return LocalConfig(root=tmp_path_factory.mktemp("terraform") / "emulator", port=free_port_pair())


@pytest.fixture(scope="module")
def terraform(config: LocalConfig, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    values = values_of(config)
    overridden = ("yahoo_base_url", "ecb_base_url", "frankfurter_base_url", *SHORT_WAITS)
    variables = {
        "alert_email": "somebody@example.org",
        "local_endpoint": config.endpoint_url,
        "lambda_runtime": "provided.al2023",
        "package_dir": str(build_local(tmp_path_factory.mktemp("packages")).zips),
        "schedule_expression": "rate(1 minute)",
        "force_destroy": True,
        "parameters": {name: str(values[name]) for name in overridden} | {"last_known_day": LAST_DAY},
    }
    terraform = Terraform(tmp_path_factory.mktemp("configuration"), variables, credentials(config.region))
    terraform.init()
    return terraform


@pytest.fixture(scope="module")
def stack(config: LocalConfig, terraform: Terraform) -> Iterator[Pipeline]:
    """The pipeline that Terraform made."""
    server.start(config)
    try:
        terraform.run("apply", "-input=false", "-auto-approve")
        pipeline = Pipeline(config)
        values = values_of(config) | {"last_known_day": LAST_DAY}
        arn = f"arn:aws:states:{config.region}:{ACCOUNT_ID}:stateMachine:{values['state_machine']}"
        pipeline.deployment = Deployment(arn, values, changed=True)
        yield pipeline
    finally:
        server.stop(config.root)


def test_the_configuration_is_formatted_and_valid(terraform: Terraform) -> None:
    assert terraform.run("fmt", "-check", "-recursive", check=False).stdout == ""
    assert json.loads(terraform.run("validate", "-json").stdout)["diagnostics"] == []


def test_daily_run_and_a_month_on_the_stack(stack: Pipeline) -> None:
    daily = stack.run({})
    assert daily.status == "SUCCEEDED", daily
    month = stack.run({"start": "2024-01-01", "end": "2024-01-31"})
    assert month.status == "SUCCEEDED", month
    rows = stack.query("SELECT count(DISTINCT dt), count(*) FROM fx_rates WHERE dt LIKE '2024-01-%'")
    assert rows == [["22", "660"]]
    assert stack.query("SELECT count(DISTINCT dt) FROM ftse100_prices WHERE dt LIKE '2024-01-%'") == [["22"]]


def test_a_failure_is_kept_and_mailed(stack: Pipeline) -> None:
    stack.inject({"kind": "status", "status": 503, "match": "/(ecb|frankfurter)/"})
    outcome = stack.run({"datasets": ["fx_rates"], "start": "2024-02-01", "end": "2024-02-01"})
    stack.inject()
    assert (outcome.status, outcome.error) == ("FAILED", "UpstreamUnavailable")
    failed = [event for event in stack.history(outcome.name) if event["type"] == "TaskFailed"]
    assert len(failed) == 4  # Fetch, four times: the queue and the topic took what they were sent
    kept = [message["input"]["start"] for message in stack.messages("dlq") if "input" in message]
    assert "2024-02-01" in kept  # beside what a scheduled run may have met


def test_the_schedule_starts_an_execution_by_itself(stack: Pipeline, config: LocalConfig) -> None:
    assert stack.deployment is not None
    ours = {"SUCCEEDED", "RUNNING", "FAILED"}
    end = time.monotonic() + timedelta(seconds=150).total_seconds()
    while time.monotonic() < end:
        listed = stack.aws("stepfunctions").list_executions(stateMachineArn=stack.deployment.state_machine_arn)
        # Ours were started by StartExecution with the names of this session's calls: three so far.
        if len([e for e in listed["executions"] if e["status"] in ours]) > 3:
            break
        time.sleep(1)
    else:
        raise AssertionError("the schedule started nothing in 150 s")
    scheduler = stack.aws("scheduler")
    name = str(stack.deployment.values["schedule"])
    found = scheduler.get_schedule(Name=name)
    kept = ("ScheduleExpression", "FlexibleTimeWindow", "Target", "ScheduleExpressionTimezone")
    scheduler.update_schedule(Name=name, State="DISABLED", **{key: found[key] for key in kept})
    assert config.prefix in name


def test_the_stack_is_what_the_local_deployment_makes(stack: Pipeline, config: LocalConfig) -> None:
    assert stack.deployment is not None
    values = stack.deployment.values
    described = stack.aws("stepfunctions").describe_state_machine(stateMachineArn=stack.deployment.state_machine_arn)
    assert json.loads(described["definition"]) == json.loads(facts.definition(values))
    document = facts.functions_document(values)
    for function in facts.function_names():
        name = facts.function_name(config.prefix, function)
        deployed = stack.aws("lambda").get_function_configuration(FunctionName=name)
        wanted = document["functions"][function]
        environment = {key: document["environment"][key] for key in wanted["environment"]}
        found = deployed["Environment"]["Variables"]
        assert {key: found.get(key, "") for key in environment} == environment
        assert (deployed["Handler"], deployed["Timeout"], deployed["MemorySize"]) == (
            wanted["handler"],
            wanted["timeout_seconds"],
            wanted["memory_mb"],
        )
        assert _policy(stack, name) == json.loads(
            facts.policy(function, values | {"log_group_arn": _log_group(config, name)})
        )
    machine = facts.function_name(config.prefix, "state_machine")
    assert _policy(stack, machine) == json.loads(facts.policy("state_machine", values))
    for dataset in dataset_names():
        table = stack.aws("glue").get_table(DatabaseName=values["database"], Name=dataset)["Table"]
        ours = table_input(dataset, str(values["clean_bucket"]))
        assert _without_empty(table["StorageDescriptor"]["Columns"]) == ours["StorageDescriptor"]["Columns"]
        assert table["Parameters"].items() >= ours["Parameters"].items()
        assert _without_empty(table["PartitionKeys"]) == ours["PartitionKeys"]
        assert table["StorageDescriptor"]["Location"] == ours["StorageDescriptor"]["Location"]


def test_the_analysts_tables_are_what_the_local_deployment_makes(stack: Pipeline) -> None:
    assert stack.deployment is not None
    values = stack.deployment.values
    listed = stack.aws("glue").get_tables(DatabaseName=values["database"])["TableList"]
    found = {table["Name"]: table for table in listed}
    wanted = {table["Name"]: table for table in table_inputs(values)}
    assert set(found) == set(wanted)
    for name in [ACTIONS, *lookups(), *(f"quarantine_{dataset}" for dataset in dataset_names())]:
        there, ours = (dict(table[name]["StorageDescriptor"]) for table in (found, wanted))
        for one in (there, ours):
            (one["SerdeInfo"],) = _without_empty([one["SerdeInfo"]])
        assert there.items() >= {key: value for key, value in ours.items() if key != "Columns"}.items()
        columns = _without_empty(found[name]["StorageDescriptor"]["Columns"])
        assert columns == wanted[name]["StorageDescriptor"]["Columns"]
        assert found[name]["Parameters"].items() >= wanted[name]["Parameters"].items()
        assert found[name]["Description"] == wanted[name]["Description"]
    for view in views():
        there, ours = found[view.name], wanted[view.name]
        assert view_definition(there["ViewOriginalText"]) == view_definition(ours["ViewOriginalText"])
        assert there["ViewExpandedText"] == ours["ViewExpandedText"]
        assert (there["TableType"], there["Parameters"].items() >= ours["Parameters"].items()) == ("VIRTUAL_VIEW", True)
        assert _without_empty(there["StorageDescriptor"]["Columns"]) == ours["StorageDescriptor"]["Columns"]
        assert there["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == "-"
    for name, source in {"constituents": CONTRACTS / "constituents.csv", "closing_days": CLOSING_DAYS}.items():
        assert stack.body("artifacts_bucket", lookup_key(name)) == lookup_csv(name, source.read_bytes())


def test_every_alarm_is_there_and_mails(stack: Pipeline, config: LocalConfig) -> None:
    thresholds = {"executions-failed": 1, "executions-timed-out": 1, "executions-throttled": 1, "freshness": 1}
    thresholds |= {"dlq-depth": 1, "athena-failures": 3, "unauthorized-calls": 5}
    thresholds |= {f"rejected-rows-{dataset.replace('_', '-')}": 1 for dataset in dataset_names()}
    for name, described in facts.functions_document(values_of(config))["functions"].items():
        dashed = name.replace("_", "-")
        longest = described["timeout_seconds"] * 800  # ms: 80 % of it
        thresholds |= {f"{dashed}-errors": 4 * 2, f"{dashed}-throttles": 1, f"{dashed}-duration": longest}
    (page,) = stack.aws("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = {alarm["AlarmName"].removeprefix(f"{config.prefix}-"): alarm for alarm in page["MetricAlarms"]}
    assert {name: alarm["Threshold"] for name, alarm in alarms.items()} == thresholds
    assert stack.deployment is not None
    assert all(alarm["AlarmActions"] == [stack.deployment.values["topic_arn"]] for alarm in alarms.values())
    silent = {name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}
    assert silent == {"freshness"}


def test_every_saved_query_is_a_named_query_and_a_prepared_statement(stack: Pipeline) -> None:
    athena, queries = stack.aws("athena"), saved_queries()
    group = stack.name("workgroup")
    ids = athena.list_named_queries(WorkGroup=group)["NamedQueryIds"]
    named = {q["Name"]: q for q in athena.batch_get_named_query(NamedQueryIds=ids)["NamedQueries"]}
    assert {name: q["Description"] for name, q in named.items()} == {q.name: q.description for q in queries}
    assert all(named[query.name]["QueryString"].endswith(query.sql) for query in queries)
    for query in queries:
        found = athena.get_prepared_statement(StatementName=query.name, WorkGroup=group)["PreparedStatement"]
        assert found["QueryStatement"] == query.sql
        assert found["Description"] == f"{query.description} (parameters: {', '.join(query.places)})"


def _log_group(config: LocalConfig, name: str) -> str:
    return f"arn:aws:logs:{config.region}:{ACCOUNT_ID}:log-group:/aws/lambda/{name}"


def _policy(stack: Pipeline, role: str) -> dict[str, Any]:
    iam = stack.aws("iam")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return document


def _without_empty(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in column.items() if value not in ("", {}, None)} for column in columns]


def test_a_second_plan_changes_only_what_the_emulator_alters(stack: Pipeline, terraform: Terraform) -> None:
    assert stack.deployment is not None
    # The schedule was switched off by the test before.
    known = EMULATOR_ALTERS | {"aws_scheduler_schedule"}
    changes = [_described(change) for change in terraform.changes() if change["type"] not in known]
    # A zip is large enough to go up in parts, and the emulator drops the tags of what does.
    assert [change for change in changes if not change.endswith("['update'] of ['tags_all']")] == []
    assert all(change.startswith("aws_s3_object.package[") for change in changes)
    terraform.run("apply", "-input=false", "-auto-approve")  # again, over what is there


def _described(change: dict[str, Any]) -> str:
    before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
    differing = [key for key in after if before.get(key) != after[key]]
    return f"{change['address']}: {change['change']['actions']} of {differing}"


def test_quicksight_is_planned(stack: Pipeline, terraform: Terraform) -> None:
    """The emulator has no QuickSight: what Terraform would make of it is planned, and no more."""
    assert stack
    planned = [change for change in terraform.changes("-var=quicksight_user=analyst") if "quicksight" in change["type"]]
    assert {tuple(change["change"]["actions"]) for change in planned} == {("create",)}
    assert {"aws_quicksight_data_source", "aws_quicksight_data_set", "aws_quicksight_dashboard"} <= {
        change["type"] for change in planned
    }


def test_destroy_leaves_nothing(stack: Pipeline, terraform: Terraform, config: LocalConfig) -> None:
    terraform.run("destroy", "-input=false", "-auto-approve")
    assert terraform.state() == []
    names = {str(stack.name(bucket)) for bucket in BUCKETS}
    assert names.isdisjoint(bucket["Name"] for bucket in stack.aws("s3").list_buckets()["Buckets"])
    assert stack.aws("lambda").list_functions()["Functions"] == []
    assert stack.aws("stepfunctions").list_state_machines()["stateMachines"] == []
    assert [role for role in stack.aws("iam").list_roles()["Roles"] if role["RoleName"].startswith(config.prefix)] == []
    with pytest.raises(ClientError):
        stack.aws("glue").get_database(Name=stack.name("database"))
