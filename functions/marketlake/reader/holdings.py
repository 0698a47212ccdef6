"""What the lake holds of a dataset: which years, days and symbols, and their rows."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import polars as pl

from marketlake.aliases import current_name, shipped_aliases
from marketlake.calendars import LONGEST_CLOSURE, trading_days
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import config_key, year_prefix
from marketlake.reader.conversion import MOST_DAYS, worth_of
from marketlake.reader.errors import NoLake, OutOfLake, UnknownDataset, UnknownSymbol, Unreadable, WrongArgument
from marketlake.reader.gaps import NO_ROWS, find_gaps
from marketlake.reader.places import Place
from marketlake.schemas import polars_schema
from marketlake.stored import DAYS, under_current_names
from marketlake.symbols import Symbols, symbols_of

Day = date | str | None
"""A date, or one as YYYY-MM-DD; None is the first or the last day that the lake holds."""

DAY = timedelta(days=1)

PRICES, INDEX, RATES = "ftse100_prices", "ftse100_index", "fx_rates"


@dataclass(frozen=True)
class Question:
    """What is asked: rows of the symbols ``asked`` on the days of ``window``, both ends in it; ``held`` are the days
    that the lake has of the dataset, ``listed`` its symbols in force, each with the days on which it is expected.
    ``named``: the symbols were given; else they are all that are known, also those of other times."""

    contract: Contract
    asked: Sequence[str]
    window: tuple[date, date]
    held: frozenset[date]
    listed: Symbols
    named: bool

    def gaps(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What is expected and not in ``rows``, as ``gaps.find_gaps``."""
        found = find_gaps(self.contract, self.listed, self.asked, rows, self.held, self.window)
        return found if self.named else found.filter(pl.col("why") != NO_ROWS)


class Holdings:
    """The datasets of the lake at a place; nothing is kept, so that each question sees the lake as it is."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def question(
        self, dataset: str, symbols: str | Iterable[str] | None, start: Day, end: Day, base: str | None = None
    ) -> Question:
        """The question, checked; ``symbols`` None: all that are known. ``base``: see ``listed``.

        Raises:
            UnknownDataset, UnknownSymbol, WrongArgument, OutOfLake, NoLake: as described in ``Lake``.
        """
        contract = contract_of(dataset)
        held = self.days(contract)
        if not held:
            raise NoLake(f"{self._place.described} holds nothing of {dataset}; load it: marketlake backfill")
        listed, window = self.listed(contract, base), _window(contract, held, start, end)
        return Question(contract, self._asked(contract, listed, symbols), window, held, listed, symbols is not None)

    def years(self, contract: Contract, first: date | None = None, last: date | None = None) -> list[Path]:
        """Files of the years from that of ``first`` to that of ``last``, ascending.

        Raises:
            Unreadable: one is not a year's object.
        """
        low, high = f"year={first.year:04}" if first else "", f"year={last.year:04}" if last else "~"
        files = self._place.files("clean", year_prefix(contract.name))
        found = [path for path in files if low <= path.parent.name <= high]
        for path in found:
            _days_in(path, path.stat().st_mtime_ns)
        return found

    def days(self, contract: Contract) -> frozenset[date]:
        """The days that the lake holds of the dataset."""
        days = (_days_in(path, path.stat().st_mtime_ns) for path in self.years(contract))
        return frozenset().union(*days)

    def listed(self, contract: Contract, base: str | None = None) -> Symbols:
        """The symbols in force, without ``base``: the deployment's own list, else the one of this project."""
        file = contract.symbols.file
        own = self._place.files("artifacts", config_key(file)) if file else []
        return _symbols(contract.name, own[0].read_bytes() if own else None, base)

    def base(self) -> str:
        """The currency of which the lake's last rates price one unit; EUR where it has no rates."""
        contract = load_contract(RATES)
        rows = scan(self.years(contract)[-1:], contract).select("base_currency").head(1).collect()
        return "EUR" if rows.is_empty() else str(rows.item())

    def known(self, contract: Contract, listed: Symbols) -> list[str]:
        """Symbols that are ``listed``, or that the lake has rows of, sorted."""
        column = contract.symbol_column
        stored = scan(self.years(contract), contract).select(column).unique().collect()
        return sorted({*listed.names, *map(current_name, stored[column])})

    def _asked(self, contract: Contract, listed: Symbols, symbols: str | Iterable[str] | None) -> list[str]:
        if symbols is None:
            return self.known(contract, listed)
        asked = list(dict.fromkeys(current_name(symbol) for symbol in texts(symbols)))
        unlisted = set(asked) - set(listed.names)
        known = self.known(contract, listed) if unlisted else []
        unknown = sorted(unlisted - set(known))
        if unknown:
            near = difflib.get_close_matches(unknown[0].upper(), known) or known[:3]
            raise UnknownSymbol(
                f"{contract.name} has no {', '.join(map(repr, unknown))}; near are {', '.join(near)}; all "
                f"{len(known)}: lake.symbols({contract.name!r})"
            )
        return asked

    def rows(self, question: Question, *, to_the_end: bool = False) -> pl.DataFrame:
        """The rows asked for, or all from the first day of the window on, sorted by key and day, ``dt`` as a date."""
        contract, column = question.contract, question.contract.symbol_column
        first, last = question.window[0], date.max if to_the_end else question.window[1]
        old = [alias.old for alias in shipped_aliases().values() if alias.new in question.asked]
        asked, within = [*question.asked, *old], pl.col("dt").is_between(pl.lit(f"{first}"), pl.lit(f"{last}"))
        found = scan(self.years(contract, first, last), contract).filter(pl.col(column).is_in(asked), within)
        dated = found.with_columns(pl.col("dt").str.to_date(), *_currency_of_old_rows(contract))
        return under_current_names(contract, dated.collect()).sort(*contract.key, "dt")

    def worth(self, first: date, currencies: Collection[str]) -> pl.DataFrame:
        """Rates of ``currencies`` from ten days before ``first`` on, as ``conversion.worth_of``."""
        contract = load_contract(RATES)
        since = date.fromordinal(first.toordinal() - MOST_DAYS)
        rows = scan(self.years(contract, since), contract).filter(
            pl.col("target_currency").is_in(list(currencies)), pl.col("dt") >= f"{since}"
        )
        return worth_of(rows.with_columns(pl.col("dt").str.to_date()).collect())


def year_of(path: Path) -> str:
    """The year of one of ``Holdings.years``, YYYY."""
    return path.parent.name.partition("=")[2]


def contract_of(dataset: str) -> Contract:
    """The contract of ``dataset``.

    Raises:
        UnknownDataset: there is no such dataset.
    """
    if dataset not in dataset_names():
        raise UnknownDataset(f"there is no dataset {dataset!r}; there are {', '.join(dataset_names())}")
    return load_contract(dataset)


def _window(contract: Contract, held: frozenset[date], start: Day, end: Day) -> tuple[date, date]:
    first, last = min(held), max(held)
    low, high = _day("start", start) or first, _day("end", end) or last
    there = f"the lake holds {contract.name} from {first} to {last}"
    if low > high:
        raise WrongArgument(f"the window starts at {low} and ends before, at {high}; {there}")
    # Any fortnight has a day of the calendar.
    early = trading_days(contract.calendar, max(low, first - LONGEST_CLOSURE), min(high, first - DAY))
    late = trading_days(contract.calendar, max(low, last + DAY), min(high, last + LONGEST_CLOSURE))
    if early or late or high < first or last < low:
        raise OutOfLake(
            f"not all of {low} to {high} is there: {there}; leave start or end out for these, or load more: "
            "marketlake backfill"
        )
    return low, high


@lru_cache(maxsize=16)
def _symbols(dataset: str, content: bytes | None, base: str | None) -> Symbols:
    return symbols_of(load_contract(dataset), content, base)


@lru_cache(maxsize=256)
def _days_in(path: Path, _modified: int) -> frozenset[date]:
    """The days in the year's object at ``path``, from its Parquet metadata."""
    try:
        days = json.loads(pl.read_parquet_metadata(path)[DAYS])
        return frozenset(date.fromisoformat(day) for day in days)
    except (pl.exceptions.PolarsError, KeyError, ValueError, OSError) as error:
        dataset, year = path.parent.parent.name, year_of(path)
        raise Unreadable(
            f"{path} is not readable ({error}); restore an earlier version of it: marketlake restore {dataset} {year}"
        ) from error


def scan(files: Sequence[Path], contract: Contract) -> pl.LazyFrame:
    """``files`` in the columns of ``contract``, whatever version of it each was written by; ``dt`` is text."""
    schema = pl.Schema({"dt": pl.String(), **polars_schema(contract)})
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        list(files),
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
    )


def _currency_of_old_rows(contract: Contract) -> list[pl.Expr]:
    """Rows from before prices had a currency are in that of the unit in which they were quoted."""
    units = contract.units
    if units is None:
        return []
    known = {name: unit.currency for name, unit in units.quoted.items()}
    quoted = pl.col(units.quoted_column).replace_strict(known, default=None, return_dtype=pl.String())
    return [pl.col(units.currency_column).fill_null(quoted)]


def texts(given: str | Iterable[str]) -> list[str]:
    """Symbols or currencies as they were given, each once.

    Raises:
        WrongArgument: one is not text.
    """
    found = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    wrong = [one for one in found if not isinstance(one, str)]
    if wrong:
        raise WrongArgument(f"{wrong[0]!r} is not a symbol; give a text, such as AZN.L or USD, or several of them")
    return list(dict.fromkeys(found))


def _day(name: str, value: Day) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise WrongArgument(f"{name} is {value!r}; accepted is a date, or a text as YYYY-MM-DD") from None
