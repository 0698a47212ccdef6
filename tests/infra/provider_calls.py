"""The calls of Terraform's AWS provider, read from its debug log, as the requests that IAM judges.

The log names each operation as the SDK does (``rpc.service``, ``rpc.method``) and has its parameters. Which resources
an action takes, and the form of their ARNs, is in the service authorization reference (tests/iam.py); here is what that
lacks: operations that are authorised by another action, and which parameter holds a resource's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.iam import PLACEHOLDER, Request, ResourceType, is_of_type, resource_types

PREFIXES = {"SFN": "states", "CloudWatch Logs": "logs", "EventBridge": "events"}
"""The SDK's name of a service to its prefix in IAM, where that is another word."""

ACTIONS = {
    # Operations with a permission of another name: https://docs.aws.amazon.com/AmazonS3/latest/userguide/
    # using-with-s3-policy-actions.html. Parts of an upload are authorised as the object that they become.
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    # https://docs.aws.amazon.com/cost-management/latest/userguide/billing-permissions-ref.html: two for all of them.
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:CreateNotification": "budgets:ModifyBudget",
    "budgets:DeleteNotification": "budgets:ModifyBudget",
}

TAGGING = {
    "sqs": "TagQueue",
    "cloudtrail": "AddTags",
    "s3": "PutObjectTagging",
    "iam:CreateRole": "TagRole",
    "iam:CreatePolicy": "TagPolicy",
    "iam:CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
}
"""The action that a call with tags needs beside its own, by action or service; elsewhere ``TagResource``."""

FREE = {"sts:GetCallerIdentity"}
"""Needs no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""

NAMES = {
    # Service and placeholder of an ARN to the parameters that may hold its value.
    ("athena", "WorkGroupName"): ["WorkGroup", "Name"],
    ("budgets", "BudgetName"): ["BudgetName", "Budget.BudgetName", "NewBudget.BudgetName"],
    ("cloudtrail", "TrailName"): ["Name"],
    ("cloudwatch", "AlarmName"): ["AlarmName", "AlarmNames.member.1"],
    ("cloudwatch", "DashboardName"): ["DashboardName", "DashboardNames.member.1"],
    ("events", "RuleName"): ["Rule", "Name"],
    ("glue", "DatabaseName"): ["DatabaseName", "DatabaseInput.Name", "Name"],
    ("glue", "TableName"): ["TableName", "TableInput.Name", "Name"],
    ("iam", "RoleNameWithPath"): ["RoleName"],
    ("iam", "PolicyNameWithPath"): ["PolicyName"],
    ("iam", "OidcProviderName"): ["Url"],
    ("lambda", "FunctionName"): ["FunctionName"],
    ("logs", "LogGroupName"): ["logGroupName"],
    ("s3", "BucketName"): ["Bucket"],
    ("s3", "ObjectName"): ["Key"],
    ("scheduler", "GroupName"): ["groupName", "GroupName"],
    ("scheduler", "ScheduleName"): ["Name"],
    ("sns", "TopicName"): ["Name"],
    ("sqs", "QueueName"): ["QueueName"],
    ("states", "StateMachineName"): ["name"],
}

PATHS = [
    # Parameters that are part of a path, by service.
    ("lambda", re.compile(r"/[\d-]+/functions/(?P<FunctionName>[^/]+)")),
    ("lambda", re.compile(r"/[\d-]+/tags/(?P<Resource>.+)")),
    ("scheduler", re.compile(r"/schedules/(?P<Name>[^/]+)")),
    ("s3", re.compile(r"/(?P<Bucket>[^/]+)(/(?P<Key>.+))?")),
]

LOG_GROUP = ":log-stream:"
"""What the ARN of a log group ends with where an action is judged, save those on its tags.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html"""

TAGS = re.compile(r"(resource)?tags(list)?\.", re.IGNORECASE)
PASSED = re.compile(r"(^|\.)(Role|[rR]oleArn|CloudWatchLogsRoleArn)$")

RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\dT)", re.MULTILINE)
FIELD = r'(?:^|\s){}=("(?:[^"\\]|\\.)*"|\S+)'
BODY = re.compile(r"http\.request\.body=\n((?:  \| .*\n)+)")


@dataclass(frozen=True)
class Call:
    """One request of the provider; ``parameters`` are flat, as ``Budget.BudgetName``."""

    service: str
    operation: str
    parameters: dict[str, str]
    resource_type: str

    def __str__(self) -> str:
        return f"{self.service}:{self.operation} for {self.resource_type}"


@dataclass(frozen=True)
class Place:
    """Where a stack is: what an ARN has beside a resource's name."""

    region: str
    account: str
    workgroup: str
    partition: str = "aws"


@cache
def calls(log: Path) -> list[Call]:
    """The calls in ``log``, in order; those that configure the provider are left out, which on AWS are free."""
    return list(_calls(log))


def _calls(log: Path) -> Iterator[Call]:
    for record in RECORD.split(log.read_text("utf-8")):
        if "HTTP Request Sent" in record and "tf_rpc=ConfigureProvider" not in record:
            service, method = _field(record, r"rpc\.service"), _field(record, r"rpc\.method")
            if not service and '"aws.s3.delete"' in record:
                # A list of keys makes a line that Terraform cuts, before it comes to these fields.
                service, method = "S3", "DeleteObjects"
            prefix = PREFIXES.get(service, service.lower())
            yield Call(
                prefix,
                method,
                _parameters(record, prefix),
                _field(record, "tf_resource_type") or _field(record, "tf_data_source_type"),
            )


def _field(record: str, name: str) -> str:
    found = re.search(FIELD.format(name), record, re.MULTILINE)
    return found[1].strip('"') if found else ""


def _parameters(record: str, service: str) -> dict[str, str]:
    address = urlsplit(_field(record, r"http\.url"))
    parameters = dict(parse_qsl(address.query))
    for owner, pattern in PATHS:
        found = pattern.match(unquote(address.path)) if owner == service else None
        parameters |= {name: value for name, value in (found.groupdict() if found else {}).items() if value}
    if bucket := re.search(r'"aws\.s3\.bucket":"([^"]+)"', record):
        parameters.setdefault("Bucket", bucket[1])
    if tags := _field(record, r"http\.request\.header\.x_amz_tagging"):
        parameters["Tags.header"] = tags
    body = BODY.search(record)
    if body is None or service == "s3":  # whose bodies name no resource that the request is for
        return parameters
    text = "\n".join(line[4:] for line in body[1].splitlines())
    if text.startswith("{"):
        return parameters | dict(_flat("", json.JSONDecoder().raw_decode(text)[0]))
    return parameters | dict(parse_qsl(text))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _flat(f"{name}.{key}" if name else key, part)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _flat(f"{name}.{place}", part)
    else:
        yield name, str(value)


def requests(call: Call, place: Place) -> Iterator[Request]:
    """What IAM judges when ``call`` is made.

    Raises:
        KeyError: the action is not in the service authorization reference.
        LookupError: a resource that the action must name is not among the parameters; add its parameter to NAMES.
    """
    operation = f"{call.service}:{call.operation}" + ("Version" if call.parameters.get("versionId") else "")
    action = ACTIONS.get(operation, operation)
    if action in FREE:
        return
    resources = list(_resources(action, call, place))
    yield from (Request(action, resource) for resource in resources)
    if re.match("Create|Put", call.operation) and any(TAGS.match(name) for name in call.parameters):
        tag = f"{call.service}:{TAGGING.get(action) or TAGGING.get(call.service, 'TagResource')}"
        named = (resource.removesuffix(LOG_GROUP) for resource in resources)
        yield from (Request(tag, arn) for arn in named if any(is_of_type(arn, kind) for kind in resource_types(tag)))
    if "Code.S3Key" in call.parameters:
        # Lambda fetches it with its caller's rights: "please make sure your request credentials have permission to
        # GetObject", it says where they have not.
        code = f"arn:{place.partition}:s3:::{call.parameters['Code.S3Bucket']}/{call.parameters['Code.S3Key']}"
        yield Request("s3:GetObject", code)
    for name, value in call.parameters.items():
        if PASSED.search(name):
            yield Request("iam:PassRole", value, {"iam:PassedToService": f"{call.service}.amazonaws.com"})


def _resources(action: str, call: Call, place: Place) -> Iterator[str]:
    kinds = resource_types(action)
    if action == "cloudwatch:DescribeAlarms":
        # Whatever names it asks for: https://github.com/mattclay/aws-terminator/pull/63
        yield f"arn:{place.partition}:cloudwatch:{place.region}:{place.account}:alarm:*"
        return
    found = {arn for kind in kinds for arn in _arns(kind, call, place)}
    if not found and any(kind.required for kind in kinds):
        raise LookupError(f"{call}: no parameter of {sorted(call.parameters)} names a resource of {action}; see NAMES")
    yield from sorted(found) or ["*"]


def _arns(kind: ResourceType, call: Call, place: Place) -> Iterator[str]:
    """ARNs of ``kind`` in a call: those that a parameter is, else the one that its names make."""
    form = kind.arn.replace("${Partition}", place.partition).replace("${Region}", place.region)
    form = form.replace("${Account}", place.account)
    pattern = re.compile("".join(_pattern(part) for part in re.split(r"(\$\{\w+\})", form)))
    known = {value.removesuffix(":*") for value in call.parameters.values() if value.startswith("arn:")}
    whole = [arn for arn in known if pattern.fullmatch(arn)]
    if not whole:
        names = {name: _value(call, name, place) for name in PLACEHOLDER.findall(form)}
        whole = [PLACEHOLDER.sub(lambda name: names[name[1]], form)] if all(names.values()) else []
    for arn in whole:
        yield f"{arn}{LOG_GROUP}" if kind.name == "log-group" and "Tag" not in call.operation else arn


def _pattern(part: str) -> str:
    return "[^:]+" if part.startswith("${") else re.escape(part)


def _value(call: Call, placeholder: str, place: Place) -> str:
    where = (call.service, placeholder)
    if where == ("sqs", "QueueName") and "QueueUrl" in call.parameters:
        return call.parameters["QueueUrl"].rpartition("/")[2]
    if call.service == "athena" and "NamedQuery" in call.operation:
        return place.workgroup  # of the query, which is asked for by an id
    if where == ("glue", "TableName") and "DatabaseName" not in call.parameters:
        return ""  # Name is the database's
    if where == ("s3", "ObjectName") and call.operation == "DeleteObjects":
        return "*"  # all that the bucket holds: Terraform empties it
    values = (call.parameters.get(name, "") for name in NAMES.get(where, []))
    default = "default" if where == ("scheduler", "GroupName") else ""
    return next((value.removeprefix("https://") for value in values if value), default)


def asked(made: Iterable[Call], place: Place) -> dict[Request, Call]:
    """Each request of the calls ``made``, with the first call that makes it.

    Raises:
        KeyError, LookupError: as requests().
    """
    found: dict[Request, Call] = {}
    for call in made:
        for request in requests(call, place):
            found.setdefault(request, call)
    return found
