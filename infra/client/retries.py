"""What an execution did not do, and how it is run again: by its messages on the dead-letter queue, else by new starts.

Nothing is run twice: a start is named after its message, or after the execution and the number of the work in it; what
is under way is followed; what has its markers is loaded. Step Functions' own redrive is of no use here: a failed
execution has ended in a Fail state, which a redrive only enters again, and where one was cut off, Plan leaves out what
is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from msgspec import ValidationError, convert, to_builtins

from infra import facts
from infra.client.dead_letters import REDRIVE, Held, Letter, counts, held, letters_of, parse_json, why_refused
from infra.client.errors import Refusal, explain
from infra.client.executions import Execution, describe, latest, run_report
from infra.client.target import Target
from marketlake.contract import dataset_names, load_contract
from marketlake.errors import InvalidRequest, PartFailed, readable_cause
from marketlake.failures import Failure
from marketlake.history import loaded_days
from marketlake.messages import Input
from marketlake.restatements import Restatement

ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")
NO_MESSAGE = ("SendToDlq", "SendRejectedDays")
"""States that fail where the queue did not take a message."""

MAX_NAME = 80
"""Longest name of an execution (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html)."""

LOOK_BACK = timedelta(days=14)
"""How far back failures are looked for where no execution is named: as long as the queue keeps a message."""

MOST_LISTED = 1000

STARTED, STARTED_BEFORE, WOULD_START = "started", "was started before", "would start"
LOADED, DONE_BEFORE, RUNNING = "loaded already", "was done before", "runs already"
FOLLOWED = (STARTED, STARTED_BEFORE, RUNNING)
"""Results after which there is an execution to wait for."""

ACCEPTED = (*FOLLOWED, WOULD_START, LOADED, DONE_BEFORE)
"""All results but those that say why work stays."""


@dataclass(frozen=True)
class Work:
    """Work to run again: the execution ``name`` does it with the input ``request``.

    ``letters`` are the messages about it, deleted once the start was accepted. ``result`` says why nothing is to be
    started, ``refusal`` why nothing can be.
    """

    name: str
    request: dict[str, Any]
    letters: tuple[Letter, ...] = ()
    result: str = ""
    refusal: str = ""


def work_of(letter: Letter, result: str = "") -> Work:
    """The work of one message."""
    return Work(letter.starts, letter.request, (letter,), result, letter.refusal)


def run_again(box: Held, target: Target, work: Work, *, dry_run: bool = False) -> dict[str, Any]:
    """Start the work, and delete its messages once the start was accepted: what was done, as a record.

    ``result`` says so in words, ``done`` whether the work is done or in hand. Work that cannot be started does not keep
    other work from being started.
    """
    result, done = work.result or WOULD_START, False
    try:
        if work.refusal:
            result = f"stays: {work.refusal}"
        elif not dry_run:
            if not work.result:
                result = STARTED if _start(target, work) else STARTED_BEFORE
            for letter in work.letters:
                box.delete(letter.id)
            done = True
    except ClientError as error:
        result = f"stays: {explain(error)}"
    execution = "" if work.refusal or work.result == LOADED else work.name
    return {"execution": execution, "result": result, "done": done, "input": work.request}


def retry_failed(target: Target, found: Execution | None, *, dry_run: bool = False) -> list[dict[str, Any]]:
    """Run again what the ended execution ``found`` did not get done, or without one all that failed: a record each.

    Raises:
        Refusal: there is no such work, or it cannot be run again (``Retries.of``).
    """
    with held(target, target.names["dlq"]) as box:
        _, hidden = counts(target, target.names["dlq"])
        retries = Retries(target, letters_of(box, target), hidden - len(box.messages))
        works = retries.of(found) if found else retries.of_everything()
        return [run_again(box, target, work, dry_run=dry_run) for work in works]


def _start(target: Target, work: Work) -> bool:
    """Start the work; False where there is an execution of its name already, which counts as accepted.

    Raises:
        ClientError: Step Functions refused the start.
    """
    request = json.dumps(work.request)
    try:
        target.states.start_execution(stateMachineArn=target.state_machine_arn, name=work.name, input=request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return False
    return True


def retry_name(name: str, number: int) -> str:
    """``retry-<execution>-<n>``, shortened by a hash where that is too long; the same each time, so twice is once."""
    wanted = f"retry-{name}-{number}"
    if len(wanted) <= MAX_NAME:
        return wanted
    tail = f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}-{number}"
    return f"retry-{name}"[: MAX_NAME - len(tail)] + tail


class Retries:
    """Finds the work that is to be run again, by what is on the queue, under way and in the lake.

    ``letters`` are the queue's messages, but for about ``hidden`` ones that somebody else is reading. AWS is asked once
    about each execution and each input, since the messages are kept from others meanwhile.
    """

    def __init__(self, target: Target, letters: Sequence[Letter], hidden: int = 0) -> None:
        self._target, self._letters, self._hidden = target, letters, hidden
        self._report = cache(lambda name: run_report(target, name))
        self._listed = cache(lambda: latest(target, MOST_LISTED))
        self._described = cache(lambda arn: describe(target, arn))
        self._loaded = cache(lambda request: is_loaded(target, json.loads(request)))

    def of(self, found: Execution) -> list[Work]:
        """The work of an ended execution: its failures, and the histories that it noticed to be restated.

        Raises:
            Refusal: there is no such work, its input was refused and would be again, or somebody else has its messages.
        """
        look = f"see: marketlake history {found.name}"
        if found.status not in (*ENDED_BADLY, "SUCCEEDED"):
            raise Refusal(f"execution {found.name} is {found.status}: it has not ended", look)
        if self._was_refused(found):
            why = readable_cause({"Cause": found.cause})
            advice = "correct that and start it with: marketlake run, or marketlake backfill"
            raise Refusal(f"the input was refused and would be again: {why}", advice)
        works = self._works(found)
        if not works:
            raise Refusal(f"execution {found.name} is SUCCEEDED: nothing of it failed", look)
        return works

    def of_everything(self) -> list[Work]:
        """The work of every message, and of every execution of the last 14 days that failed with no later success."""
        since = datetime.now(UTC) - LOOK_BACK
        listed = [found for found in self._listed() if found.started >= since]
        answered = [found for found in listed if found.status == "SUCCEEDED"]
        works: list[Work] = []
        for found in (self._described(one.arn) for one in listed if one.status in ENDED_BADLY):
            whole = self._is_whole(found)
            if self._was_refused(found) or (whole and self._is_answered(found, answered)):
                continue
            works += self._works(found)
            # The window of this one has the days of an older start of the same input.
            answered += [found] if whole else []
        works = _each_once([*works, *map(self._redriven, self._letters)])
        kept: list[Work] = []
        for work in works:
            new = not work.result and not work.letters
            if not (new and any(covers(other.request, work.request) for other in kept)):
                kept.append(work)
        return kept

    def _works(self, found: Execution) -> list[Work]:
        works: list[Work] = []
        for number, (request, letters, anew) in enumerate(self._pieces(found), start=1):
            works += self._piece(found, number, request, letters, anew=anew)
        taken = [letter for work in works for letter in work.letters]
        own = [letter for letter in self._letters if letter.execution == found.name and letter not in taken]
        return _each_once([*works, *map(self._redriven, own)])

    def _pieces(self, found: Execution) -> Iterable[tuple[dict[str, Any], list[Letter], bool]]:
        """Inputs that run what ``found`` did not do, each with the messages about it, and whether it is to be started
        anew in place of these."""
        if self._is_whole(found):
            yield _own_request(found), [letter for letter in self._letters if letter.execution == found.name], True
        else:
            without_message: dict[str, bool] = {}
            for failure in self._failures(found):
                text = json.dumps(to_builtins(failure.input))
                without_message[text] = without_message.get(text, False) or failure.state in NO_MESSAGE
            for text, anew in without_message.items():
                yield *self._about(json.loads(text)), anew
        for request in _restated_requests(self._report(found.name)):
            yield *self._about(request), False

    def _about(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[Letter]]:
        # A message of a redrive that failed again has another execution's name, but these days.
        return request, [letter for letter in self._letters if covers(request, letter.request)]

    def _piece(
        self, found: Execution, number: int, request: dict[str, Any], letters: Sequence[Letter], *, anew: bool
    ) -> list[Work]:
        name = retry_name(found.name, number)
        works = [] if anew else [self._redriven(letter) for letter in letters]
        before = self._find(name)
        refusal = why_refused(request)
        if before and before.status in ENDED_BADLY:
            if not self._was_refused(before):
                return [*works, *self._works(before)]
            refusal = f"{name} was refused: {readable_cause({'Cause': before.cause})}"
        if works:
            return works
        if before:
            result = DONE_BEFORE if before.status == "SUCCEEDED" else RUNNING
        elif self._loaded(json.dumps(request)):
            result = LOADED
        elif later := self._later(found, request):
            name, result = later.name, DONE_BEFORE if later.status == "SUCCEEDED" else RUNNING
        elif self._hidden > 0 and not anew:
            why = f"about {self._hidden} messages on the queue are being read by something else"
            raise Refusal(f"{why}, and one may be about this work", "run the command again in a minute")
        else:
            result = ""
        return [Work(name, request, tuple(letters), "" if refusal else result, refusal)]

    def _redriven(self, letter: Letter) -> Work:
        return work_of(letter, LOADED if not letter.refusal and self._loaded(json.dumps(letter.request)) else "")

    def _failures(self, found: Execution) -> list[Failure]:
        return convert(self._report(found.name).get("failures", []), list[Failure])

    def _is_whole(self, found: Execution) -> bool:
        """Whether its own input is to be run again: it has no run report, or more failed than some batches.

        Where a part failed so did all batches of its window: one start asks the source once for all of them.
        """
        failures, report = self._failures(found), self._report(found.name)
        nothing_known = not failures and not report.get("restatements")
        more = any(failure.input is None or failure.error == PartFailed.__name__ for failure in failures)
        return found.status in ENDED_BADLY and (nothing_known or more)

    def _was_refused(self, found: Execution) -> bool:
        # A batch's InvalidRequest is in the report; Plan's ends the execution before there is one.
        return found.error == InvalidRequest.__name__ and not self._report(found.name)

    def _is_answered(self, found: Execution, answered: Iterable[Execution]) -> bool:
        """Whether one of ``answered`` ran the input of ``found`` soon enough to look back at its days."""
        days = timedelta(days=int(facts.parameters()["look_back_days"]))
        later = [one for one in answered if found.started < one.started <= found.started + days]
        wanted = _without_trigger(found, "scheduled_time")
        return any(_without_trigger(self._described(one.arn), "scheduled_time") == wanted for one in later)

    def _find(self, name: str) -> Execution | None:
        try:
            return describe(self._target, name)
        except Refusal:
            return None

    def _later(self, found: Execution, request: dict[str, Any]) -> Execution | None:
        """An execution that runs ``request``, or has run it by a message that is gone from the queue."""
        for one in self._listed():
            redriven = one.status == "SUCCEEDED" and one.name.startswith(REDRIVE) and one.started > found.started
            if (redriven or one.status == "RUNNING") and covers(parse_json(self._described(one.arn).input), request):
                return one
        return None


def _each_once(works: Iterable[Work]) -> list[Work]:
    return list({work.name: work for work in works}.values())


def _own_request(found: Execution) -> Any:
    """The execution's input; one without an end gets the time of that start, so that it means the same days."""
    request = _without_trigger(found)
    if isinstance(request, dict) and not request.get("end") and not request.get("scheduled_time"):
        return {**request, "scheduled_time": f"{found.started.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return request


def _without_trigger(found: Execution, *more: str) -> Any:
    """The execution's input; a start by hand is not a claim on the scheduled one, which that execution has already."""
    request = parse_json(found.input)
    if not isinstance(request, dict):
        return request
    return {name: value for name, value in request.items() if name not in ("trigger", *more)}


def _restated_requests(report: dict[str, Any]) -> list[dict[str, Any]]:
    """One input a dataset that loads all of its restated histories again."""
    by_dataset: dict[str, list[Restatement]] = {}
    for found in convert(report.get("restatements", []), list[Restatement]):
        by_dataset.setdefault(found.dataset, []).append(found)
    return [
        {
            "datasets": [dataset],
            "start": min(one.first for one in restated),
            "end": max(one.last for one in restated),
            "symbols": sorted({one.symbol for one in restated}),
            "force": True,
        }
        for dataset, restated in by_dataset.items()
    ]


def _window(request: object) -> Input | None:
    """``request`` as an input that names its days; None where it does not."""
    if not isinstance(request, dict):
        return None
    try:
        return convert({"datasets": dataset_names(), **request}, Input)
    except ValidationError:
        return None


def covers(request: object, other: object) -> bool:
    """Whether the input ``request`` runs all that ``other`` runs."""
    if request == other:
        return True
    wide, narrow = _window(request), _window(other)
    if wide is None or narrow is None:
        return False
    days = wide.start <= narrow.start and narrow.end <= wide.end
    named = set(narrow.datasets) <= set(wide.datasets) and set(narrow.symbols) == set(wide.symbols)
    again = (wide.force or not narrow.force) and wide.drop_missing == narrow.drop_missing
    return days and named and again


def is_loaded(target: Target, request: object) -> bool:
    """Whether all days that the input ``request`` names are loaded.

    False where markers cannot tell: ``force`` and ``symbols`` ask for days that are in the lake.
    """
    window = _window(request)
    if window is None or window.force or window.symbols or window.drop_missing:
        return False
    return all(
        loaded_days(target.bucket("clean"), name, window.start, window.end)
        >= set(load_contract(name).days(window.start, window.end))
        for name in window.datasets
    )
