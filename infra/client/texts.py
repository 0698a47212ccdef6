"""What an execution did, in a few words for people, and values as JSON can hold them."""

from __future__ import annotations

import json
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
    counts = {name: len(value) if isinstance(value, list) else value for name, value in answer.items()}
    wanted = [name for name, count in counts.items() if type(count) is int and count and name not in SHOWN_OTHERWISE]
    return ", ".join(f"{counts[name]:,} {name.replace('_', ' ')}" for name in wanted) or "nothing to do"


SHOWN_OTHERWISE = {"days", "accepted_days", "rejections", "datasets", "attempts"}
"""Fields of the functions' answers that a count beside them, or the line itself, shows better."""


def object_in(found: object) -> dict[str, Any]:
    """The object that ``found`` is or has as JSON; otherwise empty, as where a history comes without its data."""
    try:
        document = json.loads(found) if isinstance(found, str) else found
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def plain(value: object) -> object:
    """``value`` as JSON can hold it: dates as ISO text, durations as seconds."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    return str(value)
