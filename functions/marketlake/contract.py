"""Dataset contracts: the one description of a dataset from which everything else about it follows.

A contract is a JSON file in ``contracts/``. The Polars, Arrow and Glue schemas (``schemas.py``), the validation rules,
the calendar, the batches and the data dictionary are read from it; Terraform reads the same file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from marketlake.calendars import trading_days
from marketlake.errors import ContractViolation

CONTRACTS = Path(__file__).parent / "contracts"

ColumnType = Literal["string", "double", "bigint"]
RawFormat = Literal["prices_csv", "rates_json"]


@dataclass(frozen=True)
class Column:
    """A column of the clean table; ``type`` is its Athena type."""

    name: str
    type: ColumnType
    nullable: bool
    description: str


@dataclass(frozen=True)
class MoveRule:
    """Bound of a day-on-day move of ``column``, as a ratio of the larger to the smaller value.

    A move within ``unit_tolerance`` of ``unit_ratio`` (100: pence for pounds) is named a unit error. On the day of a
    split (``split_column`` is not 1) of a series that is adjusted for splits, a move within ``split_tolerance`` of the
    split's ratio, up or down, is refused too: one side of it is not adjusted, or is twice.
    """

    column: str
    max_ratio: float
    unit_ratio: float
    unit_tolerance: float
    split_column: str | None = None
    split_tolerance: float = 0.0


@dataclass(frozen=True)
class PortionRule:
    """``column``, where it is there and not 0, is ``min`` to ``max`` times ``of`` in the same row."""

    column: str
    of: str
    min: float
    max: float


@dataclass(frozen=True)
class RepeatRule:
    """A row that is its symbol's last one over again in all of ``columns``.

    It is refused if ``traded`` (a count) is equal as well and not 0: what traded does not repeat itself. Where more
    than ``max_share`` of a day's rows repeat themselves, at least ``min_rows`` of them, all of those are refused.
    """

    columns: tuple[str, ...]
    traded: str | None
    max_share: float
    min_rows: int


@dataclass(frozen=True)
class Rules:
    """Validation rules. ``coverage`` and ``max_bad_share`` are shares of a day's expected and received rows."""

    coverage: float
    max_bad_share: float
    positive: tuple[str, ...]
    non_negative: tuple[str, ...]
    ordered: tuple[tuple[str, str], ...]
    portions: tuple[PortionRule, ...]
    repeat: RepeatRule
    move: MoveRule


@dataclass(frozen=True)
class Units:
    """How quoted prices become pounds: divide ``columns`` by ``per_pound[<quoted currency>]``."""

    currency_column: str
    per_pound: dict[str, float]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Adjustment:
    """Values that the source restates for all earlier days when ``event`` happens: ``columns`` move by one factor.

    With ``over``, it is the ratio of each column to that one which moves. On the day of the event ``told_in`` is not
    ``usual``. ``mails``: somebody is to hear of it at once.
    """

    event: str
    columns: tuple[str, ...]
    over: str | None
    told_in: str
    usual: float
    mails: bool


@dataclass(frozen=True)
class Contract:
    """A dataset: where it comes from, when it is published, what a row is and which rules it obeys."""

    name: str
    version: int
    description: str
    source: str
    calendar: str
    published_time: time
    published_zone: str
    first_date: date
    batch_days: int
    key: tuple[str, ...]
    symbols_file: str | None
    symbols_list: tuple[str, ...]
    asks_for_all: bool
    raw_format: RawFormat
    raw_file: str
    columns: tuple[Column, ...]
    rules: Rules
    units: Units | None
    adjustments: tuple[Adjustment, ...]

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
        return datetime.combine(day, self.published_time, ZoneInfo(self.published_zone))

    def last_due_day(self, at: datetime) -> date:
        """The latest day of the calendar that is due at ``at`` (aware)."""
        today = at.astimezone(ZoneInfo(self.published_zone)).date()
        # No calendar here closes for two weeks, so a fortnight back always holds an open day.
        days = trading_days(self.calendar, today - timedelta(days=14), today)
        return max(day for day in days if self.published_at(day) <= at)

    def days(self, start: date, end: date) -> list[date]:
        """Days of the calendar in the window, not before the dataset's first date."""
        return trading_days(self.calendar, max(start, self.first_date), end)


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
        return _parse(json.loads((CONTRACTS / f"{name}.json").read_text("utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ContractViolation(
            f"contracts/{name}.json: {type(error).__name__}: {error}; compare another contract"
        ) from error


def _parse(document: dict[str, Any]) -> Contract:
    published, symbols, raw = document["published"], document["symbols"], document["raw"]
    units = document.get("units")
    return Contract(
        name=document["name"],
        version=document["version"],
        description=document["description"],
        source=document["source"],
        calendar=document["calendar"],
        published_time=time.fromisoformat(published["time"]),
        published_zone=published["zone"],
        first_date=date.fromisoformat(document["first_date"]),
        batch_days=document["batch_days"],
        key=tuple(document["key"]),
        symbols_file=symbols.get("file"),
        symbols_list=tuple(symbols.get("list", ())),
        asks_for_all=symbols.get("ask") == "all",
        raw_format=raw["format"],
        raw_file=raw["file"],
        columns=tuple(Column(**column) for column in document["columns"]),
        rules=_parse_rules(document["rules"]),
        units=None
        if units is None
        else Units(units["currency_column"], dict(units["per_pound"]), tuple(units["columns"])),
        adjustments=tuple(
            Adjustment(**{**adjustment, "columns": tuple(adjustment["columns"])})
            for adjustment in document.get("adjustments", ())
        ),
    )


def _parse_rules(rules: dict[str, Any]) -> Rules:
    return Rules(
        coverage=rules["coverage"],
        max_bad_share=rules["max_bad_share"],
        positive=tuple(rules["positive"]),
        non_negative=tuple(rules["non_negative"]),
        ordered=tuple((low, high) for low, high in rules["ordered"]),
        portions=tuple(PortionRule(**portion) for portion in rules["portions"]),
        repeat=RepeatRule(**{**rules["repeat"], "columns": tuple(rules["repeat"]["columns"])}),
        move=MoveRule(**rules["move"]),
    )
