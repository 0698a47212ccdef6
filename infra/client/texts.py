"""What an execution did, in a few words for people, and values as JSON can hold them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from marketlake.intervals import text_of
from marketlake.messages import Batch


def batch_text(batch: Batch | None) -> str:
    """A batch for people: its dataset and days."""
    return f"{batch.dataset} {text_of(batch.days, most=1)}" if batch else ""


def answer_text(answer: Mapping[str, Any]) -> str:
    """What a function returned, in a few words: its counts that are not zero, and how long its lists are.

    Queue and topic answer nothing of ours: "sent".
    """
    if not answer:
        return "sent"
    if isinstance(answer.get("summary"), dict):
        summary = answer["summary"]
        return str(summary.get("text") or answer_text(summary)) or "nothing to do"
    counts = [(name, len(value) if isinstance(value, list) else value) for name, value in answer.items()]
    wanted = (
        (n, c) for n, c in counts if isinstance(c, int) and not isinstance(c, bool) and c and n not in SHOWN_OTHERWISE
    )
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in wanted) or "nothing to do"


SHOWN_OTHERWISE = {"days", "accepted_days", "rejections", "datasets", "attempts"}
"""Fields of the functions' answers that a count beside them, or the line itself, shows better."""


def plain(value: object) -> object:
    """``value`` as JSON can hold it: dates as ISO text, durations as seconds."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    return str(value)
