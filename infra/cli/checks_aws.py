"""Doctor's look at a deployment, embedded or in an account: is everything there, and does it fit the contracts."""

from __future__ import annotations

from collections.abc import Iterator

from infra import facts
from infra.cli.checks import Check, attempt
from infra.client.target import Target
from marketlake.contract import dataset_names, load_contract
from marketlake.layout import config_key, year_table
from marketlake.schemas import glue_columns

REMEDY = "terraform apply"
LOCAL_REMEDY = "marketlake up"
BUCKETS = ("raw", "clean", "results", "artifacts")

Columns = list[tuple[str, str]]
"""Names and types, in order."""


def deployment_checks(target: Target) -> Iterator[Check]:
    """Each resource of the pipeline, in the order in which a run needs them."""
    remedy = LOCAL_REMEDY if target.is_local else REMEDY
    for kind in BUCKETS:
        yield attempt(f"{kind} bucket", remedy, lambda kind=kind: _bucket(target, kind))  # type: ignore[misc]
    yield attempt("symbols", remedy, lambda: _symbols(target))
    for name in facts.function_names():
        yield attempt(f"function {name}", remedy, lambda name=name: _function(target, name))  # type: ignore[misc]
    yield attempt("state machine", remedy, lambda: _state_machine(target))
    for name, columns in _tables():
        yield attempt(f"table {name}", remedy, lambda n=name, c=columns: _table(target, n, c, remedy))  # type: ignore[misc]
    yield attempt("Athena workgroup", remedy, lambda: _workgroup(target))
    yield attempt("dead-letter queue", remedy, lambda: _queue(target))
    if not target.is_local:
        yield attempt("schedule", remedy, lambda: _schedule(target))


def _bucket(target: Target, kind: str) -> str:
    name = target.names[f"{kind}_bucket"]
    target.s3.head_bucket(Bucket=name)
    return name


def _symbols(target: Target) -> str:
    files = sorted({file for name in dataset_names() if (file := load_contract(name).symbols.file)})
    bucket = target.names["artifacts_bucket"]
    for file in files:
        target.s3.head_object(Bucket=bucket, Key=config_key(file))
    return f"{', '.join(files)} in s3://{bucket}"


def _function(target: Target, name: str) -> Check | str:
    full = facts.function_name(target.prefix, name)
    found = target.lambdas.get_function_configuration(FunctionName=full)
    state = found.get("State", "Active")
    if state not in ("Active", "Inactive"):  # Inactive: not called for weeks; the next call wakes it
        reason = found.get("StateReason", "")
        return Check(f"function {name}", "failed", f"{full} is {state}: {reason}", "look at it in the Lambda console")
    return full


def _state_machine(target: Target) -> Check | str:
    found = target.states.describe_state_machine(stateMachineArn=target.state_machine_arn)
    if found.get("status", "ACTIVE") != "ACTIVE":
        return Check("state machine", "failed", f"{found['name']} is {found['status']}", "look at it in the console")
    return found["name"]


def _tables() -> Iterator[tuple[str, Columns]]:
    """Each dataset's table by day and that by year, with the columns that the contract gives them."""
    for name in dataset_names():
        columns = [(c["Name"], c["Type"]) for c in glue_columns(load_contract(name))]
        yield name, columns
        yield year_table(name), [("dt", "string"), *columns]


def _table(target: Target, name: str, wanted: Columns, remedy: str) -> Check | str:
    table = target.glue.get_table(DatabaseName=target.names["database"], Name=name)["Table"]
    found = [(c["Name"], c.get("Type", "")) for c in table["StorageDescriptor"]["Columns"]]
    if found != wanted:
        differing = sorted({name for name, _ in set(found) ^ set(wanted)}) or ["their order"]
        return Check(f"table {name}", "failed", f"columns differ from the contract: {', '.join(differing)}", remedy)
    return f"{target.names['database']}.{name}, {len(found)} columns as in the contract"


def _workgroup(target: Target) -> Check | str:
    name = target.names["workgroup"]
    state = target.athena.get_work_group(WorkGroup=name)["WorkGroup"].get("State", "ENABLED")
    if state != "ENABLED":
        return Check("Athena workgroup", "failed", f"{name} is {state}", "enable it in the Athena console")
    return name


def _queue(target: Target) -> Check | str:
    url = target.sqs.get_queue_url(QueueName=target.names["dlq"])["QueueUrl"]
    answer = target.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    waiting = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    if waiting:
        return Check(
            "dead-letter queue",
            "warning",
            f"{waiting} batches or days failed and wait to be run again",
            "see what failed: marketlake history; then backfill those days",
        )
    return f"{target.names['dlq']}, empty"


def _schedule(target: Target) -> Check | str:
    found = target.scheduler.get_schedule(Name=target.names["schedule"])
    when = f"{found.get('ScheduleExpression', '?')} {found.get('ScheduleExpressionTimezone', '')}".strip()
    if found.get("State") != "ENABLED":
        return Check("schedule", "warning", f"{when}, but switched off", "set schedule_enabled = true and apply")
    return when
