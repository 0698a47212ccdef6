"""The dead-letter queue: what is on it, read without keeping it from others.

A message is one of three. ``failure`` is a failed batch or a rejected day, as the state machine sends it. ``schedule``
is a start that EventBridge Scheduler could not make. ``unknown`` is anything else: shown, and never started.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import ValidationError, convert

from infra.client.target import Target
from infra.facts import attempts_of
from marketlake.contract import dataset_names
from marketlake.errors import InvalidRequest, readable_cause
from marketlake.failures import EVERYTHING, retry_command
from marketlake.messages import Caught, FailureMessage
from marketlake.request import parse_request

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HOLD_SECONDS = 30
"""How long a message that was read is kept from others; what is not deleted is given back at once when done."""

WAIT_SECONDS = 1
"""A long poll asks all of SQS's servers, a short one only some of them, whose empty answer says little.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html"""

SCHEMA_VERSIONS = (1, 2, 3)
"""Of the messages that ``SendToDlq`` and ``SendRejectedDay`` in ``statemachine/pipeline.asl.json`` send; only the
second one has ``attempts``."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Sorts a message that does not say when it was sent."""

REDRIVE = "redrive-"
"""First part of the names of executions that a message has started."""


@dataclass(frozen=True)
class Letter:
    """A message of the queue. ``refusal`` says why it cannot be run again; ``request`` is what runs it again."""

    id: str
    sent: datetime | None
    body: str
    kind: str = "unknown"
    dataset: str = ""
    days: Sequence[str] = ()
    state: str = ""
    error: str = ""
    cause: str = ""
    attempts: int | None = None
    execution: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""

    @property
    def starts(self) -> str:
        """Name of the execution that runs it again: made from the message's id, so that twice is once."""
        return f"{REDRIVE}{self.id}"


class Held:
    """The messages of a queue that were read and are kept from others meanwhile, by id."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs, self._url = sqs, url
        self.messages: dict[str, MessageTypeDef] = {}

    def read(self) -> None:
        """Receive until nothing new comes."""
        while True:
            got = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HOLD_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                AttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            known = len(self.messages)
            # A message that came before has a new receipt now, and only the last one is sure to delete it.
            self.messages |= {message["MessageId"]: message for message in got}
            if len(self.messages) == known:
                return

    def delete(self, message_id: str) -> None:
        """Delete a message for good."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self.messages[message_id]["ReceiptHandle"])
        del self.messages[message_id]

    def release(self) -> None:
        """Let others see what was not deleted."""
        left = [message["ReceiptHandle"] for message in self.messages.values()]
        for start in range(0, len(left), 10):
            entries = [
                {"Id": f"{number}", "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(left[start : start + 10])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]


@contextmanager
def held(target: Target, queue: str) -> Iterator[Held]:
    """All visible messages of the queue of this name; given back at the end, except those deleted."""
    box = Held(target.sqs, target.sqs.get_queue_url(QueueName=queue)["QueueUrl"])
    try:
        box.read()
        yield box
    finally:
        box.release()


def counts(target: Target, queue: str) -> tuple[int, int]:
    """About how many messages the queue of this name holds, and how many of these somebody is reading."""
    url = target.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = target.sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    visible = found.get("ApproximateNumberOfMessages", "0")
    return int(visible), int(found.get("ApproximateNumberOfMessagesNotVisible", "0"))


def letters_of(box: Held, target: Target) -> list[Letter]:
    """The dead letters in ``box``, oldest first."""
    letters = [read_letter(message, target.state_machine_arn) for message in box.messages.values()]
    return sorted(letters, key=lambda letter: (letter.sent or LONG_AGO, letter.id))


def sent_at(message: MessageTypeDef) -> datetime | None:
    """When the message was sent."""
    milliseconds = message.get("Attributes", {}).get("SentTimestamp", "")
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds.isdecimal() else None


def read_letter(message: MessageTypeDef, state_machine_arn: str) -> Letter:
    """The message as a letter, whatever is in it."""
    letter_id, sent, body = message["MessageId"], sent_at(message), text_in(message.get("Body"))
    try:
        document = parse_json(body)
        if not isinstance(document, dict):
            raise ValueError("the body is JSON, but no object")
        found = _failure(document) if "schema_version" in document else _schedule(document, message, state_machine_arn)
    except ValueError as error:
        found = {"refusal": f"not a message of marketlake's: {error}"}
    if found.get("refusal"):
        found |= {"kind": "unknown"}
    return Letter(letter_id, sent, body, **found)


def _failure(document: dict[str, Any]) -> dict[str, Any]:
    """What ``SendToDlq`` and ``SendRejectedDay`` write.

    Raises:
        ValueError: it is not such a message.
    """
    if document["schema_version"] not in SCHEMA_VERSIONS:
        raise ValueError(f"its schema_version is not in {SCHEMA_VERSIONS}; use a newer command")
    try:
        message = convert(document, FailureMessage)
    except ValidationError as error:
        raise ValueError(str(error)) from error
    state, caught = next(iter(message.failure.items()), ("", Caught()))
    return {
        "kind": "failure",
        "dataset": message.dataset,
        "days": message.days,
        "state": state,
        "error": caught.error,
        "cause": readable_cause({"Cause": caught.cause}),
        "attempts": _attempts(document, state, caught.error),
        "execution": message.execution,
        "request": document["input"],
        "refusal": why_refused(document["input"]),
    }


def _attempts(document: dict[str, Any], state: str, error: str) -> int | None:
    """How often the work was tried: a message of version 2 says it, that of a later one follows from its error.

    None where neither does: for a day that its source did not have, Validate names the source's error, but Fetch asked.
    """
    attempts = document.get("attempts")
    if isinstance(attempts, int):
        return attempts
    asked_by_fetch = (state, error) == ("Validate", "UpstreamUnavailable")
    return None if document["schema_version"] in (1, 2) or not error or asked_by_fetch else attempts_of(error)


def _schedule(document: dict[str, Any], message: MessageTypeDef, state_machine_arn: str) -> dict[str, Any]:
    """What EventBridge Scheduler leaves: the StartExecution request that it could not make, or the input alone.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html shows the request of the API as
    the body and the error in attributes.
    """
    asked = {key.lower(): value for key, value in document.items()}
    request: object = document
    if "statemachinearn" in asked:
        if asked["statemachinearn"] != state_machine_arn:
            raise ValueError("it asks for a start of another state machine")
        request = parse_json(text_in(asked.get("input")) or "{}")
    attributes = {
        name: text_in(value.get("StringValue")) for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "kind": "schedule",
        "state": "Schedule",
        "error": attributes.get("ERROR_CODE", ""),
        "cause": attributes.get("ERROR_MESSAGE", "the scheduled start could not be made"),
        "request": request if isinstance(request, dict) else {},
        "refusal": why_refused(request),
    }


def record_of(letter: Letter) -> dict[str, Any]:
    """A letter as the list and ``--json`` show it."""
    return {
        "id": letter.id,
        "kind": letter.kind,
        "dataset": letter.dataset,
        "days": list(letter.days),
        "state": letter.state,
        "error": letter.error,
        "attempts": letter.attempts,
        "cause": letter.refusal or letter.cause,
        "when": letter.sent,
        "execution": letter.execution,
        "retry": "" if letter.refusal else retry_command(letter.execution or EVERYTHING),
        "input": letter.request,
        "redrivable": not letter.refusal,
    }


def parse_json(text: str) -> object:
    """The document in ``text``.

    Raises:
        ValueError: it is not JSON, it nests too deeply, or it holds text that cannot be written again.
    """
    try:
        document: object = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("the body holds text that is not Unicode") from None
    except RecursionError:
        raise ValueError("the body nests too deeply") from None
    except ValueError:
        raise ValueError("the body is not JSON") from None
    return document


def text_in(value: object) -> str:
    """``value`` if it is text, such that it can be printed; empty for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def why_refused(request: object) -> str:
    """Why Plan would refuse ``request`` as an execution's input; empty where it would not.

    Symbols are taken as they are: only Plan knows those in force.
    """
    symbols = request.get("symbols") if isinstance(request, dict) else None
    taken = [name for name in symbols if isinstance(name, str)] if isinstance(symbols, list) else []
    try:
        parse_request(request, dict.fromkeys(dataset_names(), taken), datetime.now(UTC))
    except (InvalidRequest, RecursionError) as error:
        return f"what it would start is not accepted: {error}"
    return ""
