"""S3's answers to a role: what is missing, what is refused, and how our functions tell the two apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import facts
from marketlake.errors import PermissionDenied, S3Refused
from marketlake.markers import read_marker
from marketlake.s3 import ObjectStoreS3
from marketlake.storage import Bucket, ObjectMissing, PreconditionFailed
from tests.e2e.pipeline import Pipeline

DAY = date(2013, 11, 4)

As = Callable[[str, str], Bucket]


@pytest.fixture
def seen_by(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> As:
    """A bucket with the rights of a function, by the client that it has; to be used before another is made."""

    def bucket(function: str, name: str) -> Bucket:
        role = pipeline.aws("iam").get_role(RoleName=facts.function_name(pipeline.config.prefix, function))["Role"]
        keys = pipeline.aws("sts").assume_role(RoleArn=role["Arn"], RoleSessionName=function)["Credentials"]
        environment = {
            "AWS_ENDPOINT_URL": pipeline.config.endpoint_url,
            "AWS_REGION": pipeline.config.region,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        s3: Any = ObjectStoreS3()
        return Bucket(pipeline.name(name), s3)

    return bucket


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_a_missing_object_is_403_to_a_role_and_404_to_who_may_list_the_bucket(
    pipeline: Pipeline, seen_by: As, operation: str
) -> None:
    where = {"Bucket": pipeline.name("clean_bucket"), "Key": "clean/fx_rates/dt=1998-01-01/x"}
    with pytest.raises(S3Refused) as refused:
        getattr(seen_by("transform", "clean_bucket")._client, operation)(**where)
    with pytest.raises(ClientError) as missing:
        getattr(pipeline.aws("s3"), operation)(**where)
    assert refused.value.status == 403
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_function_sees_that_an_object_is_missing(seen_by: As) -> None:
    assert read_marker(seen_by("validate", "clean_bucket"), "fx_rates", date(1998, 1, 1)) is None
    assert read_marker(seen_by("athena_check", "clean_bucket"), "fx_rates", date(1998, 1, 1)) is None
    for function, key in (
        ("transform", "clean/fx_rates/dt=1998-01-01/part-0.parquet"),
        ("transform", "by_year/fx_rates/year=1998/part-0.parquet"),
        ("plan", "by_year/fx_rates/year=1998/part-0.parquet"),
    ):
        bucket = seen_by(function, "clean_bucket")
        for read in (bucket.get, bucket.metadata):
            with pytest.raises(ObjectMissing):
                read(key)


def test_what_a_function_may_not_read_is_refused_whether_or_not_it_is_there(pipeline: Pipeline, seen_by: As) -> None:
    assert pipeline.run({"datasets": ["fx_rates"], "start": f"{DAY}", "end": f"{DAY}"}).status == "SUCCEEDED"
    # It may list days and not read them; and it may neither list nor read the others.
    with pytest.raises(PermissionDenied):
        seen_by("validate", "clean_bucket").get(f"clean/fx_rates/dt={DAY}/part-0.parquet")
    for key in ("reports/none.json", "state/fx_rates.json"):
        with pytest.raises(PermissionDenied):
            seen_by("validate", "clean_bucket").get(key)


def test_a_write_on_a_condition_about_the_object_needs_the_right_to_read_it(seen_by: As) -> None:
    reports = seen_by("report", "clean_bucket")
    etag = reports.put("reports/test-s3-answers.json", b"{}", "application/json")
    with pytest.raises(PermissionDenied, match="GetObject"):
        reports.put("reports/test-s3-answers.json", b"{}", "application/json", if_match=etag)
    markers = seen_by("athena_check", "clean_bucket")
    with pytest.raises(PreconditionFailed):
        markers.put("markers/fx_rates/dt=1998-01-02.json", b"{}", "application/json", if_match=etag)
