"""Lambda ``report``: the outcome of an execution, as counts, as a document in S3 and as a mail."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from marketlake.aws import s3_client
from marketlake.layout import report_key
from marketlake.manifest import JSON
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.telemetry import Event, count, logger, task
from report.mail import failure_cause, message, subject
from report.summary import losses_of, summary_text, totals


@dataclass(frozen=True)
class Settings:
    """What Report needs."""

    clean_bucket: str


@task("report")
def handler(event: Event) -> Event:
    """``{"input", "plan", "results", "failure", "task"}`` to the outcome; writes the run report."""
    settings = read_settings(Settings)
    losses = losses_of(event["results"], event["failure"])
    sums = totals(event["results"])
    done = summary_text(sums, losses, event["plan"].get("started_already", ""))
    summary = {"text": done, "plan": event["plan"], "datasets": sums, "losses": len(losses)}
    report = {
        "execution_arn": event["execution_arn"],
        "started": event["started"],
        "input": event["input"],
        "summary": summary,
        "losses": [asdict(loss) for loss in losses],
        "batches": event["results"],
    }
    execution = event["task"]["execution"]
    Bucket(settings.clean_bucket, s3_client()).put(report_key(execution), json.dumps(report, indent=1).encode(), JSON)
    for dataset, into in sums.items():
        count("DaysLoaded", into["written"] + into["unchanged"], dataset=dataset)
    count("Losses", len(losses), function="report")
    logger("report").info(done, extra=summary)
    if not losses:
        return {"failed": False, "error": "", "cause": "", "subject": "", "message": "", "summary": summary}
    return {
        "failed": True,
        # The States. prefix is Step Functions' own; an execution that fails with such an error is none of ours.
        "error": losses[0].error.removeprefix("States.")
        if len({loss.error for loss in losses}) == 1
        else "SeveralFailures",
        "cause": failure_cause(losses, done),
        "subject": subject(losses),
        "message": message(losses, done, event["execution_arn"]),
        "summary": summary,
    }
