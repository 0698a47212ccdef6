"""A request is read back as the operation that it is, and what its model has against it is found."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.infra.models import Call, NotUnderstood, read_call

ALARM = {"AlarmName": "a", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}

REQUESTS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("sts", "get_caller_identity", {}, []),
    ("s3", "create_bucket", {"Bucket": "a" * 63}, []),
    ("s3", "create_bucket", {"Bucket": "a" * 64}, ["CreateBucket.Bucket is"]),
    ("s3", "put_bucket_versioning", {"Bucket": "abc", "VersioningConfiguration": {"Status": "On"}}, ["Status is 'On'"]),
    ("athena", "update_prepared_statement", {"StatementName": "a", "WorkGroup": "b"}, ["QueryStatement is missing"]),
    ("athena", "get_named_query", {"NamedQueryId": "1"}, []),
    ("cloudwatch", "put_metric_alarm", ALARM, []),
    ("cloudwatch", "put_metric_alarm", ALARM | {"AlarmDescription": "d" * 1025}, ["AlarmDescription is 1025, not 0"]),
    ("cloudwatch", "put_metric_alarm", ALARM | {"EvaluationPeriods": 0}, ["EvaluationPeriods is 0, not 1"]),
    ("iam", "create_role", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": "{}"}, ["RoleName is 65, not 1 to 64"]),
    ("iam", "tag_role", {"RoleName": "r", "Tags": [{"Key": "Größe", "Value": "a!"}]}, ["Value is 'a!', which is not"]),
    ("scheduler", "get_schedule", {"Name": "a b"}, ["Name is 'a b', which is not"]),
    ("glue", "delete_table", {"DatabaseName": "d", "Name": "\U0001d518"}, []),
    (
        "lambda",
        "create_function",
        {"FunctionName": "f" * 65, "Role": "r", "Code": {}},
        ["Role is 'r'", "FunctionName is"],
    ),
    ("quicksight", "describe_data_set", {"AwsAccountId": "1", "DataSetId": "d"}, ["AwsAccountId is 1, not 12"]),
]


class Sent(Exception):
    """Raised with the request, in place of sending it."""


def stop(request: Any, **_: object) -> None:
    raise Sent(request)


def sent(service: str, operation: str, parameters: dict[str, Any]) -> tuple[str, str, dict[str, str], bytes]:
    """The request that boto3 would send, were it not to look at the parameters first."""
    session: Any = boto3.Session("testing", "testing", region_name="eu-west-2")
    client = session.client(service, config=Config(parameter_validation=False, s3={"addressing_style": "path"}))
    client.meta.events.register("before-send.*", stop)
    with pytest.raises(Sent) as raised:
        getattr(client, operation)(**parameters)
    (request,) = raised.value.args
    url, body = urlsplit(request.url), request.body or b""
    headers = {name: item.decode() if isinstance(item, bytes) else str(item) for name, item in request.headers.items()}
    path = f"{url.path}?{url.query}" if url.query else url.path
    return request.method, path, headers, body if isinstance(body, bytes) else body.encode()


@pytest.mark.parametrize(("service", "operation", "parameters", "words"), REQUESTS)
def test_what_a_model_has_against_a_request_is_found(
    service: str, operation: str, parameters: dict[str, Any], words: list[str]
) -> None:
    call = read_call(*sent(service, operation, parameters))
    assert (call.service, call.operation.lower()) == (service, operation.replace("_", ""))
    assert len(call.problems) >= len(words)
    assert all(any(word in problem for problem in call.problems) for word in words), call.problems
    assert words or call == Call(call.service, call.operation, call.parameters, ())


def test_what_is_no_request_to_aws_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="not signed"):
        read_call("GET", "/", {}, b"")
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-2/scheduler/aws4_request"}
    with pytest.raises(NotUnderstood, match="no operation like"):
        read_call("GET", "/nothing/of/this", signed, b"")
