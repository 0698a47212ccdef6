"""``marketlake acceptance`` on a stack that ``marketlake up`` made: as it is, and broken by the test.

``tests/infra/test_terraform_stack.py`` tries it on one that Terraform made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra import facts
from infra.acceptance import listener, runs
from infra.acceptance.stage import KIND
from infra.acceptance.trial import STEPS
from infra.cli.main import main
from tests.e2e.accepting import accept
from tests.e2e.pipeline import Pipeline

Capsys = pytest.CaptureFixture[str]

NOT_MADE_BY_UP = {"prepared-statements", "schedules", "alarms", "lifecycle"}


def test_a_stack_passes_and_keeps_nothing_of_it(pipeline: Pipeline, capsys: Capsys) -> None:
    status, found = accept(capsys, pipeline.config.root)
    assert {name for name, finding in found.items() if finding["status"] == "failed"} == set(), found
    assert status == 0
    assert list(found) == [step.name for step in STEPS]
    assert {name for name, finding in found.items() if finding["status"] == "not tried"} == NOT_MADE_BY_UP
    assert all(finding["advice"] for name, finding in found.items() if name in NOT_MADE_BY_UP)
    assert "message and mail came" in found["failed-batch"]["seen"]
    assert "its mail came" in found["stopped-execution"]["seen"]
    assert pipeline.texts("dlq") == []
    assert _listening(pipeline) == []
    assert main(["--root", str(pipeline.config.root), "retry", "--all", "--dry-run", "--json"]) == 0
    assert f"retry-{KIND}" not in capsys.readouterr().out


def _listening(pipeline: Pipeline) -> list[str]:
    queues = pipeline.aws("sqs").list_queues(QueueNamePrefix=f"{pipeline.config.prefix}-{KIND}").get("QueueUrls", [])
    topic = pipeline.name("topic_arn")
    subscribed = pipeline.aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [*queues, *(one["Endpoint"] for one in subscribed if KIND in one["Endpoint"])]


@contextmanager
def policy_of(pipeline: Pipeline, role: str, **statements: Any) -> Iterator[None]:
    """The role has these statements instead of those of the same Sid; none for None."""
    name, iam = facts.function_name(pipeline.config.prefix, role), pipeline.aws("iam")
    whole = iam.get_role_policy(RoleName=name, PolicyName=name)["PolicyDocument"]
    kept = [statement for statement in whole["Statement"] if statement["Sid"] not in statements]
    added = [{"Sid": sid, **statement} for sid, statement in statements.items() if statement]
    changed = json.dumps({**whole, "Statement": kept + added})
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=changed)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(whole))


@contextmanager
def mute_rule(pipeline: Pipeline) -> Iterator[None]:
    events, rule = pipeline.aws("events"), f"{pipeline.config.prefix}-interrupted"
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=targets)


@contextmanager
def moved_table(pipeline: Pipeline) -> Iterator[None]:
    """Projection leads to a place where nothing is."""
    glue, database = pipeline.aws("glue"), pipeline.name("database")
    found = glue.get_table(DatabaseName=database, Name="ftse100_index")["Table"]
    keys = ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    table = {key: found[key] for key in keys if key in found}
    place = {name: value.replace("/clean/", "/nowhere/") for name, value in table["Parameters"].items()}
    descriptor = {**table["StorageDescriptor"], "Location": table["StorageDescriptor"]["Location"] + "nowhere/"}
    moved = {**table, "Parameters": place, "StorageDescriptor": descriptor}
    glue.update_table(DatabaseName=database, TableInput=moved)
    try:
        yield
    finally:
        glue.update_table(DatabaseName=database, TableInput=table)


def test_a_stack_broken_on_purpose_is_named(
    pipeline: Pipeline, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LOCAL_WAIT_SECONDS", 1.5)  # what does not come is waited for in vain
    monkeypatch.setattr(runs, "MOST_RECEIVES", 1)
    root, bucket = pipeline.config.root, pipeline.name("clean_bucket")
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    prefix = pipeline.config.prefix
    broken = [
        (mute_rule(pipeline), "stopped-execution", [f"rule {prefix}-interrupted"]),
        (policy_of(pipeline, "fetch", Added=anything), "refused-calls", [f"{prefix}-fetch may s3:DeleteObject"]),
        (policy_of(pipeline, "athena_check", StartQueries=None), "failed-batch", ["AthenaCheck", "PermissionDenied"]),
        (moved_table(pipeline), "partition-projection", ["ftse100_index", "Athena finds 0 days"]),
    ]
    for stack, step, words in broken:
        with stack:
            status, found = accept(capsys, root, "--only", step)
        said = f"{found[step]['seen']} {found[step]['advice']}"
        assert (status, found[step]["status"]) == (1, "failed"), found
        assert all(word in said for word in words), said
        assert found[step]["advice"]
        assert _listening(pipeline) == []
    pipeline.texts("dlq")


def test_what_an_acceptance_that_was_cut_off_left_is_taken_away(
    pipeline: Pipeline, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pipeline.config.root

    def cut_off(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(runs, "_redrive", cut_off)
        patched.setattr(listener, "silence", lambda *_: None)  # as if the process had been killed
        assert main(["--root", str(root), "acceptance", "--only", "failed-batch"]) == 1
    assert "stopped after 0 of 1 steps" in capsys.readouterr().err
    assert _listening(pipeline)
    assert main(["--root", str(root), "acceptance", "--only", "cost"]) == 0
    said = capsys.readouterr().out
    assert "left by an earlier acceptance: removed queue" in said
    assert "left by an earlier acceptance: redrive-" in said
    assert _listening(pipeline) == []
    assert pipeline.texts("dlq") == []


def test_a_stack_of_another_version_is_one_line(pipeline: Pipeline, capsys: Capsys) -> None:
    states, arn = pipeline.aws("stepfunctions"), pipeline.name("state_machine_arn")
    whole = states.describe_state_machine(stateMachineArn=arn)["definition"]
    other = json.loads(whole)
    del other["States"]["Plan"]["Catch"][0]
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(other))
    try:
        assert main(["--root", str(pipeline.config.root), "acceptance"]) == 1
    finally:
        states.update_state_machine(stateMachineArn=arn, definition=whole)
    said = capsys.readouterr().err
    assert "was deployed from another version" in said
    assert "marketlake up" in said
