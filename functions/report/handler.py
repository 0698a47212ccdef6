"""Lambda ``report``: the outcome of an execution, as counts, as a document in S3 and as a mail."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from marketlake.aws import s3_client
from marketlake.layout import report_key
from marketlake.manifest import JSON
from marketlake.rewrites import read_rewrites
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.telemetry import Event, count, logger, task
from report.mail import failure_cause, message, subject
from report.notice import Notice
from report.notice_mail import notice_message, notice_subject
from report.summary import losses_of, summary_text, totals

NOT_SENT = "NoticeNotSent"
"""The error of an execution that lost nothing but could not send its mail."""


@dataclass(frozen=True)
class Settings:
    """What Report needs."""

    clean_bucket: str


@task("report", dict)
def handler(event: Event) -> Event:
    """``{"input", "plan", "results", "failure", "task"}`` to the outcome; writes the run report."""
    settings = read_settings(Settings)
    execution, clean = event["task"]["execution"], Bucket(settings.clean_bucket, s3_client())
    losses = losses_of(event["results"], event["failure"])
    notice = Notice(tuple(read_rewrites(clean, execution)))
    sums = totals(event["results"])
    done = summary_text(sums, losses, event["plan"].get("started_already", "")) + notice.text
    summary = {
        "text": done,
        "plan": event["plan"],
        "datasets": sums,
        "losses": len(losses),
        **notice.document(),
    }
    report = {
        "execution_arn": event["execution_arn"],
        "started": event["started"],
        "input": event["input"],
        "summary": summary,
        "losses": [asdict(loss) for loss in losses],
        "rewrites": [asdict(rewrite) for rewrite in notice.rewrites],
        "batches": event["results"],
    }
    clean.put(report_key(execution), json.dumps(report, indent=1).encode(), JSON)
    for dataset, into in sums.items():
        count("DaysLoaded", into["written"] + into["unchanged"], dataset=dataset)
    count("Losses", len(losses), function="report")
    logger("report").info(done, extra=summary)
    if not losses:
        mails = notice.mails
        return {
            "failed": False,
            "notice": mails,
            # What the execution fails with if its mail does not get through.
            "error": NOT_SENT if mails else "",
            "cause": failure_cause([], done, notice) if mails else "",
            "subject": notice_subject(notice) if mails else "",
            "message": notice_message(notice, done, event["execution_arn"]) if mails else "",
            "summary": summary,
        }
    return {
        "failed": True,
        "notice": notice.mails,
        # The States. prefix is Step Functions' own; an execution that fails with such an error is none of ours.
        "error": losses[0].error.removeprefix("States.")
        if len({loss.error for loss in losses}) == 1
        else "SeveralFailures",
        "cause": failure_cause(losses, done, notice),
        "subject": subject(losses),
        "message": message(losses, done, event["execution_arn"], notice),
        "summary": summary,
    }
