"""What an execution would do, before it is started: Plan's own answer, and what that is on AWS in requests and dollars.

Plan is called as the state machine calls it, with ``preview``: it reads what is loaded and plans, and neither starts
nor writes anything. In an account the caller needs ``lambda:InvokeFunction`` on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra import facts
from infra.client.errors import OpsError, Refusal
from infra.client.target import Target
from infra.cost.expected import expected
from infra.cost.month import quantities
from infra.cost.prices import bill
from marketlake.errors import ContractViolation
from marketlake.messages import DatasetPlan, Previewed, read_message


@dataclass(frozen=True)
class DatasetPreview:
    """One dataset's part: ``days`` that would be loaded or looked at again, ``done`` ones of the window that are loaded
    already, batches, the first and the last of the days (ISO, empty where there are none), requests to its source.
    """

    dataset: str
    days: int
    done: int
    batches: int
    first: str
    last: str
    source_requests: int


@dataclass(frozen=True)
class Preview:
    """The plan. Days, batches and ``source_requests`` are what the execution does where each request is answered.

    ``s3_requests``, ``dollars`` (list price, over the life of the data) and ``minutes`` are estimates from recorded
    executions (:mod:`infra.cost.expected`).
    """

    datasets: tuple[DatasetPreview, ...]
    days: int
    batches: int
    source_requests: int
    s3_requests: int
    dollars: float
    minutes: float


def preview(target: Target, request: dict[str, Any]) -> Preview:
    """What an execution with the input ``request`` would do if it started now.

    Raises:
        Refusal: Plan refuses the input.
        OpsError: Plan failed, or the deployed Plan is from before there were previews.
        BotoCoreError, ClientError: it cannot be called.
    """
    planned = ask_plan(target, request)
    if planned.refusal:
        raise Refusal(planned.refusal)
    datasets = tuple(_part(planned, part) for part in planned.datasets)
    used = expected(planned, daily="start" not in request, emulated=target.is_local)
    return Preview(
        datasets,
        days=planned.summary.days_planned,
        batches=len(planned.batches),
        source_requests=sum(part.source_requests for part in datasets),
        s3_requests=round(used.counts["s3_put"] + used.counts["s3_get"]),
        dollars=bill(quantities(used)).total,
        minutes=used.seconds / 60,
    )


def ask_plan(target: Target, request: dict[str, Any]) -> Previewed:
    """Plan's answer to a preview of ``request``.

    Raises:
        OpsError: Plan failed, or is from before there were previews.
    """
    event = {
        "task": {"execution": "preview", "state": "Plan"},
        "input": request,
        "started": datetime.now(UTC).isoformat(),
        "preview": True,
    }
    name = facts.function_name(target.prefix, "plan")
    answer = target.lambdas.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    document = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise OpsError(f"Plan failed: {document.get('errorType')}: {document.get('errorMessage')}", "marketlake doctor")
    if "datasets" not in document:
        advice = f"deploy again with: {target.deploy_command}"
        raise OpsError("the deployed Plan does not know previews; nothing was started", advice)
    try:
        return read_message(document, Previewed, "Plan's answer")
    except ContractViolation as error:
        raise OpsError(f"{error}") from error


def _part(planned: Previewed, part: DatasetPlan) -> DatasetPreview:
    batches = [batch for batch in planned.batches if batch.dataset == part.dataset]
    days = [day for batch in batches for day in (batch.input.start, batch.input.end)]
    return DatasetPreview(
        part.dataset,
        days=sum(batch.count for batch in batches),
        done=part.days_done,
        batches=len(batches),
        first=f"{min(days)}" if days else "",
        last=f"{max(days)}" if days else "",
        source_requests=part.source_requests,
    )
