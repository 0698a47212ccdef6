"""Executions of the pipeline that must succeed, must be refused, must fail, and are stopped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from infra.acceptance.listener import Listener, listening
from infra.acceptance.stage import KIND, Broken, Stage
from infra.client.dead_letters import Held, Letter, held, letters_of
from infra.client.executions import Execution, describe, start
from infra.client.retries import FOLLOWED, run_again, work_of
from marketlake.errors import Drill, InvalidRequest
from marketlake.layout import marker_key

RATES = "fx_rates"
"""The dataset of the rehearsals: one request to its source, some thirty rows a day."""

MOST_RECEIVES = 20
"""Times that a message is looked for: a queue answers from some of its servers only."""


def daily_run(stage: Stage) -> str:
    """The run that the schedule starts every day."""
    return stage.succeed(stage.run("daily", {}))


def month_backfill(stage: Stage) -> str:
    """The last whole month of all datasets; what is loaded already is left out."""
    first, last = last_month(stage.day)
    done = stage.succeed(stage.run("backfill", {"start": f"{first}", "end": f"{last}"}))
    return f"{first} to {last}: {done}"


def last_month(day: date) -> tuple[date, date]:
    """First and last day of the month before that of ``day``."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def refused_input(stage: Stage) -> str:
    """An input that Plan must refuse, by name and before anything is written."""
    ended = stage.run("refused", {"start": "2026-02-30"})
    if (ended.status, ended.error) != ("FAILED", InvalidRequest.__name__):
        raise Broken(
            f"{ended.name} on a date that does not exist is {ended.status} {ended.error}",
            "deploy again; functions and state machine do not fit: make deploy",
        )
    return f"{ended.name} FAILED with {ended.error}; nothing was written"


def failed_batch(stage: Stage) -> str:
    """A batch that fails because it is asked to: its message, its mail, and its redrive by all functions.

    The day's marker goes first: where it is loaded, nothing else would be left to do. Its rows stay, and whatever
    happens now, the next daily run loads a day without a marker.
    """
    target, day = stage.target, f"{stage.day}"
    target.s3.delete_object(Bucket=target.names["clean_bucket"], Key=marker_key(RATES, stage.day))
    with listening(target) as listener:
        ended = stage.run("drill", {"datasets": [RATES], "start": day, "end": day, "drill": True})
        if ended.status != "FAILED":
            raise Broken(f"{ended.name} was to fail and is {ended.status}", "deploy again: make deploy")
        _heard(listener, ended, f"state NotifyFailure of {ended.name}")
    redriven = stage.follow(target.execution_arn(_redrive(stage, ended)))
    loaded = stage.succeed(redriven)
    with held(target, target.names["dlq"]) as box:
        left = _letters(box, stage, ended)
    if left:
        raise Broken(f"message {left[0].id} was redriven and is on the queue still", "see: marketlake dlq list")
    return f"{ended.name} FAILED with {Drill.__name__}; message and mail came; {redriven.name}: {loaded}"


def _redrive(stage: Stage, ended: Execution) -> str:
    """Name of the execution that the message of ``ended`` starts."""
    for _ in range(MOST_RECEIVES):
        with held(stage.target, stage.target.names["dlq"]) as box:
            # While it is held: it can only be deleted by who received it.
            records = [run_again(box, stage.target, work_of(found)) for found in _letters(box, stage, ended)[:1]]
        for record in records:
            if record["result"] not in FOLLOWED:
                raise Broken(f"the message of {ended.name} {record['result']}", f"marketlake retry {ended.name}")
            return str(record["execution"])
    raise Broken(
        f"no message of {ended.name} is on {stage.target.names['dlq']}",
        f"look at state SendToDlq of it: marketlake history {ended.name}",
    )


def _letters(box: Held, stage: Stage, ended: Execution) -> list[Letter]:
    """The messages in ``box`` that ``ended`` left."""
    return [letter for letter in letters_of(box, stage.target) if letter.execution == ended.name]


def stopped_execution(stage: Stage) -> str:
    """An execution that is stopped, which no Catch sees: the mail about it, and the same input once more."""
    request = {"datasets": [RATES], "start": f"{stage.day}", "end": f"{stage.day}"}
    target, rule = stage.target, stage.target.names["interrupted"]
    with listening(target) as listener:
        arn = start(target, f"{KIND}-stopped", request)
        target.states.stop_execution(executionArn=arn, cause="marketlake acceptance: stopped to see its mail")
        ended = describe(target, arn)
        if ended.status != "ABORTED":
            raise Broken(f"{ended.name} ended as {ended.status} before it could be stopped", "run the acceptance again")
        try:
            _heard(listener, ended, f"rule {rule}, the state machine of that name, and their roles")
        except Broken as error:
            raise Broken(f"{error}; {_failed_invocations(stage)}", error.advice) from None
        finally:
            again = stage.run("again", request)  # or the stopped one would stay among those to be retried
    done = stage.succeed(again)
    return f"{ended.name} ABORTED, its mail came, {_failed_invocations(stage)}; the same input again: {done}"


def _heard(listener: Listener, ended: Execution, where: str) -> None:
    if not listener.heard(ended.name):
        raise Broken(
            f"{ended.name} is {ended.status}, and no mail about it left the topic",
            f"look at {where}; then: make deploy",
        )


def _failed_invocations(stage: Stage) -> str:
    """How often EventBridge could not reach the topic, as far as CloudWatch knows by now."""
    rule, now = stage.target.names["interrupted"], datetime.now(UTC)
    found = stage.target.cloudwatch.get_metric_statistics(
        Namespace="AWS/Events",
        MetricName="FailedInvocations",
        Dimensions=[{"Name": "RuleName", "Value": rule}],
        StartTime=now - timedelta(hours=1),
        EndTime=now,
        Period=60,
        Statistics=["Sum"],
    )
    failed = sum(point["Sum"] for point in found["Datapoints"])
    return f"failed invocations of rule {rule}: {failed:.0f}"
