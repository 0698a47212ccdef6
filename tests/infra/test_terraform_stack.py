"""The configuration that users deploy, applied to the local AWS emulator with IAM enforced: run, looked at, destroyed.

The tests of this file are steps of one story, in order, on one stack; applying it takes a minute.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
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
from tests.e2e.accepting import accept
from tests.e2e.pipeline import Pipeline, free_port_pair
from tests.iam import Request, allows, listed, unknown
from tests.infra.bundles_built import build_local
from tests.infra.github_roles import BY_A_PERSON, GITHUBS_OWN, UNRECORDED, UPDATES, refresh, state
from tests.infra.provider_calls import Place, asked
from tests.infra.runbook import runbook_alarms
from tests.infra.terraform import Terraform, credentials

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("terraform")]

LAST_DAY = "2026-10-30"

CHANGES: dict[str, object] = {
    "tags": {"Owner": "data-team"},
    "alert_email": "somebody.else@example.org",
    "budget_usd": 11,
    "log_retention_days": 60,
    "athena_bytes_cutoff": 2147483648,
    "morning_run_at": "07:00",
}


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
        "github_repository": "octocat/marketlake",
        "github_repository_id": 456789,
        "github_owner_id": 123456,
        "github_oidc_provider_exists": True,  # the emulator cannot tag one
        "state_bucket": "states",
    }
    folder = tmp_path_factory.mktemp("configuration")
    terraform = Terraform(folder, variables, credentials(config.region), recorded=True)
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
    for role in ("state_machine", "interrupted", "interrupted_rule"):
        assert _policy(stack, facts.function_name(config.prefix, role)) == json.loads(facts.policy(role, values))
    _assert_interruptions_are_mailed(stack, config, facts.interrupted(values))
    for dataset in dataset_names():
        table = stack.aws("glue").get_table(DatabaseName=values["database"], Name=dataset)["Table"]
        ours = table_input(dataset, str(values["clean_bucket"]))
        assert _without_empty(table["StorageDescriptor"]["Columns"]) == ours["StorageDescriptor"]["Columns"]
        assert table["Parameters"].items() >= ours["Parameters"].items()
        assert _without_empty(table["PartitionKeys"]) == ours["PartitionKeys"]
        assert table["StorageDescriptor"]["Location"] == ours["StorageDescriptor"]["Location"]


def _assert_interruptions_are_mailed(stack: Pipeline, config: LocalConfig, wanted: dict[str, Any]) -> None:
    name, events = stack.name("interrupted"), stack.aws("events")
    machine = f"arn:aws:states:{config.region}:{ACCOUNT_ID}:stateMachine:{name}"
    described = stack.aws("stepfunctions").describe_state_machine(stateMachineArn=machine)
    assert json.loads(described["definition"]) == wanted["definition"]
    assert described["roleArn"].endswith(f":role/{config.prefix}-interrupted")
    assert json.loads(events.describe_rule(Name=name)["EventPattern"]) == wanted["pattern"]
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert (target["Arn"], target["InputPath"]) == (machine, "$.detail")
    assert target["RoleArn"].endswith(f":role/{config.prefix}-interrupted-rule")


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
    thresholds = dict.fromkeys(runbook_alarms()["alarm"], 1) | {"unauthorized-calls": 5}
    (page,) = stack.aws("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = {alarm["AlarmName"].removeprefix(f"{config.prefix}-"): alarm for alarm in page["MetricAlarms"]}
    assert {name: alarm["Threshold"] for name, alarm in alarms.items()} == thresholds
    assert stack.deployment is not None
    assert all(alarm["AlarmActions"] == [stack.deployment.values["topic_arn"]] for alarm in alarms.values())
    metrics = {alarm["MetricName"]: alarm["Namespace"] for alarm in alarms.values()}
    assert metrics["ExecutionsAborted"] == metrics["ExecutionsTimedOut"] == metrics["ExecutionsFailed"] == "AWS/States"
    (rejected,) = alarms["rejected-rows"]["Dimensions"]
    assert (rejected["Name"], rejected["Value"]) == ("service", config.prefix)  # as telemetry.count writes it
    validate = facts.function_name(config.prefix, "validate")
    settings = stack.aws("lambda").get_function_configuration(FunctionName=validate)["Environment"]["Variables"]
    assert settings["POWERTOOLS_SERVICE_NAME"] == config.prefix
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


def test_acceptance_names_each_part_that_somebody_broke(
    stack: Pipeline, terraform: Terraform, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = stack.config.prefix
    stack.aws("s3").delete_bucket_lifecycle(Bucket=stack.name("raw_bucket"))
    alarm = f"{prefix}-dlq-depth"
    stack.aws("cloudwatch").put_metric_alarm(
        AlarmName=alarm, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=1, MetricName="m",
        Namespace="n", Period=60, Statistic="Sum",
    )  # fmt: skip
    stack.aws("glue").delete_table(DatabaseName=stack.name("database"), Name="ftse100_prices_adjusted")
    broken = {
        "lifecycle": "raw/ never expires",
        "alarms": f"no mail is sent by: {alarm}",
        "saved-queries": "total_return: the query failed",
        "no-changes": "aws_s3_bucket_lifecycle_configuration",
    }
    only = [argument for step in [*broken, "schedules"] for argument in ("--only", step)]
    status, found = accept(capsys, stack.config.root, "--terraform", str(terraform.folder), *only)
    assert status == 1
    for step, words in broken.items():
        assert found[step]["status"] == "failed", found
        assert words in found[step]["seen"], found
        assert found[step]["advice"]
    # The schedule was switched off by a test above.
    assert found["schedules"]["status"] == "not tried"
    assert f"{prefix}-daily is off" in found["schedules"]["seen"]


def test_acceptance_passes_once_it_is_deployed_again(
    stack: Pipeline, terraform: Terraform, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = terraform.variables["parameters"]
    assert isinstance(parameters, dict)
    terraform.set(**CHANGES, parameters={**parameters, "log_level": "DEBUG"})
    terraform.run("apply", "-input=false", "-auto-approve")  # again, with changes, over what is there
    status, found = accept(capsys, stack.config.root, "--terraform", str(terraform.folder))
    assert {step for step, finding in found.items() if finding["status"] == "failed"} == set(), found
    assert {step for step, finding in found.items() if finding["status"] == "not tried"} == {"prepared-statements"}
    assert status == 0
    assert "was set off and mailed" in found["alarms"]["seen"]
    assert "a plan changes nothing" in found["no-changes"]["seen"]


def test_quicksight_and_what_may_be_chosen_of_the_monitoring_are_planned(
    stack: Pipeline, terraform: Terraform, config: LocalConfig, github: dict[str, dict[str, Any]]
) -> None:
    """The emulator has no QuickSight: what Terraform would make of it is planned, and no more."""
    assert stack
    chosen = ["quicksight_user=analyst", "alarms=all", "dashboard_enabled=false", "budget_enabled=false"]
    changes = terraform.changes(*(f"-var={one}" for one in chosen))
    # What acceptance lets pass of the zips: one that goes up in parts loses its tags on the emulator.
    for change in (change for change in changes if change["type"] == "aws_s3_object"):
        before, after = change["change"]["before"], change["change"]["after"]
        assert change["address"].startswith("aws_s3_object.package[")
        assert change["change"]["actions"] == ["update"]
        assert [key for key in after if before.get(key) != after[key]] == ["tags_all"]
    thresholds = {"executions-throttled": 1, "athena-failures": 3}
    for name, described in facts.functions_document(values_of(config))["functions"].items():
        dashed = name.replace("_", "-")
        longest = described["timeout_seconds"] * 800  # ms: 80 % of it
        thresholds |= {f"{dashed}-errors": 4 * 2, f"{dashed}-throttles": 1, f"{dashed}-duration": longest}
    further = [
        c for c in changes if c["type"] == "aws_cloudwatch_metric_alarm" and c["change"]["actions"] == ["create"]
    ]
    assert {c["index"]: c["change"]["after"]["threshold"] for c in further} == thresholds
    assert set(thresholds) == runbook_alarms()["further alarm"]
    arns = [f"arn:aws:cloudwatch:{config.region}:{ACCOUNT_ID}:alarm:{config.prefix}-{name}" for name in thresholds]
    assert _refused(github.values(), [Request("cloudwatch:PutMetricAlarm", arn) for arn in arns]) == []
    gone = {c["type"] for c in changes if c["change"]["actions"] == ["delete"]}
    assert gone == {"aws_cloudwatch_dashboard", "aws_cloudwatch_log_metric_filter", "aws_budgets_budget"}
    planned = [change for change in changes if "quicksight" in change["type"]]
    assert {tuple(change["change"]["actions"]) for change in planned} == {("create",)}
    assert {"aws_quicksight_data_source", "aws_quicksight_data_set", "aws_quicksight_dashboard"} <= {
        change["type"] for change in planned
    }
    for change in planned:
        (permission,) = change["change"]["after"].get("permissions") or change["change"]["after"]["permission"]
        # In the identity region, and with an owner's actions beside a viewer's.
        assert permission["principal"] == f"arn:aws:quicksight:us-east-1:{ACCOUNT_ID}:user/default/analyst"
        thing = {"aws_quicksight_data_source": "DataSource", "aws_quicksight_data_set": "DataSet"}
        kind = thing.get(change["type"], "Dashboard")
        owners = [f"quicksight:{verb}{kind}" for verb in ("Describe", "Update", "Delete")]
        assert {*owners, f"quicksight:Update{kind}Permissions"} <= set(permission["actions"])


@pytest.fixture(scope="module")
def place(config: LocalConfig) -> Place:
    return Place(config.region, ACCOUNT_ID, workgroup=config.prefix)


@pytest.fixture(scope="module")
def github(stack: Pipeline, terraform: Terraform) -> dict[str, dict[str, Any]]:
    """The policies of GitHub's roles, as they were made, by the part of their names after the prefix."""
    assert stack
    made = [call.parameters for call in terraform.calls("apply")[0] if call.operation == "CreatePolicy"]
    prefix = f"github-{stack.config.prefix}-"
    return {one["PolicyName"].removeprefix(prefix): json.loads(one["PolicyDocument"]) for one in made}


@pytest.mark.parametrize("name", ["plan", "plan-monitoring", "deploy", "deploy-roles", "deploy-monitoring"])
def test_a_policy_of_githubs_fits_and_names_what_aws_knows(
    github: dict[str, dict[str, Any]], config: LocalConfig, name: str
) -> None:
    assert list(unknown(github[name])) == []
    text = json.dumps(github[name], separators=(",", ":")).replace("states/", f"{'s' * 63}/")
    longest = (
        text.replace(config.prefix, "m" * 25)
        .replace(config.region, "us-gov-west-1")
        .replace("arn:aws:", "arn:aws-us-gov:")
    )
    assert len(longest) <= 6144


def test_githubs_subjects_have_names_alone_and_names_with_numbers(stack: Pipeline) -> None:
    subjects = {}
    for role in ("plan", "deploy"):
        document = stack.aws("iam").get_role(RoleName=f"github-marketlake-{role}")["Role"]["AssumeRolePolicyDocument"]
        (statement,) = document["Statement"]
        ((operator, keys),) = statement["Condition"].items()
        assert operator == "StringEquals"
        subjects[role] = keys["token.actions.githubusercontent.com:sub"]
    assert subjects == {
        role: [f"repo:octocat/marketlake:{job}", f"repo:octocat@123456/marketlake@456789:{job}"]
        for role, job in {"plan": "pull_request", "deploy": "environment:production"}.items()
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


def _refused(policies: Iterable[dict[str, Any]], requests: Iterable[Request]) -> list[str]:
    documents = list(policies)
    return [str(request) for request in requests if not allows(documents, request)]


def test_githubs_plan_role_may_read_what_a_refresh_reads(
    terraform: Terraform, github: dict[str, dict[str, Any]], place: Place
) -> None:
    plan = [policy for name, policy in github.items() if name.startswith("plan")]
    made = [call for run in terraform.calls("plan") for call in run]
    assert len({call.resource_type for call in made}) > 25
    asked_for = asked(made, place)
    assert _refused(plan, [*asked_for, *refresh(place)]) == []
    assert _refused(plan, (request for role, request in state("states") if role == "plan")) == []
    written = [str(request) for role, request in state("states") if role == "deploy" and "Get" not in request.action]
    assert _refused(plan, (request for _, request in state("states"))) == written


def test_githubs_deploy_role_may_make_and_change_all_but_itself(
    terraform: Terraform, github: dict[str, dict[str, Any]], place: Place, stack: Pipeline
) -> None:
    first, *others = terraform.calls("apply")
    assert {call.operation for run in others for call in run} >= {
        "Unsubscribe",
        "UpdateFunctionConfiguration",
        "TagRole",
    }
    bucket = {"{artifacts}": str(stack.name("artifacts_bucket"))}
    updates = [
        replace(call, parameters={key: bucket.get(value, value) for key, value in call.parameters.items()})
        for call in UPDATES
    ]
    requests = asked([*first, *(call for run in others for call in run), *updates], place)
    refused = [request for request in requests if not allows(list(github.values()), request)]
    assert {request.action for request in refused} <= GITHUBS_OWN
    assert [str(request) for request in refused if f"/github-{stack.config.prefix}-" not in request.resource] == []
    roles = [request for request in requests if request.resource.startswith(f"arn:aws:iam::{ACCOUNT_ID}:role/github-")]
    own = {Request(action, request.resource) for action in GITHUBS_OWN for request in roles}
    assert own
    assert [str(request) for request in own if allows(list(github.values()), request)] == []
    assert _refused(github.values(), (request for _, request in state("states"))) == []


def test_githubs_deploy_role_leaves_what_destroys_to_a_person(
    terraform: Terraform, github: dict[str, dict[str, Any]], place: Place
) -> None:
    (made,) = terraform.calls("destroy")
    refused = [request for request in asked(made, place) if not allows(list(github.values()), request)]
    assert {request.action for request in refused} == BY_A_PERSON


@pytest.mark.parametrize("other", ["marketlake-dev", "market"])
def test_githubs_roles_reach_no_other_stack(
    terraform: Terraform, github: dict[str, dict[str, Any]], place: Place, config: LocalConfig, other: str
) -> None:
    made = [call for command in ("plan", "apply", "destroy") for run in terraform.calls(command) for call in run]
    requests = [request for request in asked(made, place) if config.prefix in request.resource]
    assert len(requests) > 300
    theirs = [Request(one.action, one.resource.replace(config.prefix, other), one.keys) for one in requests]
    assert [str(request) for request in theirs if allows(list(github.values()), request)] == []


def test_githubs_roles_have_no_action_that_terraform_does_not_need(
    terraform: Terraform, github: dict[str, dict[str, Any]], place: Place
) -> None:
    made = [call for command in ("plan", "apply", "destroy") for run in terraform.calls(command) for call in run]
    needed = {request.action for request in [*asked([*made, *UPDATES], place), *refresh(place)]}
    needed |= {request.action for _, request in state("states")}
    granted = {action for policy in github.values() for one in policy["Statement"] for action in listed(one["Action"])}
    assert granted - needed == UNRECORDED
