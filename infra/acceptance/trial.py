"""The steps of the acceptance in order, and how they are tried one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from infra.acceptance import configuration, queries, runs
from infra.acceptance.listener import left_listening, silence
from infra.acceptance.stage import KIND, Broken, Finding, NotTried, Stage, Step
from infra.client.dead_letters import held, letters_of
from infra.client.errors import DENIED, OpsError, QueryFailed, Refusal, explain
from infra.client.machine import Machine, read_machine, shipped_machine
from infra.client.retries import FOLLOWED, Retries, run_again
from infra.client.target import Target
from marketlake.errors import MarketlakeError

MAILS = "mails those who are subscribed to the topic"

STEPS = (
    Step("no-changes", "a plan, or the sources, against what is deployed", configuration.no_changes),
    Step("daily-run", "the run of every day", runs.daily_run, "asks the sources, and costs under a cent"),
    Step("month-backfill", "last month, all datasets", runs.month_backfill, "asks the sources, and costs a cent"),
    Step("refused-input", "an input that Plan refuses", runs.refused_input, MAILS),
    Step(
        "failed-batch",
        "a batch that fails, its message, its mail, its redrive by all functions",
        runs.failed_batch,
        MAILS,
    ),
    Step("stopped-execution", "an execution that is stopped, and its mail", runs.stopped_execution, MAILS),
    Step("saved-queries", "each saved query, by name", queries.named_queries, "scans some MB for about a cent"),
    Step(
        "prepared-statements",
        "each saved query with parameters, by EXECUTE",
        queries.prepared_statements,
        "scans some MB for about a cent",
    ),
    Step("partition-projection", "a window with days, and one without", queries.partition_projection),
    Step("refused-calls", "calls that the roles must be refused", configuration.refused_calls),
    Step("schedules", "what the schedules start", configuration.schedules),
    Step("subscription", "who gets the mails", configuration.subscription),
    Step("alarms", "the alarms and their actions", configuration.alarms, MAILS),
    Step("lifecycle", "what S3 removes and moves", configuration.lifecycle),
    Step("cost", "cost so far", configuration.cost),
)


def chosen(names: Sequence[str]) -> list[Step]:
    """The steps of these names, in their order; all of them for none.

    Raises:
        Refusal: there is no step of a name.
    """
    known = [step.name for step in STEPS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Refusal(
            f"there is no step {unknown[0]!r}; there are {', '.join(known)}", "see: marketlake acceptance --list"
        )
    return [step for step in STEPS if not names or step.name in names]


def same_version(target: Target) -> None:
    """Whether the deployed state machine is the one of this version.

    Raises:
        OpsError: there is no such stack, or its state machine has other states or ways between them.
    """
    try:
        found = target.states.describe_state_machine(stateMachineArn=target.state_machine_arn)
    except target.states.exceptions.StateMachineDoesNotExist as error:
        message = f"there is no stack {target.prefix} in {target.described}"
        advice = f"make it with: {target.deploy_command}; or name another with --prefix and --region"
        raise OpsError(message, advice) from error
    if _shape(read_machine(found["definition"])) != _shape(shipped_machine()):
        raise OpsError(
            f"stack {target.prefix} was deployed from another version: its state machine has other states",
            f"check out the version that was deployed, or bring it to this one: {target.deploy_command}",
        )


def _shape(machine: Machine) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [(state.name, state.kind, [(way.to, way.label) for way in state.ways]) for state in machine.everywhere()]


def sweep(stage: Stage) -> list[str]:
    """Take away what an acceptance that was cut off left: its queues, and its messages and executions, by running them.

    Returns a line for each.
    """
    target = stage.target
    lines = []
    for url in left_listening(target):
        silence(target, url)
        lines.append(f"removed queue {url.rpartition('/')[2]}")
    with held(target, target.names["dlq"]) as box:
        letters = [letter for letter in letters_of(box, target) if letter.execution.startswith(f"{KIND}-")]
        # An execution of an acceptance that was stopped has no message.
        stopped = f"retry-{KIND}-"
        found = Retries(target, letters).of_everything()
        works = [work for work in found if work.letters or work.name.startswith(stopped)]
        records = [run_again(box, target, work) for work in works]
    for record in records:
        if record["result"] in FOLLOWED:
            ended = stage.follow(target.execution_arn(record["execution"]))
            lines.append(f"{ended.name} {record['result']}: {ended.status}")
    return lines


def attempt(step: Step, stage: Stage) -> Finding:
    """Try one step. Errors of the services are findings; what ends the command, such as Ctrl-C, is raised."""
    began = time.monotonic()
    return replace(_finding(step, stage), seconds=round(time.monotonic() - began, 1))


def _finding(step: Step, stage: Stage) -> Finding:
    try:
        return Finding(step.name, "passed", step.look(stage))
    except NotTried as found:
        return Finding(step.name, "not tried", str(found), found.advice)
    except Broken as found:
        return Finding(step.name, "failed", str(found), found.advice)
    except (QueryFailed, MarketlakeError) as error:
        return Finding(step.name, "failed", str(error), "look for what is wrong: marketlake doctor")
    except (ClientError, BotoCoreError) as error:
        explained = explain(error)
        denied = isinstance(error, ClientError) and error.response["Error"]["Code"] in DENIED
        return Finding(step.name, "not tried" if denied else "failed", str(explained), explained.advice)


def findings(steps: Sequence[Step], stage: Stage, agreed: Callable[[Step], bool]) -> Iterator[Finding]:
    """What becomes known by each step; one that costs money or mails somebody is tried only if it is ``agreed`` to."""
    for step in steps:
        if step.asks and not stage.target.is_local and not agreed(step):
            yield Finding(step.name, "not tried", f"not agreed to: {step.asks}", "agree when asked, or say: --yes")
        else:
            yield attempt(step, stage)
