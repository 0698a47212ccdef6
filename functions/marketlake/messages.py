"""The documents that travel through the state machine: what each state is given, and what it answers.

``telemetry.task`` makes a handler's event into one of these types and its answer into a document again. The command
and the tests read the same documents by the same types. Fields that a type does not have are passed over, so that an
execution from before a deployment still ends.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar

from msgspec import Struct, ValidationError, convert

from marketlake.errors import ContractViolation

Document = TypeVar("Document")


def read_message(document: object, cls: type[Document], what: str) -> Document:
    """``document`` (JSON as Python has it) as a ``cls``; ``what`` names it in the message.

    Raises:
        ContractViolation: a field is missing or of another type; the message names it.
    """
    try:
        return convert(document, cls)
    except ValidationError as error:
        raise ContractViolation(
            f"{what} is not a {cls.__name__}: {error}; deploy again so that functions and state machine agree"
        ) from error


class Task(Struct, frozen=True):
    """Where in which execution a function runs. ``batch`` is the batch's index, ``retry`` the retries before."""

    execution: str
    state: str
    retry: int = 0
    batch: int | None = None


class BatchTask(Task, frozen=True, kw_only=True):
    """The same in a state inside the Map, where there is always a batch."""

    batch: int


class Input(Struct, frozen=True, omit_defaults=True):
    """The execution input that runs the days from ``start`` to ``end`` of ``datasets`` again.

    Inputs from outside are not read by it: ``request.parse_request`` refuses what is not accepted.
    """

    datasets: list[str]
    start: date
    end: date
    symbols: list[str] = []
    force: bool = False
    drop_missing: bool = False


class Batch(Struct, frozen=True):
    """``count`` days of a dataset that go through the states together; ``days`` are day ranges (``intervals``).

    ``symbols``: these alone are put into days that the lake has. ``recheck``: the days are in the lake and are looked
    at again. ``continues``: the execution writes the day before the first as well. ``window``: the day range of all
    batches that share one pass over the source, empty where this one has a pass of its own. ``quiet`` are days that the
    source did not have before: they are asked for, but neither waited for nor a failure. ``drill``: Fetch fails; what
    runs the batch again (``input``) does not have it. ``parts``: so many make the pass of ``window``, before all
    batches; 0 where the first batch makes it.
    """

    dataset: str
    days: list[str]
    count: int
    input: Input
    symbols: list[str] = []
    recheck: bool = False
    continues: bool = False
    window: str = ""
    quiet: list[str] = []
    drill: bool = False
    parts: int = 0


class Part(Struct, frozen=True, omit_defaults=True):
    """Part ``number``, from 1, of the ``of`` ones in which the pass over ``window``, a day range, is made.

    Its symbols are those that all parts can tell alike: the ``number``-th share of the list in force, by name.
    ``awaited`` are day ranges for which this part waits if they are late.
    """

    dataset: str
    window: str
    number: int
    of: int
    awaited: list[str] = []


class Summary(Struct, frozen=True):
    """What Plan found, in days. ``started_already`` names the execution that runs the same scheduled start, if any."""

    datasets: list[str] = []
    days_due: int = 0
    days_done: int = 0
    days_planned: int = 0
    batches: int = 0
    started_already: str = ""


class Planned(Struct, frozen=True):
    """Plan's answer; ``parts`` are those of long lists alone."""

    batches: list[Batch]
    summary: Summary
    parts: list[Part] = []


class DatasetPlan(Struct, frozen=True):
    """What Plan found of one dataset, in days, and how many requests its source is sent where each is answered."""

    dataset: str
    days_due: int
    days_done: int
    source_requests: int


class Previewed(Planned, frozen=True):
    """Plan's answer to a preview: the plan, each dataset's part in it, or why the input is refused."""

    datasets: list[DatasetPlan] = []
    refusal: str = ""


class Fetched(Struct, frozen=True):
    """Fetch's answer: day ranges that are stored, ``late`` ones that may still come and ``holes`` that will not.

    ``before``: the bars before the first stored day were stored, too. ``missing_symbols`` has the first few, each with
    a reason.
    """

    days: list[str]
    stored: int
    late: list[str] = []
    holes: list[str] = []
    before: bool = False
    missing_symbols: list[str] = []


class Rejection(Struct, frozen=True):
    """Days that Validate rejected: error class, a cause for people, and the input that runs them again."""

    days: list[str]
    error: str
    cause: str
    input: Input


class Validated(Struct, frozen=True):
    """Validate's answer: counts of days, and of bad rows; ``example`` is the first of ``rejections``.

    ``flagged_rows`` are good ones in which a value is in doubt. ``manifest`` is the key of the object with the good
    rows of the accepted days.
    """

    accepted: int
    unchanged: int
    rejected: int
    rejected_rows: int
    manifest: str
    flagged_rows: int = 0
    rejections: list[Rejection] = []
    example: Rejection | None = None


class Transformed(Struct, frozen=True):
    """Transform's answer: days and rows written, and the key of the manifest that describes each day."""

    written: int
    rows: int
    manifest: str


class Checked(Struct, frozen=True):
    """AthenaCheck's answer: days and rows that Athena found as written, markers written, days that were corrected.

    ``same`` are days that came with nothing new, whose objects were left as they are; they are not among ``days``.
    ``kept`` rows are in the lake and were not among those that came.
    """

    days: int
    rows: int
    markers: int
    corrected: int
    same: int = 0
    kept: int = 0


class Caught(Struct, frozen=True, rename="pascal"):
    """An error as Step Functions catches it; ``cause`` of a function's is a JSON document (``readable_cause``)."""

    error: str = ""
    cause: str = ""


class BatchResult(Struct, frozen=True, kw_only=True):
    """What the states made of a batch, as Report is given it: counts, and what failed, by state.

    ``rejected`` days are described by ``rejection``, the first of them. What Fetch did not get is not among it: Report
    reads that from S3 (``manifest.FetchNotes``). Where the Map itself failed, Report is given the planned batches,
    which have no ``index`` and did nothing.
    """

    index: int = -1
    dataset: str
    days: list[str]
    count: int
    input: Input
    recheck: bool = False
    failure: dict[str, Caught] = {}
    stored: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejected_rows: int = 0
    flagged_rows: int = 0
    rejection: Rejection | None = None
    written: int = 0
    rows: int = 0
    marked: int = 0
    checked: int = 0
    corrected: int = 0
    same: int = 0
    kept: int = 0


class FailureMessage(Struct, frozen=True):
    """The body of a message on the dead-letter queue: a failed batch or rejected days, and what runs them again."""

    schema_version: int
    execution_arn: str
    execution: str
    dataset: str
    days: list[str]
    failure: dict[str, Caught]
    time: datetime
    input: Input


class PlanEvent(Struct, frozen=True):
    """What Plan is given: the execution's input, from outside and so not checked, and the time when it started.

    ``preview``: there is no execution; Plan says what it would plan, claims no start, and answers with a refusal
    instead of failing with it, so that no alarm goes off.
    """

    task: Task
    input: Any
    started: datetime
    preview: bool = False


class BatchEvent(Struct, frozen=True, kw_only=True):
    """What each state of a batch is given."""

    task: BatchTask
    batch: Batch


class FetchEvent(BatchEvent, frozen=True):
    """What Fetch is given: when the execution started, and when the batch came to Fetch, before its first attempt."""

    started: datetime
    entered: datetime | None = None

    @property
    def waiting_since(self) -> datetime:
        """When the batch came to Fetch; in an execution from before a deployment that says it, when that started."""
        return self.entered or self.started


class PartEvent(Struct, frozen=True):
    """What Fetch is given of a part: when the execution started, and when the part came to Fetch."""

    task: Task
    part: Part
    started: datetime
    entered: datetime


class FetchedPart(Struct, frozen=True):
    """Fetch's answer of a part: so many symbols were asked for, none and not ``done`` where a part before it failed."""

    symbols: int
    done: bool = True


class ValidateEvent(BatchEvent, frozen=True):
    """What Validate is given."""

    fetched: Fetched


class TransformEvent(BatchEvent, frozen=True):
    """What Transform is given."""

    validated: Validated


class CheckEvent(BatchEvent, frozen=True):
    """What AthenaCheck is given."""

    transformed: Transformed


class ReportEvent(Struct, frozen=True):
    """What Report is given: the execution's input, Plan's summary, each batch's result, and failures outside them."""

    task: Task
    execution_arn: str
    started: str
    input: Any
    plan: Summary
    results: list[BatchResult]
    failure: dict[str, Caught]
