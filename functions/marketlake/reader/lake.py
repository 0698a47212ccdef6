"""``Lake``: questions to the tables by year, answered as Polars frames."""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from marketlake.aliases import current_name, shipped_aliases
from marketlake.calendars import LONGEST_CLOSURE, trading_days
from marketlake.contract import Contract, dataset_names, load_contract
from marketlake.layout import actions_key, config_key, year_prefix
from marketlake.reader import places
from marketlake.reader.adjusted import with_adjusted
from marketlake.reader.conversion import MOST_DAYS, cross_rates, with_rates, worth_of
from marketlake.reader.errors import (
    GapsFound,
    GapWarning,
    NoLake,
    NoRates,
    OutOfLake,
    QueryFailed,
    UnknownDataset,
    UnknownSymbol,
    WrongArgument,
)
from marketlake.reader.gaps import described, find_gaps
from marketlake.reader.tables import create_tables, table_names
from marketlake.schemas import ACTION_COLUMNS, polars_schema, polars_types
from marketlake.stored import DAYS
from marketlake.symbols import Symbols, symbols_of

if TYPE_CHECKING:
    import duckdb

Day = date | str | None
"""A date, or one as YYYY-MM-DD; None is the first or the last day that the lake holds."""

OnGaps = Literal["raise", "warn"]

PRICES, INDEX, RATES = "ftse100_prices", "ftse100_index", "fx_rates"
AMOUNTS = ("open", "high", "low", "close", "dividend_paid", "adj_close")
"""Columns of prices that are amounts of ``currency``."""


class Lake:
    """A lake to read. Make one with ``Lake.local()`` or ``Lake.aws()``; ``docs/python.md`` has examples.

    Answers are ``polars.DataFrame``: ``to_pandas()`` and ``to_arrow()`` are Polars' own (they need the extra
    ``pandas``), ``scan`` and ``relation`` are lazy. Days are dates in all answers but those of SQL, which sees the
    tables as Athena does.

    Windows are closed: ``start`` and ``end`` are in it. All days of the dataset's calendar in the window must be within
    what the lake holds; None is its first or its last day. Rows that are expected and not there raise ``GapsFound``, or
    with ``on_gaps="warn"`` are left out with a ``GapWarning``; both carry the frame of ``gaps``.

    Every method raises ``LakeError`` classes that name what is there, and ``StorageUnavailable`` or
    ``PermissionDenied`` where S3 does not answer or refuses.
    """

    def __init__(self, place: places.Place) -> None:
        self._place = place

    @classmethod
    def local(cls, root: Path | str | None = None) -> Lake:
        """The lake of an emulator on this machine, which need not run.

        ``root`` is its folder: by default that of MARKETLAKE_ROOT, else the nearest ``.marketlake`` upwards.

        Raises:
            NoLake: no emulator was started there.
        """
        return cls(places.Folder(Path(root) if root else places.local_root()))

    @classmethod
    def aws(
        cls,
        profile: str | None = None,
        region: str | None = None,
        prefix: str = "marketlake",
        cache: Path | str | None = None,
    ) -> Lake:
        """The lake ``prefix`` in an account, by the credentials of ``profile`` or of the environment.

        Objects are copied once into ``cache`` (by default ``~/.cache/marketlake``), and again when they change.

        Raises:
            NoAccess: there are no credentials, or AWS refuses them.
        """
        return cls(places.account(profile, region, prefix, Path(cache) if cache else None))

    @property
    def simulated(self) -> str:
        """What is simulated in this lake, as a sentence for plots; empty where nothing is known to be."""
        return self._place.simulated

    def __repr__(self) -> str:
        return f"<{self._place.described}{f'; {self.simulated}' if self.simulated else ''}>"

    # What there is

    def datasets(self) -> list[str]:
        """Names of the datasets."""
        return dataset_names()

    def tables(self) -> list[str]:
        """Names of the tables that ``sql`` sees."""
        return table_names()

    def days(self, dataset: str) -> list[date]:
        """The days of ``dataset`` that the lake holds, ascending.

        Raises:
            UnknownDataset: there is no such dataset.
        """
        return sorted(self._held(self._contract(dataset)))

    def symbols(self, dataset: str) -> list[str]:
        """Tickers or currencies of ``dataset``, sorted: those that are listed, and those that the lake has rows of."""
        contract = self._contract(dataset)
        return self._known(contract, self._listed(contract))

    def gaps(
        self, dataset: str, symbols: str | Iterable[str] | None = None, start: Day = None, end: Day = None
    ) -> pl.DataFrame:
        """Rows that are expected of ``symbols`` (all by default) in a window and are not there, a row a day range.

        Columns: ``dataset``, ``symbol`` (null: all of them), ``start``, ``end``, ``days`` of the calendar, and ``why``:
        ``day missing`` (the lake does not hold these days), ``row missing`` (it does, without these rows), ``no rows``
        (a symbol that is not listed on any day of the window, and has no rows in it).

        Raises:
            UnknownDataset, UnknownSymbol, WrongArgument, OutOfLake, NoLake: as described in ``Lake``.
        """
        contract = self._contract(dataset)
        listed, window = self._listed(contract), self._window(contract, start, end)
        asked = self._asked(contract, listed, symbols)
        return self._gaps(contract, listed, asked, self._rows(contract, asked, *window), window)

    # Rows

    def prices(
        self,
        tickers: str | Iterable[str] | None = None,
        start: Day = None,
        end: Day = None,
        *,
        adjusted: bool = True,
        currency: str | None = None,
        on_gaps: OnGaps = "raise",
    ) -> pl.DataFrame:
        """Daily prices of ``tickers`` (all by default), a row a ticker and day, sorted by both.

        Columns: those of ``ftse100_prices`` in the data dictionary, prices in ``currency``; and

        - with ``adjusted`` (as in the table ``ftse100_prices_adjusted``) ``dividend_paid``, the dividend in
          ``currency``; ``adj_factor``, for the dividends of all later days in the lake; ``adj_close``, the close times
          that, whose change is the total return with dividends reinvested. The close itself is as traded.
        - with ``currency``, such as EUR: ``rate``, units of it for one of ``price_currency``, which is what the share
          is quoted in, and ``rate_dt``, the day of that rate: the day itself or the last published in the ten days
          before it. Prices, ``dividend_paid`` and ``adj_close`` are in ``currency``; ``dividend`` is as paid.

        Raises:
            UnknownSymbol, WrongArgument, OutOfLake, NoLake, GapsFound: as described in ``Lake``.
            NoRates: a row has no rate into ``currency``.
        """
        contract = self._contract(PRICES)
        listed, window = self._listed(contract), self._window(contract, start, end)
        asked = self._asked(contract, listed, tickers)
        rows = self._rows(contract, asked, window[0], None if adjusted else window[1])
        worth = self._worth(window[0]) if currency or (adjusted and _pays_abroad(rows)) else worth_of(_no_rates())
        if adjusted:
            rows = with_adjusted(rows, worth)
        rows = rows.filter(pl.col("dt").is_between(*window))
        self._report(contract, self._gaps(contract, listed, asked, rows, window), on_gaps)
        return _in_currency(rows, currency, worth) if currency else rows

    def index(self, start: Day = None, end: Day = None, *, on_gaps: OnGaps = "raise") -> pl.DataFrame:
        """Daily values of the index in points, a row a day: ``dt`` and the columns of ``ftse100_index``.

        Raises:
            WrongArgument, OutOfLake, NoLake, GapsFound: as described in ``Lake``.
        """
        contract = self._contract(INDEX)
        listed, window = self._listed(contract), self._window(contract, start, end)
        rows = self._rows(contract, listed.names, *window)
        self._report(contract, self._gaps(contract, listed, listed.names, rows, window), on_gaps)
        return rows

    def rates(
        self,
        currencies: str | Iterable[str] | None = None,
        start: Day = None,
        end: Day = None,
        *,
        base: str = "EUR",
        on_gaps: OnGaps = "raise",
    ) -> pl.DataFrame:
        """Reference rates, a row a currency and published day, sorted by both.

        Columns: ``dt``, ``base_currency`` (``base``), ``target_currency``, ``rate`` (units of the target for one of the
        base), ``flags`` (of either rate where the rate is of two). With a ``base`` that is not the lake's own a rate is
        the ratio of two rates of the same day.

        Raises:
            NoRates: the lake has no rates of a currency, or of the base, in the window.
            WrongArgument, OutOfLake, NoLake, GapsFound: as described in ``Lake``.
        """
        contract = self._contract(RATES)
        listed, window = self._listed(contract), self._window(contract, start, end)
        own, known = self._base(contract), self._known(contract, listed)
        _known_currencies([base], [*known, own])
        asked = [current for current in _texts(currencies, known if base == own else [own, *known]) if current != base]
        _known_currencies(asked, [*known, own])
        needed = sorted({*asked, base} - {own})
        rows = self._rows(contract, needed, *window)
        self._report(contract, self._gaps(contract, listed, needed, rows, window), on_gaps)
        return rows if base == own else _crossed(rows, asked, base)

    def actions(self, tickers: str | Iterable[str] | None = None, start: Day = None, end: Day = None) -> pl.DataFrame:
        """Dividends and splits of ``tickers`` (all by default) with an ex-day in the window, sorted by ticker and day.

        Columns: those of ``corporate_actions`` in the data dictionary: ``ex_dt`` (a date), ``ticker``, ``kind``,
        ``amount`` (a dividend per share in ``currency``, or new shares for each old one), ``currency``, ``first_seen``,
        ``changed``. An ex-day of the window that the lake does not hold is not looked for: ``gaps`` says so.

        Raises:
            UnknownSymbol, WrongArgument, OutOfLake, NoLake: as described in ``Lake``.
        """
        contract = self._contract(PRICES)
        window = self._window(contract, start, end)
        asked = self._asked(contract, self._listed(contract), tickers)
        schema = polars_types(ACTION_COLUMNS)
        files = self._place.files("clean", actions_key(PRICES))
        rows = _scan(files, schema).collect() if files else pl.DataFrame(schema=schema)
        dated = rows.with_columns(pl.col("ex_dt").str.to_date()).filter(pl.col("ex_dt").is_between(*window))
        return dated.filter(pl.col("ticker").is_in(asked)).sort("ticker", "ex_dt", "kind")

    # Lazily, and in SQL

    def scan(self, dataset: str, start: Day = None, end: Day = None) -> pl.LazyFrame:
        """All rows of ``dataset`` in the years of the window, lazily, as the tables by year have them, ``dt`` as text.

        Polars reads the columns and row groups that a question needs. No gaps are reported here: see ``gaps``.

        Raises:
            UnknownDataset, WrongArgument, OutOfLake, NoLake: as described in ``Lake``.
        """
        contract = self._contract(dataset)
        first, last = self._window(contract, start, end)
        return _scan(self._years(contract, first, last), _dated_schema(contract))

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The answer of DuckDB to ``query`` over ``tables()``; ``parameters`` are for its question marks.

        The saved queries of the project run unchanged. A table by day has all days here.

        Raises:
            QueryFailed: DuckDB refuses it, in its own words.
        """
        import duckdb

        try:
            relation = self.relation(query, parameters)
            # Not by Arrow's capsule: DuckDB 2.0 complains at the end of the process after that.
            return pl.DataFrame() if relation is None else relation.pl()
        except duckdb.Error as error:
            raise QueryFailed(f"{error}") from error

    def relation(self, query: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyRelation | None:
        """As ``sql``, lazily, as DuckDB's relation; None of a statement without rows.

        Raises:
            QueryFailed: DuckDB refuses it.
        """
        import duckdb

        connection = duckdb.connect()
        try:
            create_tables(connection, self._place, sorted(connection.get_table_names(query)))
            return connection.sql(query, params=list(parameters) or None)
        except duckdb.Error as error:
            raise QueryFailed(f"{error}; the tables are {', '.join(self.tables())}") from error

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of the caller's own with all ``tables()`` as views, as the lake is now."""
        import duckdb

        connection = duckdb.connect()
        create_tables(connection, self._place, self.tables())
        return connection

    # Within

    def _contract(self, dataset: str) -> Contract:
        if dataset not in dataset_names():
            raise UnknownDataset(f"there is no dataset {dataset!r}; there are {', '.join(dataset_names())}")
        return load_contract(dataset)

    def _years(self, contract: Contract, first: date | None = None, last: date | None = None) -> list[Path]:
        low, high = f"year={first.year:04}" if first else "", f"year={last.year:04}" if last else "~"
        files = self._place.files("clean", year_prefix(contract.name))
        return [path for path in files if low <= path.parent.name <= high]

    def _held(self, contract: Contract) -> set[date]:
        held: set[date] = set()
        for path in self._years(contract):
            held |= _days_in(path, path.stat().st_mtime_ns)
        return held

    def _window(self, contract: Contract, start: Day, end: Day) -> tuple[date, date]:
        held = self._held(contract)
        if not held:
            raise NoLake(f"{self._place.described} holds nothing of {contract.name}; load it: marketlake backfill")
        first, last = min(held), max(held)
        window = _day("start", start) or first, _day("end", end) or last
        there = f"it holds {contract.name} from {first} to {last}"
        if window[0] > window[1]:
            raise WrongArgument(f"the window starts at {window[0]} and ends before, at {window[1]}; {there}")
        # Any fortnight has a day of the calendar.
        early = trading_days(contract.calendar, max(window[0], first - LONGEST_CLOSURE), min(window[1], _before(first)))
        late = trading_days(contract.calendar, max(window[0], _after(last)), min(window[1], last + LONGEST_CLOSURE))
        if early or late or window[1] < first or last < window[0]:
            raise OutOfLake(
                f"not all of {window[0]} to {window[1]} is in the lake; {there}; leave start or end out for these, or "
                "load more: marketlake backfill"
            )
        return window

    def _listed(self, contract: Contract) -> Symbols:
        """The symbols in force, without the base currency: the deployment's own list, else the one of this project."""
        file = contract.symbols.file
        own = self._place.files("artifacts", config_key(file)) if file else []
        base = self._base(contract) if contract.name == RATES else None
        return symbols_of(contract, own[0].read_bytes() if own else None, base)

    def _base(self, contract: Contract) -> str:
        files = self._years(contract)
        rows = _scan(files[-1:], _dated_schema(contract)).select("base_currency").head(1).collect() if files else None
        return "EUR" if rows is None or rows.is_empty() else str(rows.item())

    def _known(self, contract: Contract, listed: Symbols) -> list[str]:
        files = self._years(contract)
        names = set(listed.names)
        if files:
            column = contract.symbol_column
            names |= set(_scan(files, _dated_schema(contract)).select(column).unique().collect()[column])
        return sorted(names)

    def _asked(self, contract: Contract, listed: Symbols, symbols: str | Iterable[str] | None) -> list[str]:
        if symbols is None:
            return self._known(contract, listed)
        asked = [current_name(symbol) for symbol in _texts(symbols, [])]
        unlisted = set(asked) - set(listed.names)
        known = set(self._known(contract, listed)) if unlisted else set(listed.names)
        unknown = sorted(unlisted - known)
        if unknown:
            near = difflib.get_close_matches(unknown[0].upper(), known) or sorted(known)[:3]
            raise UnknownSymbol(
                f"{contract.name} has no {', '.join(map(repr, unknown))}; near are {', '.join(near)}; all "
                f"{len(known)}: lake.symbols({contract.name!r})"
            )
        return asked

    def _rows(self, contract: Contract, symbols: Sequence[str], first: date, last: date | None) -> pl.DataFrame:
        """Rows of ``symbols`` from ``first`` on, sorted by key and day, ``dt`` as a date; ``last`` None: to the end."""
        column = contract.symbol_column
        old = {alias.old: alias.new for alias in shipped_aliases().values() if alias.new in symbols}
        high = f"{last}" if last else "9999"
        frame = (
            _scan(self._years(contract, first, last), _dated_schema(contract))
            .filter(pl.col(column).is_in([*symbols, *old]), pl.col("dt").is_between(pl.lit(f"{first}"), pl.lit(high)))
            .collect()
        )
        named = frame.with_columns(pl.col(column).replace(old), _old=pl.col(column).is_in(list(old))) if old else frame
        key = [*contract.key, "dt"]
        if old:
            named = named.sort("_old").unique(key, keep="first", maintain_order=True).drop("_old")
        dated = named.with_columns(pl.col("dt").str.to_date(), *_currency_of_old_rows(contract))
        return dated.sort(key)

    def _gaps(
        self, contract: Contract, listed: Symbols, asked: Sequence[str], rows: pl.DataFrame, window: tuple[date, date]
    ) -> pl.DataFrame:
        return find_gaps(contract, listed, asked, rows, self._held(contract), window)

    def _report(self, contract: Contract, gaps: pl.DataFrame, on_gaps: OnGaps) -> None:
        if on_gaps not in ("raise", "warn"):
            raise WrongArgument(f"on_gaps is {on_gaps!r}; accepted are 'raise' and 'warn'")
        if gaps.is_empty():
            return
        text = f"{contract.name} lacks what is expected: {described(gaps)}"
        if on_gaps == "raise":
            raise GapsFound(f'{text}; take the rows that are there with on_gaps="warn", or see: lake.gaps(...)', gaps)
        warnings.warn(GapWarning(text, gaps), stacklevel=3)

    def _worth(self, first: date) -> pl.DataFrame:
        contract = self._contract(RATES)
        since = date.fromordinal(first.toordinal() - MOST_DAYS)
        frame = _scan(self._years(contract, since), _dated_schema(contract)).collect()
        return worth_of(frame.with_columns(pl.col("dt").str.to_date()))


@lru_cache(maxsize=256)
def _days_in(path: Path, _modified: int) -> frozenset[date]:
    """The days in the year's object at ``path``, from its Parquet metadata."""
    days = json.loads(pl.read_parquet_metadata(path)[DAYS])
    return frozenset(date.fromisoformat(day) for day in days)


def _scan(files: Sequence[Path], schema: pl.Schema) -> pl.LazyFrame:
    """``files`` in the columns of ``schema``, whatever version of the contract each was written by."""
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        list(files), schema=schema, missing_columns="insert", extra_columns="ignore", hive_partitioning=False
    )


def _dated_schema(contract: Contract) -> pl.Schema:
    return pl.Schema({"dt": pl.String(), **polars_schema(contract)})


def _currency_of_old_rows(contract: Contract) -> list[pl.Expr]:
    """Rows from before prices had a currency are in that of the unit in which they were quoted."""
    units = contract.units
    if units is None:
        return []
    known = {name: unit.currency for name, unit in units.quoted.items()}
    quoted = pl.col(units.quoted_column).replace_strict(known, default=None, return_dtype=pl.String())
    return [pl.col(units.currency_column).fill_null(quoted)]


def _in_currency(rows: pl.DataFrame, currency: str, worth: pl.DataFrame) -> pl.DataFrame:
    _known_currencies([currency], sorted(set(worth["currency"]) | set(rows["currency"].drop_nulls())))
    rated = with_rates(rows.rename({"currency": "price_currency"}), "price_currency", pl.lit(currency), worth)
    without = rated.filter(pl.col("rate").is_null())
    if not without.is_empty():
        there = sorted(set(worth.filter(currency=currency)["dt"]))
        raise NoRates(
            f"{without.height} rows have no rate into {currency}, the first {without['ticker'][0]} on "
            f"{without['dt'][0]} in {without['price_currency'][0]}; the lake has {currency} from {there[0]} to "
            f"{there[-1]}, and a rate serves for {MOST_DAYS} days; take another window, or load: "
            "marketlake backfill --dataset fx_rates"
        )
    amounts = [pl.col(name) * pl.col("rate") for name in AMOUNTS if name in rated.columns]
    converted = rated.with_columns(*amounts, currency=pl.lit(currency))
    order = [name for name in rows.columns if name in converted.columns]
    return converted.select(*order, "price_currency", "rate", "rate_dt")


def _pays_abroad(rows: pl.DataFrame) -> bool:
    foreign = pl.col("dividend_currency") != pl.col("currency")
    return not rows.filter((pl.col("dividend") > 0) & foreign).is_empty()


def _no_rates() -> pl.DataFrame:
    schema = {"dt": pl.Date(), "base_currency": pl.String(), "target_currency": pl.String(), "rate": pl.Float64()}
    return pl.DataFrame(schema=schema)


def _crossed(rows: pl.DataFrame, asked: Sequence[str], base: str) -> pl.DataFrame:
    """Rates of ``asked`` for one of ``base``, from ``rows`` for one of another."""
    rated = cross_rates(worth_of(rows), [(base, currency) for currency in asked])
    flags = rows.select("dt", "target_currency", "flags")
    of_base = flags.filter(target_currency=base).select("dt", base_flags="flags")
    joined = rated.rename({"rate_dt": "dt", "own": "base_currency", "other": "target_currency"})
    joined = joined.join(flags, on=["dt", "target_currency"], how="left").join(of_base, on="dt", how="left")
    both = pl.concat_str("flags", "base_flags", separator=",", ignore_nulls=True)
    named = joined.with_columns(flags=pl.when(both != "").then(both))
    return named.select("dt", "base_currency", "target_currency", "rate", "flags").sort("target_currency", "dt")


def _known_currencies(asked: Iterable[str], known: Collection[str]) -> None:
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise NoRates(f"the lake has no rates of {', '.join(map(repr, unknown))}; it has {', '.join(sorted(known))}")


def _texts(given: str | Iterable[str] | None, default: Sequence[str]) -> list[str]:
    found = list(default) if given is None else [given] if isinstance(given, str) else list(given)
    wrong = next((one for one in found if not isinstance(one, str)), None)
    if wrong is not None:
        raise WrongArgument(f"{wrong!r} is not a symbol; give a text, such as AZN.L or USD, or several of them")
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


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
