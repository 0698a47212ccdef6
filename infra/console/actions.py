"""What the page may start and stop, by the same code as the terminal's commands."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from infra.client.dead_letters import why_refused
from infra.client.errors import Refusal
from infra.client.executions import start, stop
from infra.client.target import Target
from infra.cost.previews import preview

KEYS = ("datasets", "start", "end", "symbols", "force")
"""Keys of an execution's input that the page gives; a person does not claim the scheduled start."""

STOPPED = "stopped by a person, on the page of marketlake console"


def preview_of(target: Target, document: object) -> dict[str, Any]:
    """What Plan would do with the input in a post of the page: nothing is started.

    Raises:
        Refusal: no input was posted, or Plan refuses it.
    """
    request = request_in(document)
    return {**asdict(preview(target, request)), "request": request, "kind": kind_of(request)}


def start_run(target: Target, document: object) -> dict[str, str]:
    """Start an execution on the input in a post of the page: its name.

    Raises:
        Refusal: no input was posted, or Plan would refuse it.
    """
    request = request_in(document)
    if why := why_refused(request):
        raise Refusal(why, "correct the input; nothing was started")
    return {"execution": start(target, kind_of(request), request).rpartition(":")[2]}


def stop_run(target: Target, name: str) -> dict[str, str]:
    """Stop a running execution.

    Raises:
        Refusal: there is no such execution, or it has ended.
    """
    return {"execution": stop(target, name, STOPPED).name}


def kind_of(request: dict[str, Any]) -> str:
    """First part of the execution's name, as the terminal's commands give it."""
    return "backfill" if request.get("start") else "run"


def request_in(document: object) -> dict[str, Any]:
    """The execution's input in a post of the page, without what is empty.

    Raises:
        Refusal: no input was posted, or it has a key that the page does not give.
    """
    request = document.get("request") if isinstance(document, dict) else None
    if not isinstance(request, dict) or not set(request) <= set(KEYS):
        raise Refusal(f"no input was given, or one with other keys than {', '.join(KEYS)}", "fill in the form again")
    return {name: request[name] for name in KEYS if request.get(name)}
