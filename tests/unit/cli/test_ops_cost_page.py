"""docs/cost.md is what the computation makes of two recorded executions; they are kept trimmed in ``histories``.

``python -m tests.unit.cli.test_ops_cost_page`` writes the page again. With the embedded AWS's folder and the names of a
daily execution and of a ten-year backfill on it, it records these two first.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from infra import facts
from infra.client.executions import HistoryReader, describe
from infra.client.target import local_target
from infra.cost.estimate import Estimate, estimate
from infra.cost.measure import Measured, Sizes, measure
from infra.cost.page import page
from infra.cost.sizes import take_sizes

PAGE = facts.ROOT / "docs" / "cost.md"
HISTORIES = Path(__file__).resolve().parent / "histories"
KEPT = ("accepted", "rejected_rows", "stored", "before", "written", "days", "summary")
"""What is kept of the functions' answers, beside Plan's batches."""


def recorded(kind: str) -> tuple[Measured, Sizes]:
    """The recorded execution ``daily`` or ``backfill``, measured, and the sizes of the lake's objects then."""
    record = json.loads((HISTORIES / f"cost_{kind}.json").read_text("utf-8"))
    events = [{**event, "timestamp": datetime.fromisoformat(event["timestamp"])} for event in record["events"]]
    started, stopped = (datetime.fromisoformat(record[name]) for name in ("started", "stopped"))
    sizes = Sizes(**record["sizes"])
    return measure(record["name"], events, started, stopped, sizes, embedded=True), sizes


def recorded_estimate() -> Estimate:
    return estimate(recorded("daily")[0], recorded("backfill")[0])


def test_the_page_holds_what_the_computation_says() -> None:
    made = page(recorded_estimate(), recorded("backfill")[1])

    assert PAGE.read_text("utf-8") == made, "write it again: python -m tests.unit.cli.test_ops_cost_page"


def test_the_dearest_month_is_below_the_limit() -> None:
    found = recorded_estimate()

    assert found.within_limit
    assert found.worst_month.total < 10


def test_the_recorded_executions_are_a_daily_one_and_ten_years() -> None:
    daily, backfill = recorded("daily")[0], recorded("backfill")[0]

    assert (daily.days, daily.batches, daily.calls) == (18, 6, 20)  # a new day and five looked at again, three datasets
    assert backfill.days == 7608
    assert backfill.quantities["transition"] == 6 + 30 * 8


def trimmed(event: dict[str, Any]) -> dict[str, Any]:
    """``event`` with what the computation reads."""
    kept: dict[str, Any] = {name: event[name] for name in ("id", "previousEventId", "type") if name in event}
    kept["timestamp"] = event["timestamp"].isoformat()
    for field, details in event.items():
        if field.startswith(("state", "map")):
            kept[field] = {name: details[name] for name in ("name", "index", "length") if name in details}
    if "taskScheduledEventDetails" in event:
        details = event["taskScheduledEventDetails"]
        payload = json.loads(details["parameters"]).get("Payload", {})
        parameters = {"Payload": {name: payload[name] for name in ("task", "batch") if name in payload}}
        kept["taskScheduledEventDetails"] = {"resource": details["resource"], "parameters": json.dumps(parameters)}
    if "taskSucceededEventDetails" in event:
        answer = json.loads(event["taskSucceededEventDetails"]["output"])["Payload"]
        counts = {name: answer[name] for name in KEPT if name in answer}
        counts |= {"batches": answer["batches"]} if "batches" in answer else {}
        kept["taskSucceededEventDetails"] = {"output": json.dumps({"Payload": counts})}
    return kept


def record(root: Path, daily: str, backfill: str) -> None:
    """Write the two executions' histories as fixtures."""
    target = local_target(root)
    sizes = asdict(take_sizes(target))
    for kind, name in (("daily", daily), ("backfill", backfill)):
        found = describe(target, name)
        assert found.stopped is not None
        document = {
            "name": found.name,
            "started": found.started.isoformat(),
            "stopped": found.stopped.isoformat(),
            "sizes": sizes,
            "events": [trimmed(dict(event)) for event in HistoryReader(target.states, found.arn).new()],
        }
        write(HISTORIES / f"cost_{kind}.json", document)


def write(path: Path, document: dict[str, Any]) -> None:
    """An event a line."""
    events = document.pop("events")
    lines = ",\n  ".join(json.dumps(event) for event in events)
    path.write_text(json.dumps(document, indent=1)[:-2] + f',\n "events": [\n  {lines}\n ]\n}}\n', "utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        record(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    PAGE.write_text(page(recorded_estimate(), recorded("backfill")[1]), "utf-8")
