"""The policies of the functions, of the state machine and of AWS's services: does AWS know all that they name, do they
allow what Athena asks for with AthenaCheck's rights, and do they refuse what each must be refused.

That they allow each call of the functions is tested where the calls are recorded: tests/e2e/test_granted_and_used.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra import facts
from tests.iam import Request, allows, unknown

ACCOUNT, REGION = "123456789012", "eu-west-2"
VALUES = facts.template_values("lake", ACCOUNT, REGION)
FILES = sorted(path.name.partition(".")[0] for path in facts.POLICIES.glob("*.json.tftpl"))
ROLES = [name for name in FILES if name != "every_function" and not name.startswith("github")]

CATALOG, DEFAULT = (f"arn:aws:glue:{REGION}:{ACCOUNT}:{name}" for name in ("catalog", "database/default"))
DATABASE, TABLE = (f"arn:aws:glue:{REGION}:{ACCOUNT}:{name}" for name in ("database/lake", "table/lake/fx_rates"))


def policy(role: str) -> dict[str, Any]:
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{facts.function_name('lake', role)}"
    document: dict[str, Any] = json.loads(facts.policy(role, VALUES | {"log_group_arn": log_group}))
    return document


def resource_policy(kind: str) -> dict[str, Any]:
    values = {
        "bucket": "b",
        "trail_arn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/lake-trail",
        "sender_arns": "[]",
    }
    text = (facts.POLICIES / "resources" / f"{kind}.json.tftpl").read_text("utf-8")
    document: dict[str, Any] = json.loads(facts.render(text, VALUES | values))
    return document


def s3(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::{VALUES[f'{bucket}_bucket']}{key and '/'}{key}"


def forwarded() -> list[Request]:
    """What Athena asks for with its caller's rights, as AWS lists it.

    https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html and
    https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html; for the results also the statement for them in
    https://docs.aws.amazon.com/athena/latest/ug/managed-policies.html, without CreateBucket.
    """
    catalog = [("glue:GetDatabase", name) for name in (CATALOG, DEFAULT, DATABASE)]
    catalog += [("glue:GetDatabases", name) for name in (CATALOG, DEFAULT)]
    catalog += [(f"glue:{call}", name) for call in ("GetTable", "GetPartitions") for name in (CATALOG, DATABASE, TABLE)]
    answers = s3("results", "athena/0a1b.csv")
    results = [(f"s3:{call}", answers) for call in ("GetObject", "PutObject", "AbortMultipartUpload")]
    results += [("s3:ListMultipartUploadParts", answers), ("s3:ListBucketMultipartUploads", s3("results"))]
    results += [("s3:GetBucketLocation", s3("results")), ("s3:ListBucket", s3("results"))]
    data = [("s3:GetObject", s3("clean", f"{form}/fx_rates/part-0.parquet")) for form in ("clean", "by_year")]
    data += [("s3:GetBucketLocation", s3("clean"))]
    lists = [Request("s3:ListBucket", s3("clean"), {"s3:prefix": f"{form}/fx_rates/"}) for form in ("clean", "by_year")]
    return [*(Request(*asked) for asked in (*catalog, *results, *data)), *lists]


OBJECTS = [(bucket, key) for bucket in ("raw", "clean", "artifacts") for key in ("other/x", "markers", "raw")]
NOBODY = [
    *(Request(f"s3:{call}", s3(*place)) for call in ("GetObject", "PutObject", "DeleteObject") for place in OBJECTS),
    Request("s3:DeleteObject", s3("results", "athena/0a1b.csv")),
    *(Request("s3:PutBucketPolicy", s3(bucket)) for bucket in ("raw", "clean", "results", "artifacts")),
    *(Request("s3:ListBucket", s3(bucket)) for bucket in ("raw", "clean", "artifacts")),
    Request("s3:GetObject", "arn:aws:s3:::another-bucket/markers/x"),
    *(Request(f"glue:{call}", TABLE) for call in ("UpdateTable", "DeleteTable")),
    Request("glue:GetTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/default/x"),
    Request("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/primary"),
    Request("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:lake-dev-plan"),
    Request("lambda:UpdateFunctionCode", str(VALUES["plan_function_arn"])),
    *(Request(f"sqs:{call}", str(VALUES["dlq_arn"])) for call in ("ReceiveMessage", "DeleteMessage", "PurgeQueue")),
    Request("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:another"),
    Request("states:StartExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lake-dev-pipeline"),
    Request("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/lake-dev-plan:log-stream:x"),
    Request("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/lake-plan", {"iam:PassedToService": "lambda.amazonaws.com"}),
    Request("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/lake-plan"),
]
OTHERS = {
    # Request to the roles that may make it, of all that are tested here.
    Request("s3:PutObject", s3("raw", "raw/fx_rates/x.json")): {"fetch"},
    Request("s3:GetObject", s3("raw", "raw/fx_rates/x.json")): {"validate"},
    Request("s3:PutObject", s3("raw", "quarantine/x.parquet")): {"validate"},
    Request("s3:PutObject", s3("clean", "by_year/fx_rates/x")): {"transform"},
    Request("s3:PutObject", s3("clean", "markers/fx_rates/x")): {"athena_check"},
    Request("s3:PutObject", s3("clean", "state/fx_rates.json")): {"report"},
    Request("s3:PutObject", s3("clean", "claims/x")): {"plan"},
    Request("s3:ListBucket", s3("artifacts"), {"s3:prefix": "config/"}): {"plan"},
    Request("states:StartExecution", str(VALUES["state_machine_arn"])): {"scheduler"},
    Request("sqs:SendMessage", str(VALUES["dlq_arn"])): {"state_machine", "scheduler"},
    Request("sns:Publish", str(VALUES["topic_arn"])): {"state_machine", "interrupted"},
    Request("states:StartExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:lake-interrupted"): {
        "interrupted_rule"
    },
    Request(
        "states:DescribeExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{VALUES['state_machine']}:run-1"
    ): {"interrupted"},
    Request("lambda:InvokeFunction", str(VALUES["fetch_function_arn"])): {"state_machine"},
    Request("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/lake"): {"athena_check"},
}


@pytest.mark.parametrize("role", ROLES)
def test_aws_knows_each_action_with_its_resources_and_conditions(role: str) -> None:
    assert list(unknown(policy(role))) == []


@pytest.mark.parametrize("kind", ["bucket", "queue", "topic", "trail_bucket"])
def test_aws_knows_what_the_policies_on_resources_name(kind: str) -> None:
    assert list(unknown(resource_policy(kind))) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Action": "s3:GetBucketEncryption", "Resource": s3("raw")}, "has no action s3:GetBucketEncryption"),
        ({"Action": "s3:GetObject", "Resource": s3("raw")}, "s3:GetObject takes none of its resources"),
        ({"Action": "sqs:SendMessage", "Resource": "*"}, "sqs:SendMessage takes a resource"),
        (
            {"Action": "s3:GetObject", "Resource": s3("raw", "*"), "Condition": {"StringLike": {"s3:prefix": "a/*"}}},
            "s3:GetObject has no condition key s3:prefix",
        ),
    ],
)
def test_what_aws_does_not_know_is_found(statement: dict[str, Any], said: str) -> None:
    (found,) = unknown({"Statement": [{"Sid": "Wrong", "Effect": "Allow", **statement}]})
    assert said in found


@pytest.mark.parametrize("request_", forwarded(), ids=str)
def test_athena_may_do_for_athena_check_what_a_query_needs(request_: Request) -> None:
    assert allows([policy("athena_check")], request_)


def test_each_statement_for_athena_is_needed() -> None:
    whole = policy("athena_check")
    for sid in (sid for statement in whole["Statement"] if (sid := statement["Sid"]).startswith("Athena")):
        less = {"Statement": [statement for statement in whole["Statement"] if statement["Sid"] != sid]}
        assert not all(allows([less], request_) for request_ in forwarded()), sid


@pytest.mark.parametrize("role", ROLES)
def test_what_nobody_may_do_is_refused(role: str) -> None:
    assert [str(request) for request in NOBODY if allows([policy(role)], request)] == []


@pytest.mark.parametrize(("request_", "may"), OTHERS.items(), ids=[str(request) for request in OTHERS])
def test_only_whose_work_it_is_may_do_it(request_: Request, may: set[str]) -> None:
    assert {role for role in ROLES if allows([policy(role)], request_)} == may
