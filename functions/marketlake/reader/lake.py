"""``Lake``: questions to the tables by year, answered as Polars frames."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from marketlake.contract import dataset_names
from marketlake.layout import actions_key
from marketlake.reader import places
from marketlake.reader.adjusted import with_adjusted
from marketlake.reader.conversion import MOST_DAYS, NO_WORTH, cross_rates, with_rates, worth_of
from marketlake.reader.errors import GapsFound, GapWarning, NoRates, QueryFailed, WrongArgument
from marketlake.reader.gaps import described
from marketlake.reader.holdings import INDEX, PRICES, RATES, Day, Holdings, Question, contract_of, scan, texts, year_of
from marketlake.reader.tables import Database, named_in, table_names
from marketlake.schemas import ACTION_COLUMNS, polars_types

if TYPE_CHECKING:
    import duckdb

OnGaps = Literal["raise", "warn"]

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
        self._place, self._held = place, Holdings(place)

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
        return sorted(self._held.days(contract_of(dataset)))

    def symbols(self, dataset: str) -> list[str]:
        """Tickers or currencies of ``dataset``, sorted: those that are listed, and those that the lake has rows of."""
        contract = contract_of(dataset)
        return self._held.known(contract, self._held.listed(contract))

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
        base = self._held.base() if dataset == RATES else None
        question = self._held.question(dataset, symbols, start, end, base)
        return question.gaps(self._held.rows(question))

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
        question = self._held.question(PRICES, tickers, start, end)
        rows = self._held.rows(question, to_the_end=adjusted)
        needed = set(texts(currency or ()))
        for column in ("currency", *(["dividend_currency"] if adjusted else [])):
            needed |= set(rows[column].drop_nulls().unique())
        worth = self._held.worth(question.window[0], needed) if len(needed) > 1 else NO_WORTH
        if adjusted:
            rows = with_adjusted(rows, worth)
        rows = rows.filter(pl.col("dt").is_between(*question.window))
        self._report(question, rows, on_gaps)
        return self._in_currency(rows, currency, worth) if currency else rows

    def index(self, start: Day = None, end: Day = None, *, on_gaps: OnGaps = "raise") -> pl.DataFrame:
        """Daily values of the index in points, a row a day: ``dt`` and the columns of ``ftse100_index``.

        Raises:
            WrongArgument, OutOfLake, NoLake, GapsFound: as described in ``Lake``.
        """
        question = self._held.question(INDEX, None, start, end)
        rows = self._held.rows(question)
        self._report(question, rows, on_gaps)
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
        own, known = self._held.base(), self._currencies()
        _refuse_unknown([base], known)
        asked = [one for one in (known if currencies is None else texts(currencies)) if one != base]
        _refuse_unknown(asked, known)
        needed = None if currencies is None else sorted({*asked, base} - {own})
        question = self._held.question(RATES, needed, start, end, own)
        rows = self._held.rows(question)
        self._report(question, rows, on_gaps)
        return rows if base == own else _crossed(rows, asked, base)

    def actions(self, tickers: str | Iterable[str] | None = None, start: Day = None, end: Day = None) -> pl.DataFrame:
        """Dividends and splits of ``tickers`` (all by default) with an ex-day in the window, sorted by ticker and day.

        Columns: those of ``corporate_actions`` in the data dictionary: ``ex_dt`` (a date), ``ticker``, ``kind``,
        ``amount`` (a dividend per share in ``currency``, or new shares for each old one), ``currency``, ``first_seen``,
        ``changed``. An ex-day of the window that the lake does not hold is not looked for: ``gaps`` says so.

        Raises:
            UnknownSymbol, WrongArgument, OutOfLake, NoLake: as described in ``Lake``.
        """
        question = self._held.question(PRICES, tickers, start, end)
        schema = polars_types(ACTION_COLUMNS)
        files = self._place.files("clean", actions_key(PRICES))
        rows = pl.read_parquet(files, glob=False) if files else pl.DataFrame(schema=schema)
        dated = rows.select(schema.names()).with_columns(pl.col("ex_dt").str.to_date())
        here = pl.col("ex_dt").is_between(*question.window), pl.col("ticker").is_in(question.asked)
        return dated.filter(*here).sort("ticker", "ex_dt", "kind")

    # Lazily, and in SQL

    def scan(self, dataset: str, start: Day = None, end: Day = None) -> pl.LazyFrame:
        """All rows of ``dataset`` in the years of the window, lazily, as the tables by year have them: ``dt`` and
        ``year`` are text, a year's rows are sorted by key and day.

        Polars reads the columns and row groups that a question needs. No gaps are reported here: see ``gaps``.

        Raises:
            UnknownDataset, WrongArgument, OutOfLake, NoLake: as described in ``Lake``.
        """
        question = self._held.question(dataset, (), start, end)
        files = self._held.years(question.contract, *question.window)
        years = (scan([path], question.contract).with_columns(year=pl.lit(year_of(path))) for path in files)
        return pl.concat([scan([], question.contract).with_columns(year=pl.lit("")), *years])

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The answer of DuckDB to ``query`` over ``tables()``; ``parameters`` are for its question marks.

        The saved queries of the project run unchanged. A table by day has all days here.

        Raises:
            QueryFailed: DuckDB refuses it, in its own words.
        """
        import duckdb

        try:
            relation = self.relation(query, parameters)
            return pl.DataFrame() if relation is None else _frame(relation)
        except duckdb.Error as error:
            raise QueryFailed(f"{error}") from error

    def relation(self, query: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyRelation | None:
        """As ``sql``, lazily, as DuckDB's relation; None of a statement without rows.

        Raises:
            QueryFailed: DuckDB refuses it.
        """
        import duckdb

        try:
            return self._database.cursor(named_in(query)).sql(query, params=list(parameters) or None)
        except duckdb.Error as error:
            raise QueryFailed(f"{error}; the tables are {', '.join(self.tables())}") from error

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of the caller's own with all ``tables()`` as views, as the lake is now."""
        own = Database(self._place)
        own.make(self.tables())
        return own.connection

    @cached_property
    def _database(self) -> Database:
        return Database(self._place)

    # Within

    def _report(self, question: Question, rows: pl.DataFrame, on_gaps: OnGaps) -> None:
        if on_gaps not in ("raise", "warn"):
            raise WrongArgument(f"on_gaps is {on_gaps!r}; accepted are 'raise' and 'warn'")
        gaps = question.gaps(rows)
        if gaps.is_empty():
            return
        text = f"{question.contract.name} lacks what is expected: {described(gaps)}"
        if on_gaps == "raise":
            raise GapsFound(f'{text}; take the rows that are there with on_gaps="warn", or see: lake.gaps(...)', gaps)
        warnings.warn(GapWarning(text, gaps), stacklevel=3)

    def _currencies(self) -> list[str]:
        return sorted({self._held.base(), *self.symbols(RATES)})

    def _in_currency(self, rows: pl.DataFrame, currency: str, worth: pl.DataFrame) -> pl.DataFrame:
        rated = with_rates(rows.rename({"currency": "price_currency"}), "price_currency", pl.lit(currency), worth)
        without = rated.filter(pl.col("rate").is_null())
        if not without.is_empty():
            _refuse_unknown([currency], self._currencies())
            there = worth.filter(currency=currency)["dt"].unique().sort()
            span = f"rates of {currency} from {there[0]} to {there[-1]}" if len(there) else f"no rates of {currency}"
            raise NoRates(
                f"{without.height} rows have no rate into {currency}, the first {without['ticker'][0]} on "
                f"{without['dt'][0]} in {without['price_currency'][0]}; in these years the lake has {span}, and a rate "
                f"serves for {MOST_DAYS} days; take another window, or load: marketlake backfill --dataset fx_rates"
            )
        amounts = [pl.col(name) * pl.col("rate") for name in AMOUNTS if name in rated.columns]
        converted = rated.with_columns(*amounts, currency=pl.lit(currency))
        return converted.select(*rows.columns, "price_currency", "rate", "rate_dt")


def _frame(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    try:
        frame: pl.DataFrame = relation.pl()
        return frame
    except ModuleNotFoundError:  # pyarrow; without it by Arrow's capsule, of which DuckDB 2.0.0 complains at exit
        return pl.DataFrame(relation)


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


def _refuse_unknown(asked: Iterable[str], known: Collection[str]) -> None:
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise NoRates(f"the lake has no rates of {', '.join(map(repr, unknown))}; it has {', '.join(sorted(known))}")
