"""What the services answer in the tests: in the format of Step Functions Local's MockConfigFile.

Two batches, five days of prices and five of rates; lists are in the order of the calls.
"""

from __future__ import annotations

import json
from typing import Any

Answer = dict[str, Any]
Answers = list[Answer]

STAGES = ("Fetch", "Validate", "Transform", "AthenaCheck")
DAYS = ["2026-01-05/2026-01-09"]


def _batch(dataset: str) -> dict[str, Any]:
    again = {"datasets": [dataset], "start": "2026-01-05", "end": "2026-01-09"}
    return {"dataset": dataset, "days": DAYS, "count": 5, "symbols": [], "recheck": False, "input": again}


PRICES, RATES = _batch("ftse100_prices"), _batch("fx_rates")
SUMMARY = {"text": "10 days written with 650 rows, 0 days unchanged", "plan": {}, "datasets": {}, "failures": 0}
CAUSE = '{"failures": [], "more": 0, "done": "what the real Report would say"}'


def payload(document: dict[str, Any]) -> Answer:
    """A function that returns ``document``."""
    return {"Return": {"StatusCode": 200, "Payload": document}}


def throw(error: str, message: str = "what happened; what to do next") -> Answer:
    """A function that raises ``error``: Lambda's own document is the cause."""
    document = {"errorMessage": message, "errorType": error, "requestId": "7ae1", "stackTrace": []}
    return {"Throw": {"Error": error, "Cause": json.dumps(document)}}


def fault(error: str) -> Answer:
    """A service, or Step Functions itself, that fails with ``error``: the cause is plain text."""
    return {"Throw": {"Error": error, "Cause": f"{error}: said by the service"}}


def planned(*batches: dict[str, Any], parts: int = 0) -> Answer:
    """Plan with ``batches``, whose pass is made in so many ``parts``."""
    summary = {"datasets": ["ftse100_prices", "fx_rates"], "days_due": 10, "days_done": 0}
    window = {"dataset": "ftse100_prices", "window": DAYS[0], "of": parts}
    listed = [{**window, "number": number} for number in range(1, parts + 1)]
    return payload({"batches": list(batches), "parts": listed, "summary": summary | {"batches": len(batches)}})


def validated(accepted: int = 5, unchanged: int = 0, rejected: tuple[str, ...] = ()) -> Answer:
    """Validate of the batch of prices; ``rejected`` are days."""
    rejections = [
        {
            "days": [day],
            "error": "DataQualityError",
            "cause": f"37 of 100 rows of {day} are bad",
            "input": {**PRICES["input"], "start": day, "end": day},
        }
        for day in rejected
    ]
    counts = {
        "accepted": accepted,
        "unchanged": unchanged,
        "rejected": len(rejections),
        "rejected_rows": 37 * len(rejections),
        "flagged_rows": 0,
    }
    rest = {
        "rejections": rejections,
        "example": rejections[0] if rejections else None,
        "manifest": "manifests/v",
    }
    return payload(counts | rest)


def failed(error: str) -> Answer:
    """Report of an execution that failed with ``error``."""
    # A Fail state's error is a custom one, and such "MUST NOT begin with the prefix States."
    # (https://states-language.net/spec.html#error-names).
    error = error.removeprefix("States.")
    mail = {"subject": f"marketlake FAILED: {error}", "message": f"WHAT FAILED\n{error}"}
    return payload({"failed": True, "notice": False, "error": error, "cause": CAUSE, **mail, "summary": SUMMARY})


PLANNED = planned(PRICES, RATES)
PART_FETCHED = payload({"symbols": 480, "done": True})
FETCHED = payload(
    {
        "days": DAYS,
        "stored": 5,
        "late": [],
        "holes": [],
        "before": True,
        "missing_symbols": ["ABC.L: delisted"],
    }
)
VALIDATED = validated()
TRANSFORMED = payload({"written": 5, "rows": 325, "manifest": "manifests/w"})
CHECKED = payload({"days": 5, "rows": 325, "markers": 5, "corrected": 0, "same": 0, "kept": 0})
QUIET = {"failed": False, "notice": False, "error": "", "cause": "", "subject": "", "message": "", "summary": SUMMARY}
REPORTED = payload(QUIET)
NOTICED = payload(
    {
        **QUIET,
        "notice": True,
        "error": "NoticeNotSent",
        "cause": CAUSE,
        "subject": "marketlake: ftse100_prices ABC.L: a split restated its history",
        "message": "HISTORY RESTATED BY THE SOURCE",
    }
)
SENT: Answer = {"Return": {"MessageId": "3bcb6e8e", "MD5OfMessageBody": "c1a5"}}
MAILED: Answer = {"Return": {"MessageId": "0d1f"}}

WELL: dict[str, Answer] = {
    "Plan": PLANNED,
    "Fetch": FETCHED,
    "Validate": VALIDATED,
    "Transform": TRANSFORMED,
    "AthenaCheck": CHECKED,
    "Report": REPORTED,
}
