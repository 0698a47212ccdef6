"""Dataset contracts: the one description of a dataset from which everything else about it follows.

A contract is a JSON file in ``contracts/``. The Polars, Arrow and Glue schemas (``schemas.py``), the validation rules,
the calendar, the batches and the data dictionary are read from it; Terraform reads the same file.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from marketlake.calendars import LONGEST_CLOSURE, trading_days
from marketlake.errors import ContractViolation

CONTRACTS = Path(__file__).parent / "contracts"

ColumnType = Literal["string", "double", "bigint"]
RawFormat = Literal["prices_csv", "rates_json"]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a contract's document, by the document's own names."""


class Column(Part, frozen=True):
    """A column of the clean table; ``type`` is its Athena type."""

    name: str
    type: ColumnType
    nullable: bool
    description: str


class MoveRule(Part, frozen=True):
    """Bound of a day-on-day move of ``column``, as a ratio of the larger to the smaller value; beyond it, a value is
    quarantined until the next days agree with it.

    A move within ``unit_tolerance`` of ``unit_ratio`` (100: pence for pounds) is a unit error however long it lasts. On
    the day of a split (``split_column`` is not 1) of a series that is adjusted for splits, a move within
    ``split_tolerance`` of the split's ratio, up or down, is flagged: one side of it is not adjusted, or is twice.
    """

    column: str
    max_ratio: float
    unit_ratio: float
    unit_tolerance: float
    split_column: str | None = None
    split_tolerance: float = 0.0


class SpikeRule(Part, frozen=True):
    """A value at least ``min_ratio``-fold those of the day before and the day after, or a ``min_ratio``-th, which are
    within ``max_return`` of each other, as a ratio. It is flagged, and stays."""

    min_ratio: float
    max_return: float


class RangeRule(Part, frozen=True):
    """``low`` and ``high`` hold ``close`` and ``open``, and none is beyond ``max_ratio``-fold of ``close``.

    What contradicts the close, or the range that holds it, becomes null with a flag.
    """

    open: str
    high: str
    low: str
    close: str
    max_ratio: float


class DividendRule(Part, frozen=True):
    """What a dividend (``column``, in ``currency_column``) is held against; in doubt it becomes null with a flag.

    In the currency of ``of`` (``price_currency_column``) it is ``min`` to ``max`` times that, where not 0. ``adjusted``
    is the raw column with the source's own closes adjusted for dividends: from one row to the next they imply another
    dividend, which is to agree within ``tolerance``, as a ratio; in another currency within ``currency_tolerance``.
    Where they do not, an amount of ``ordinary`` size (least and greatest share of the price) stays if what is implied
    is nothing, a hundredth, or beyond the ordinary: the source adjusts later, or wrongly.
    """

    column: str
    currency_column: str
    of: str
    price_currency_column: str
    min: float
    max: float
    adjusted: str
    tolerance: float
    currency_tolerance: float
    ordinary: tuple[float, float]


class RepeatRule(Part, frozen=True):
    """A row that is its symbol's last one over again in all of ``columns``.

    It is refused if ``traded`` (a count) is equal as well and not 0, and the ``columns`` are not all one price: what
    traded does not repeat itself. Where more than ``max_share`` of a day's rows repeat themselves, at least
    ``min_rows`` of them, all of those are refused.
    """

    columns: tuple[str, ...]
    traded: str | None
    max_share: float
    min_rows: int


class Rules(Part, frozen=True):
    """Validation rules. ``coverage`` and ``max_bad_share`` are shares of a day's expected and received rows.

    ``review_share``: a person should look at the quarantined rows of a batch when they are a larger share of it. A
    value that is not finite, or breaks ``positive`` or ``non_negative``, costs its row where its column may not be
    null; else it becomes null with a flag.
    """

    coverage: float
    max_bad_share: float
    review_share: float
    positive: tuple[str, ...]
    non_negative: tuple[str, ...]
    repeat: RepeatRule
    move: MoveRule
    spike: SpikeRule
    range: RangeRule | None = None
    dividend: DividendRule | None = None


class Unit(Part, frozen=True):
    """A unit in which prices are quoted: ``per_unit`` of it are one unit of ``currency`` (ISO 4217)."""

    currency: str
    per_unit: float


class Units(Part, frozen=True):
    """How quoted values become amounts of a currency.

    ``columns`` are divided by the ``per_unit`` of the unit that ``quoted_column`` names, and ``currency_column`` gets
    its currency. The dividend has a unit of its own: that which its raw ``dividend_currency_column`` names, else that
    of the prices; one that is not in ``quoted`` is a currency, of which the amount stays as it is.
    """

    quoted_column: str
    currency_column: str
    columns: tuple[str, ...]
    dividend_column: str
    dividend_currency_column: str
    quoted: dict[str, Unit]


class Adjustment(Part, frozen=True):
    """Values that the source restates for all earlier days when ``event`` happens: ``columns`` move by one factor.

    On the day of the event ``event_column`` is not ``usual``. ``mails``: a mail says so at once.
    """

    event: str
    columns: tuple[str, ...]
    event_column: str
    usual: float
    mails: bool


class Published(Part, frozen=True):
    """Time of day, in ``zone``, from which a day is due at the source."""

    time: time
    zone: str


class SymbolSet(Part, frozen=True):
    """The symbols of a dataset: those in ``file``, or those of ``list``.

    ``ask``: whether the source is asked for all that it has, so that a symbol new to it does not go unseen, or for the
    listed symbols alone.
    """

    file: str | None = None
    list: tuple[str, ...] = ()
    ask: Literal["all", "listed"] = "listed"


class Raw(Part, frozen=True):
    """Format and file name of a day's raw object."""

    format: RawFormat
    file: str


class Contract(Part, frozen=True):
    """A dataset: where it comes from, when it is published, what a row is and which rules it obeys.

    ``one_pass``: the source answers a symbol's whole history in one request, so the batches of an execution share one.
    """

    name: str
    version: int
    description: str
    source: str
    calendar: str
    published: Published
    first_date: date
    batch_days: int
    key: tuple[str, ...]
    symbols: SymbolSet
    raw: Raw
    columns: tuple[Column, ...]
    rules: Rules
    units: Units | None = None
    adjustments: tuple[Adjustment, ...] = ()
    one_pass: bool = False

    @property
    def symbol_column(self) -> str:
        """The key column that holds the symbol that was asked of the source: the last of the key."""
        return self.key[-1]

    @property
    def number_columns(self) -> list[str]:
        """Names of the columns that have a range: Transform measures them, AthenaCheck asks for the same."""
        return [column.name for column in self.columns if column.type in ("double", "bigint")]

    def published_at(self, day: date) -> datetime:
        """The moment (with zone) from which ``day`` is due at the source."""
        return datetime.combine(day, self.published.time, ZoneInfo(self.published.zone))

    def last_due_day(self, at: datetime) -> date:
        """The latest day of the calendar that is due at ``at`` (aware)."""
        today = at.astimezone(ZoneInfo(self.published.zone)).date()
        days = trading_days(self.calendar, today - LONGEST_CLOSURE, today)
        return max(day for day in days if self.published_at(day) <= at)

    def days(self, start: date, end: date) -> list[date]:
        """Days of the calendar in the window, not before the dataset's first date."""
        return trading_days(self.calendar, max(start, self.first_date), end)

    def days_up_to(self, day: date, most: int) -> list[date]:
        """The calendar's last ``most`` days (five at most) not after ``day``; fewer near the dataset's first."""
        return self.days(day - LONGEST_CLOSURE, day)[-most:]


def dataset_names() -> list[str]:
    """Names of all datasets that have a contract, sorted."""
    return sorted(path.stem for path in CONTRACTS.glob("*.json"))


@cache
def load_contract(name: str) -> Contract:
    """The contract of dataset ``name``.

    Raises:
        ContractViolation: there is no such contract, or its file does not have the fields of one.
    """
    if name not in dataset_names():
        raise ContractViolation(f"no contract for dataset {name!r}; there are {', '.join(dataset_names())}")
    try:
        return msgspec.json.decode((CONTRACTS / f"{name}.json").read_bytes(), type=Contract)
    except msgspec.DecodeError as error:
        raise ContractViolation(f"contracts/{name}.json: {error}; compare another contract") from error
