"""Following an execution to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.client.errors import StillRunning, explain
from infra.client.events import Attempt, Run
from infra.client.executions import Execution, HistoryReader, describe
from infra.client.target import Target

LOCAL_POLL_SECONDS, AWS_POLL_SECONDS = 0.15, 1.5
"""On AWS well below the quota of five GetExecutionHistory a second that a whole account shares in a small region.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""


class Display(Protocol):
    """Shows what happens in an execution."""

    def update(self, run: Run, ended: list[Attempt]) -> None:
        """Called at each poll, with the attempts that ended since the last one."""


def follow(target: Target, arn: str, display: Display, sleep: Callable[[float], None] = time.sleep) -> Execution:
    """Watch the execution until it ends; returns it as ended.

    Raises:
        StillRunning: Ctrl-C, or AWS could not be asked any more. The execution goes on.
    """
    name = arn.rpartition(":")[2]
    look = f"see how it goes with: marketlake history {name}"
    try:
        return _watch(target, arn, display, sleep)
    except KeyboardInterrupt:
        raise StillRunning(f"stopped watching; execution {name} goes on", look) from None
    except (ClientError, BotoCoreError) as error:
        raise StillRunning(f"lost sight of execution {name}, which may go on: {explain(error)}", look) from error


def _watch(target: Target, arn: str, display: Display, sleep: Callable[[float], None]) -> Execution:
    reader, run = HistoryReader(target.states, arn), Run()
    while True:
        # The status first: once it has ended, the events read after that are all there will be.
        execution = describe(target, arn)
        display.update(run, run.feed(reader.new()))
        if execution.status != "RUNNING":
            return execution
        sleep(LOCAL_POLL_SECONDS if target.is_local else AWS_POLL_SECONDS)
