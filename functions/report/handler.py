"""Lambda ``report``: the outcome of an execution, as counts, as a document in S3 and as a mail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from msgspec import to_builtins

from marketlake.aws import s3_client
from marketlake.failures import retry_command
from marketlake.layout import report_key
from marketlake.manifest import JSON, FetchNotes, manifest_keys, read_notes
from marketlake.messages import ReportEvent
from marketlake.restatements import Restatement, read_restatements
from marketlake.settings import read_settings
from marketlake.storage import Bucket
from marketlake.telemetry import Event, logger, task
from report.audit import audit, gap_document, is_daily
from report.follow_up import follow_up
from report.mail import failure_document, follow_up_document, message, restatement_document, subject
from report.summary import failures_of, summary_text, totals

NOT_SENT = "NoticeNotSent"
"""The error of an execution in which nothing failed but its mail."""


@dataclass(frozen=True)
class Settings:
    """What Report needs; ``operator_command`` is how a person calls the command for this deployment."""

    clean_bucket: str
    operator_command: str


@task("report", ReportEvent)
def handler(event: ReportEvent) -> Event:
    """The outcome of an execution from its batches' results; writes the run report."""
    settings = read_settings(Settings)
    execution, clean = event.task.execution, Bucket(settings.clean_bucket, s3_client())
    kept = manifest_keys(clean, execution)
    restated = read_restatements(clean, kept)
    news = _follow_ups(clean, event, read_notes(clean, kept), restated)
    failures = failures_of(event.results, event.failure)
    sums = totals(event.results)
    done = summary_text(sums, len(failures), event.plan.started_already)
    if restated:
        done += f", {len(restated)} histor{'y' if len(restated) == 1 else 'ies'} restated by the source"
    done += f", {len(news)} to know of" if news else ""
    # Only daily: a backfill says nothing of the days that it is not about.
    gaps = audit(clean, event.plan.datasets) if is_daily(event.input) else []
    noticed = restatement_document(restated) | gap_document(gaps) | follow_up_document(news)
    summary = {
        "text": done,
        "plan": to_builtins(event.plan),
        "datasets": sums,
        "failures": len(failures),
        **noticed,
    }
    report = {
        "execution_arn": event.execution_arn,
        "started": event.started,
        "input": event.input,
        "summary": summary,
        "failures": to_builtins(failures),
        "restatements": to_builtins(restated),
        "history_gaps": to_builtins(gaps),
        "news": news,
        "batches": to_builtins(event.results),
    }
    clean.put(report_key(execution), json.dumps(report, indent=1).encode(), JSON)
    logger("report").info(done, extra=summary)

    notice = bool(gaps or news) or any(found.mails for found in restated)
    if not failures and not notice:
        return {
            "failed": False,
            "notice": False,
            "error": "",
            "cause": "",
            "subject": "",
            "message": "",
            "summary": summary,
        }
    command = retry_command(execution, settings.operator_command)
    return {
        "failed": bool(failures),
        "notice": notice,
        # Without a failure: what the execution fails with if its mail does not get through.
        "error": _error({failure.error for failure in failures}) if failures else NOT_SENT,
        # Escapes would make twelve characters of one, and a Fail state takes 32,768.
        "cause": json.dumps({**failure_document(failures), "done": done, **noticed}, ensure_ascii=False),
        "subject": subject(failures, restated, gaps, news),
        "message": message(failures, restated, done, command, event.execution_arn, gaps, news),
        "summary": summary,
    }


def _follow_ups(
    clean: Bucket, event: ReportEvent, notes: Mapping[int, FetchNotes], restated: Sequence[Restatement]
) -> list[str]:
    """Bring the ledger of each dataset up to date that the execution was about; returns what is to be reported."""
    if not event.results:
        return []
    execution, on, daily = event.task.execution, date.fromisoformat(event.started[:10]), is_daily(event.input)
    datasets = sorted({*event.plan.datasets, *(result.dataset for result in event.results)})
    return [
        line
        for dataset in datasets
        for line in follow_up(clean, dataset, event.results, notes, restated, execution, on, daily=daily)
    ]


def _error(errors: set[str]) -> str:
    """The execution's error, where its failures have ``errors``.

    The States. prefix is Step Functions' own: an execution must not fail with it by a name of ours.
    """
    return next(iter(errors)).removeprefix("States.") if len(errors) == 1 else "SeveralFailures"
