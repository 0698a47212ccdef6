"""Two executions side by side: how they ended, what each dataset got, and how long each batch and state took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from infra.client.events import Attempt
from infra.client.executions import Execution, run_report
from infra.client.target import Target
from infra.console.detail import execution_document
from infra.console.executions import Watched

FACTS = ("status", "kind", "started", "stopped", "input", "error", "text")


def comparison(target: Target, first: Watched, second: Watched) -> dict[str, Any]:
    """Rows of ``name`` and ``values`` (of the first and of the second; None: it has nothing there), in four tables.

    ``facts`` are the executions' own, ``counts`` what Report counted, ``states`` attempts, retries and seconds by
    state, ``batches`` the same by dataset and days with how each stands: a batch of one has its like in the other where
    both are the same.
    """
    documents = [execution_document(target, one) for one in (first, second)]
    facts = [
        {**found, "seconds": one.execution.duration.total_seconds()}
        for found, one in zip(documents, (first, second), strict=True)
    ]
    return {
        "names": [first.execution.name, second.execution.name],
        "facts": [{"name": key, "values": [fact[key] for fact in facts]} for key in (*FACTS, "seconds")],
        "counts": _rows(*(_counts(target, one.execution) for one in (first, second))),
        "states": _rows(_states(first), _states(second)),
        "batches": _rows(_batches(first, documents[0]), _batches(second, documents[1])),
    }


def _rows(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    names = dict.fromkeys([*first, *second])
    return [{"name": name, "values": [first.get(name), second.get(name)]} for name in names]


def _counts(target: Target, execution: Execution) -> dict[str, int]:
    """By dataset and count, as in the run report; empty while it runs, and where it wrote none. Zeros are left out."""
    report = run_report(target, execution.name) if execution.status != "RUNNING" else {}
    datasets = report.get("summary", {}).get("datasets", {})
    return {
        f"{dataset}: {what.replace('_', ' ')}": number
        for dataset, counts in datasets.items()
        for what, number in counts.items()
        if number
    }


def _states(watched: Watched) -> dict[str, Any]:
    names = dict.fromkeys(attempt.state for attempt in watched.run.attempts)
    return {name: _spent(one for one in watched.run.attempts if one.state == name) for name in names}


def _batches(watched: Watched, document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for batch in document["batches"]:
        name = f"{batch['dataset']} {batch['period']}"
        seen[name] += 1
        spent = _spent(one for one in watched.run.attempts if one.batch == batch["index"])
        found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = {
            **spent,
            "status": batch["status"],
            "error": batch["error"],
        }
    return found


def _spent(attempts: Iterable[Attempt]) -> dict[str, Any]:
    taken = list(attempts)
    seconds = sum((one.ended - one.started).total_seconds() for one in taken if one.ended)
    return {"attempts": len(taken), "retries": sum(one.retry > 0 for one in taken), "seconds": round(seconds, 3)}
