"""The console's routes: the page, and the JSON that it reads; errors come as a sentence with what to do next."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infra.client.errors import OpsError, Refusal, explain
from infra.client.target import Target
from infra.client.texts import plain
from infra.console.actions import preview_of, start_run, stop_run
from infra.console.attempts import attempt_detail, attempt_logs, event_of, event_page
from infra.console.compare import comparison
from infra.console.data import Rows
from infra.console.days import Calendars
from infra.console.detail import execution_document
from infra.console.executions import Listing, Wanted, Watched, Watcher
from infra.console.queues import Queues, ids_in
from infra.local.config import LocalError
from marketlake.contract import dataset_names, load_contract
from marketlake.errors import MarketlakeError
from marketlake.reader.errors import LakeError

STATIC = Path(__file__).parent / "static"
SHARED = Path(__file__).parents[1] / "web"

Reads = Callable[[Request], Any]


def reading(read: Reads) -> Callable[[Request], Response]:
    """An endpoint that answers what ``read`` returns, or 304 where the page has that already."""

    def endpoint(request: Request) -> Response:
        body = json.dumps(
            read(request), default=plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode("utf-8", "replace")
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(body, media_type="application/json", headers={"ETag": tag})

    return endpoint


Acts = Callable[[Request, Any], Any]


def acting(act: Acts) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers what ``act`` returns for the document that was posted (None: it is not JSON)."""

    async def endpoint(request: Request) -> Response:
        document: object = None
        with suppress(ValueError, RecursionError):
            document = json.loads(await request.body())
        return JSONResponse(await run_in_threadpool(act, request, document))

    return endpoint


def _failure(_request: Request, error: Exception) -> Response:
    """An error of ours or of the AWS SDK as the page shows it."""
    if isinstance(error, ClientError | BotoCoreError):
        error = explain(error)
    advice = error.advice if isinstance(error, OpsError) else ""
    status = 404 if isinstance(error, Refusal | LakeError) else 502
    return JSONResponse({"error": str(error), "advice": advice}, status)


ERRORS: dict[Any, Any] = dict.fromkeys((OpsError, LocalError, MarketlakeError, ClientError, BotoCoreError), _failure)
"""Handlers by class of error; anything else is a defect of ours, and its trace goes to the terminal."""


class Console:
    """What the routes read, each from the target's AWS APIs."""

    def __init__(self, target: Target, token: str) -> None:
        self._target, self._token = target, token
        self._watcher, self._queues, self._calendars = Watcher(target), Queues(target), Calendars(target)
        self._listing, self._rows = Listing(target, self._watcher), Rows(target)
        # Made here, since a session must not make clients in several threads at once.
        _ = target.states, target.sqs, target.s3, target.logs, target.lambdas

    def routes(self) -> list[Route | Mount]:
        """All routes."""
        one = "/api/executions/{name}"
        return [
            Route("/", self._page),
            Route("/api/overview", reading(self._overview)),
            Route("/api/executions", reading(self._executions)),
            Route(one, reading(lambda request: execution_document(self._target, self._watched(request)))),
            Route(f"{one}/events", reading(self._events)),
            Route(f"{one}/events/{{id:int}}", reading(lambda r: dict(event_of(self._watched(r), r.path_params["id"])))),
            Route(
                f"{one}/attempts/{{id:int}}", reading(lambda r: attempt_detail(self._watched(r), r.path_params["id"]))
            ),
            Route(f"{one}/attempts/{{id:int}}/logs", reading(self._logs)),
            Route("/api/queue", reading(lambda _: self._queues.letters())),
            Route("/api/queue/redrive", acting(self._redrive), methods=["POST"]),
            Route("/api/queue/purge", acting(lambda _, sent: self._queues.purge(ids_in(sent))), methods=["POST"]),
            Route("/api/preview", acting(lambda _, sent: preview_of(self._target, sent)), methods=["POST"]),
            Route("/api/start", acting(lambda _, sent: start_run(self._target, sent)), methods=["POST"]),
            Route(f"{one}/stop", acting(lambda r, _: stop_run(self._target, r.path_params["name"])), methods=["POST"]),
            Route(f"{one}/retry", acting(self._retry), methods=["POST"]),
            Route("/api/compare", reading(self._compare)),
            Route(
                "/api/data/{dataset}", reading(lambda r: self._rows.document(r.path_params["dataset"], r.query_params))
            ),
            Route(
                "/api/data/{dataset}/quarantine",
                reading(lambda r: self._rows.quarantine(r.path_params["dataset"], r.query_params)),
            ),
            Route("/api/mails", reading(lambda _: self._queues.mails())),
            Route("/api/days", reading(lambda _: self._calendars.document())),
            Mount("/static", StaticFiles(directory=STATIC)),
            Mount("/web", StaticFiles(directory=SHARED)),
        ]

    def _page(self, _request: Request) -> Response:
        page = (STATIC / "index.html").read_text("utf-8")
        return HTMLResponse(page.replace("{{token}}", html.escape(self._token)))

    def _overview(self, _request: Request) -> dict[str, Any]:
        target = self._target
        return {
            "target": target.described,
            "local": target.is_local,
            "simulated": target.simulated,
            "links": target.console_links,
            "datasets": {name: f"{load_contract(name).first_date}" for name in dataset_names()},
            **self._queues.counts(),
        }

    def _executions(self, request: Request) -> dict[str, Any]:
        asked = request.query_params
        wanted = Wanted(
            asked.get("status", ""), asked.get("kind", ""), asked.get("text", ""), _number(asked.get("hours"))
        )
        return self._listing.page(wanted, int(_number(asked.get("start"))))

    def _watched(self, request: Request) -> Watched:
        return self._watcher.watch(request.path_params["name"])

    def _events(self, request: Request) -> dict[str, Any]:
        asked = request.query_params
        batch = int(_number(asked["batch"])) if asked.get("batch") else None
        return event_page(self._watched(request), int(_number(asked.get("start"))), batch, asked.get("state", ""))

    def _logs(self, request: Request) -> dict[str, Any]:
        return attempt_logs(self._target, self._watched(request), request.path_params["id"])

    def _compare(self, request: Request) -> dict[str, Any]:
        first, second = (request.query_params.get(which, "") for which in ("a", "b"))
        if not first or not second:
            raise Refusal("two executions are compared; the address names fewer", "choose them on the page")
        return comparison(self._target, self._watcher.watch(first), self._watcher.watch(second))

    def _retry(self, request: Request, document: Any) -> dict[str, Any]:
        return self._queues.retry(request.path_params["name"], dry_run=_is_trial(document))

    def _redrive(self, _request: Request, document: Any) -> dict[str, Any]:
        return self._queues.redrive(ids_in(document), dry_run=_is_trial(document))


def _is_trial(document: object) -> bool:
    return isinstance(document, dict) and bool(document.get("dry_run"))


def _number(text: str | None) -> float:
    """A number of the address, not negative; 0 without one.

    Raises:
        Refusal: it is not such a number.
    """
    try:
        number = float(text or 0)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise Refusal(f"the address asks for {text!r}, where a number is wanted", "go back to the list")
    return number
