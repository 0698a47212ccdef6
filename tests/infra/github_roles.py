"""What GitHub's roles must be allowed beside what the tests record, and what they leave to a person."""

from __future__ import annotations

from collections.abc import Iterator

from tests.iam import Request
from tests.infra.provider_calls import Call, Place

QUICKSIGHT = {
    # The emulator lacks it. A refresh as read in hashicorp/terraform-provider-aws, internal/service/quicksight, files
    # data_source.go, data_set.go and dashboard.go; DescribeDataSetRefreshProperties is called for any kind of data set:
    # https://github.com/hashicorp/terraform-provider-aws/pull/31488
    "datasource/marketlake-athena": ["DescribeDataSource", "DescribeDataSourcePermissions"],
    "dataset/marketlake-prices": [
        "DescribeDataSet",
        "DescribeDataSetPermissions",
        "DescribeDataSetRefreshProperties",
    ],
    "dashboard/marketlake-market": [
        "DescribeDashboard",
        "DescribeDashboardDefinition",
        "DescribeDashboardPermissions",
    ],
}

UPDATES = [
    # Updates that no test makes: the operation of the resource's update function in the provider, by what changes.
    Call("lambda", "UpdateFunctionCode", {"FunctionName": "marketlake-plan"}, "a function's code"),
    Call("athena", "UpdateNamedQuery", {"NamedQueryId": "a"}, "a saved query's text"),
    Call("athena", "CreatePreparedStatement", {"WorkGroup": "marketlake"}, "a saved query's text"),
    Call("athena", "DeletePreparedStatement", {"WorkGroup": "marketlake"}, "a saved query's text"),
    Call("glue", "UpdateTable", {"DatabaseName": "marketlake", "TableInput.Name": "fx_rates"}, "a contract's column"),
    Call("iam", "UpdateAssumeRolePolicy", {"RoleName": "marketlake-plan"}, "who may take a role"),
    Call("events", "PutRule", {"Name": "marketlake-interrupted"}, "the rule's pattern"),
    Call("s3", "PutObject", {"Bucket": "{artifacts}", "Key": "config/x.csv", "Tags.header": "a=b"}, "constituents"),
]

BY_A_PERSON = {
    # Actions of Terraform that no role of GitHub's has: docs/operations.md, "What a person deploys".
    "athena:DeleteWorkGroup",
    "cloudtrail:DeleteTrail",
    "glue:DeleteDatabase",
    "iam:DeletePolicy",
    "iam:DeleteRole",
    "iam:DetachRolePolicy",
    "iam:ListInstanceProfilesForRole",
    "iam:ListPolicyVersions",
    "logs:DeleteLogGroup",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:ListBucketVersions",
    "sns:DeleteTopic",
    "sqs:DeleteQueue",
    "states:DeleteStateMachine",
}

GITHUBS_OWN = {
    "iam:AttachRolePolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:UpdateAssumeRolePolicy",
}
"""What no role of GitHub's may do to GitHub's roles and their policies."""


UNRECORDED = {
    # A tag that is taken away again.
    "athena:UntagResource",
    "budgets:UntagResource",
    "cloudtrail:RemoveTags",
    "cloudwatch:UntagResource",
    "events:UntagResource",
    "glue:UntagResource",
    "iam:UntagRole",
    "lambda:UntagResource",
    "logs:UntagResource",
    "sns:UntagResource",
    "sqs:UntagQueue",
    "states:UntagResource",
    # What the provider's version 6.23 and later tries first for a bucket's tags:
    # https://github.com/hashicorp/terraform-provider-aws/pull/45251
    "s3:ListTagsForResource",
    "s3:TagResource",
    "s3:UntagResource",
    # What the emulator's answers do not make the provider ask for.
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetInsightSelectors",
    # Changes of a description alone.
    "athena:UpdatePreparedStatement",
    "glue:UpdateDatabase",
}
"""What GitHub's roles have although no test records that Terraform does it."""


def refresh(place: Place) -> Iterator[Request]:
    """What a refresh asks for that the emulator does not have, or cannot tag."""
    host = "token.actions.githubusercontent.com"
    yield Request("iam:GetOpenIDConnectProvider", f"arn:{place.partition}:iam::{place.account}:oidc-provider/{host}")
    for name, operations in QUICKSIGHT.items():
        arn = f"arn:{place.partition}:quicksight:{place.region}:{place.account}:{name}"
        yield from (Request(f"quicksight:{operation}", arn) for operation in (*operations, "ListTagsForResource"))


def state(bucket: str) -> Iterator[tuple[str, Request]]:
    """What the S3 backend asks for, and whether to ``plan`` or to ``deploy``.

    https://developer.hashicorp.com/terraform/language/backend/s3#s3-bucket-permissions
    """
    arn, key = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/marketlake/terraform.tfstate"
    yield "plan", Request("s3:ListBucket", arn)
    yield "plan", Request("s3:GetObject", key)
    yield "deploy", Request("s3:PutObject", key)
    yield from (("deploy", Request(f"s3:{call}Object", f"{key}.tflock")) for call in ("Get", "Put", "Delete"))
