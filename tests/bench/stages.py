"""The functions run in this process on the local AWS emulator, with every S3 request they make recorded."""

from __future__ import annotations

import importlib
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Any

from infra import facts
from infra.local.config import ACCESS_KEY, SECRET_KEY
from marketlake import aws
from tests.e2e.pipeline import Pipeline


@dataclass
class Recorder:
    """S3 requests in the order in which they were made: operation and parameters."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, params: dict[str, Any], model: Any, **_: object) -> None:
        self.calls.append((model.name, dict(params)))


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Record the S3 requests of this process."""
    recorder = Recorder()
    events = aws.s3_client().meta.events
    events.register("provide-client-params.s3", recorder)
    try:
        yield recorder
    finally:
        events.unregister("provide-client-params.s3", recorder)


def use(pipeline: Pipeline) -> None:
    """Give this process the environment that the functions have there."""
    assert pipeline.deployment is not None
    environment = facts.functions_document(pipeline.deployment.values)["environment"]
    os.environ.update(environment)
    os.environ.update(
        AWS_ENDPOINT_URL=pipeline.config.endpoint_url,
        AWS_ACCESS_KEY_ID=ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        AWS_DEFAULT_REGION=pipeline.config.region,
        POWERTOOLS_TRACE_DISABLED="true",
        POWERTOOLS_LOG_LEVEL="ERROR",
    )


def invoke(function: str, state: str, payload: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """The handler's answer and its seconds."""
    handler = importlib.import_module(f"{function}.handler").handler
    # What an attempt keeps for the next one is of one execution and batch: each dataset is one here.
    execution = f"bench-{payload.get('batch', {}).get('dataset', '')}"
    event = {"task": {"execution": execution, "state": state, "retry": 0, "batch": 0}, **payload}
    began = time.perf_counter()
    with redirect_stdout(io.StringIO()):  # the metrics, which Lambda takes from the output
        answer: dict[str, Any] = handler(event, None)
    return answer, time.perf_counter() - began


def take_back(calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Remove what was written, since a function leaves as it is what is there already."""
    keys = [(params["Bucket"], params["Key"]) for operation, params in calls if operation == "PutObject"]
    for bucket in {bucket for bucket, _ in keys}:
        objects: Any = [{"Key": key} for at, key in keys if at == bucket]
        for first in range(0, len(objects), 1000):
            aws.s3_client().delete_objects(Bucket=bucket, Delete={"Objects": objects[first : first + 1000]})


def bare_loop(calls: list[tuple[str, dict[str, Any]]]) -> float:
    """Seconds for the same requests with nothing around them: same client, same threads, reads then writes."""
    from marketlake.storage import side_by_side

    client = aws.s3_client()
    conditions = ("IfMatch", "IfNoneMatch")  # which would not hold a second time

    def make(call: tuple[str, dict[str, Any]]) -> None:
        operation, params = call
        if operation == "GetObject":
            with suppress(client.exceptions.NoSuchKey):  # a year that the function looked for in vain
                client.get_object(**params)["Body"].read()
        elif operation == "PutObject":
            client.put_object(**{name: value for name, value in params.items() if name not in conditions})
        else:
            client.list_objects_v2(**params)

    began = time.perf_counter()
    for kind in ("ListObjectsV2", "GetObject", "PutObject"):
        side_by_side(make, [call for call in calls if call[0] == kind])
    return time.perf_counter() - began
