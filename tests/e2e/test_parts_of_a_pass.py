"""A list that is too long for one function, made of the usual one by a small part: no part lost, no pace exceeded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from infra import facts
from infra.client.events import Attempt, Run
from infra.client.target import local_target
from infra.cost.previews import preview
from infra.local.deploy import BOOTSTRAP, RUNTIME
from tests.e2e.pipeline import Pipeline

WINDOW = {"datasets": ["ftse100_prices"], "start": "2016-12-19", "end": "2017-01-13"}
PACE = 25.0


@contextmanager
def environment(pipeline: Pipeline, function: str, **values: object) -> Iterator[None]:
    """The function has these variables meanwhile."""
    lambdas, name = pipeline.aws("lambda"), facts.function_name(pipeline.config.prefix, function)
    before = lambdas.get_function_configuration(FunctionName=name)
    variables = before["Environment"]["Variables"] | {key: f"{value}" for key, value in values.items()}
    lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    yield
    lambdas.update_function_configuration(FunctionName=name, Environment=before["Environment"])


@pytest.fixture
def in_parts(pipeline: Pipeline) -> Iterator[Pipeline]:
    """A Plan that takes the source for one that is asked once in three seconds: 36 symbols make a part."""
    with (
        environment(pipeline, "plan", REQUESTS_PER_SECOND=0.3),
        environment(pipeline, "fetch", REQUESTS_PER_SECOND=PACE),
    ):
        yield pipeline


def attempts(pipeline: Pipeline, execution: str, state: str) -> list[Attempt]:
    """The calls of ``state``'s function."""
    run = Run()
    run.feed(pipeline.history(execution))
    return [attempt for attempt in run.attempts if attempt.state == state]


def charts(pipeline: Pipeline) -> int:
    """How many requests the simulated Yahoo had so far."""
    return int(httpx.get(f"{pipeline.config.replay_url}/health").json()["requests"].get("yahoo", 0))


def test_a_part_that_failed_fails_both_batches_and_a_retry_loads_all_that_one_pass_would(in_parts: Pipeline) -> None:
    pipeline = in_parts
    expected = preview(local_target(pipeline.config.root), dict(WINDOW))
    assert expected.batches == 2

    # The second part: a dozen of its symbols, which no other part has.
    pipeline.inject({"kind": "status", "status": 503, "match": r"chart/(H|I|J|K|L)"})
    failed = pipeline.run(WINDOW)
    assert (failed.status, failed.error) == ("FAILED", "PartFailed")
    answers = [attempt.answer for attempt in attempts(pipeline, failed.name, "FetchPart")]
    assert [answer.get("done") for answer in answers] == [True, None, None, None, None, False]
    messages = pipeline.messages("dlq")
    assert [message["failure"]["Fetch"]["Error"] for message in messages] == ["PartFailed"] * 2
    assert all("part 2 of 3" in message["failure"]["Fetch"]["Cause"] for message in messages)
    assert all("UpstreamUnavailable" in message["failure"]["Fetch"]["Cause"] for message in messages)
    assert len(attempts(pipeline, failed.name, "Fetch")) == 2  # in vain they are not called again
    assert not pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=2016-12-2")

    pipeline.inject()
    asked = charts(pipeline)
    again = pipeline.run(WINDOW)
    assert again.status == "SUCCEEDED", again
    assert charts(pipeline) - asked == expected.source_requests
    parts = attempts(pipeline, again.name, "FetchPart")
    assert sum(part.answer["symbols"] for part in parts) == expected.source_requests
    # One after the other, and no faster than the pace.
    assert all(before.ended and before.ended <= after.started for before, after in pairwise(parts))
    longest = [timedelta(seconds=part.answer["symbols"] / PACE) for part in parts]
    assert all(part.duration and part.duration >= least for part, least in zip(parts, longest, strict=True))

    raw = pipeline.etags("raw_bucket", "raw/ftse100_prices/dt=201")
    clean = pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=201")
    # Without a pace: the other batch waits for this pass, and here for seconds only.
    with (
        environment(pipeline, "plan", REQUESTS_PER_SECOND=0),
        environment(pipeline, "fetch", REQUESTS_PER_SECOND=0),
    ):
        in_one = pipeline.run({**WINDOW, "force": True})
    assert in_one.status == "SUCCEEDED", in_one
    assert not attempts(pipeline, in_one.name, "FetchPart")
    assert pipeline.etags("raw_bucket", "raw/ftse100_prices/dt=201") == raw
    assert pipeline.etags("clean_bucket", "clean/ftse100_prices/dt=201") == clean


def test_a_function_that_needs_more_memory_than_it_has_is_ended(pipeline: Pipeline) -> None:
    """By an error after which the state machine calls it again; with the memory that it needs, it answers."""
    lambdas, body = pipeline.aws("lambda"), io.BytesIO()
    with zipfile.ZipFile(body, "w") as package:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        package.writestr(bootstrap, BOOTSTRAP.read_bytes())
        package.writestr(
            "hungry.py", "import time\ndef handler(mb, _):\n    x = b'x' * (mb << 20)\n    time.sleep(1)\n"
        )
    code = {"ZipFile": body.getvalue()}
    role = lambdas.get_function_configuration(FunctionName=facts.function_name(pipeline.config.prefix, "plan"))["Role"]
    settings = {"Runtime": RUNTIME, "Handler": "hungry.handler", "Timeout": 30, "MemorySize": 128}
    lambdas.create_function(FunctionName="hungry", Role=role, Code=code, **settings)
    try:
        assert "FunctionError" not in lambdas.invoke(FunctionName="hungry", Payload=b"20")
        refused = json.loads(lambdas.invoke(FunctionName="hungry", Payload=b"150")["Payload"].read())
    finally:
        lambdas.delete_function(FunctionName="hungry")
    functions = facts.retry(facts.parameters())["function"]
    assert any(refused["errorType"] in retrier["ErrorEquals"] for retrier in functions), refused
