"""Raw objects as Polars frames in the columns of the clean table, in the units of the contract."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from marketlake.batch_rows import column_of_days
from marketlake.contract import Contract, RawFormat, Units
from marketlake.errors import UpstreamMalformed
from marketlake.schemas import polars_schema
from marketlake.strict_json import unique_names

PRICE_COLUMNS = pl.Schema(
    {
        "ticker": pl.String(),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "adj_close": pl.Float64(),
        "volume": pl.Int64(),
        "dividend": pl.Float64(),
        "dividend_currency": pl.String(),
        "split_ratio": pl.Float64(),
        "currency": pl.String(),
    }
)

RATE_COLUMNS = pl.Schema(
    {"dt": pl.Date(), "base_currency": pl.String(), "target_currency": pl.String(), "rate": pl.Float64()}
)

BEFORE_COLUMNS = pl.Schema({"dt": pl.Date(), **PRICE_COLUMNS})
"""Those of the object with the bars before a batch, which has many days."""

ADJUSTMENT = "adjustment"
"""The source's adjusted close as a share of its close: only the rule about dividends asks for it, and it goes no
further."""

UNREADABLE = (
    pl.exceptions.PolarsError,
    ArithmeticError,
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading bytes that are not in the raw format ends in, a number beyond any float and deep nesting included."""


@dataclass(frozen=True)
class RawDay:
    """One day's raw object: its bytes, and their hash."""

    day: date
    body: bytes

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hex."""
        return hashlib.sha256(self.body).hexdigest()


def raw_schema(contract: Contract) -> pl.Schema:
    """The columns of ``read_raw``: ``dt``, those of the clean table, and ``ADJUSTMENT`` where a rule asks for it."""
    further = {ADJUSTMENT: pl.Float64()} if contract.rules.dividend else {}
    return pl.Schema({"dt": pl.Date(), **polars_schema(contract), **further})


def read_raw(contract: Contract, days: Sequence[RawDay], before: bytes | None = None) -> pl.DataFrame:
    """All rows of ``days``, and of the object with the rows ``before`` them, in ``raw_schema``; by day and key.

    A row whose quoted currency has no unit in the contract has null prices: Validate quarantines it.

    Raises:
        UpstreamMalformed: an object is not in the contract's raw format; the message names the day.
    """
    first = min((raw.day for raw in days), default=date.max)
    frames = [] if before is None else [_read_one(contract, before, None, first)]
    try:
        frames += [_AT_ONCE[contract.raw.format](days)] if days else []
    except UNREADABLE:  # one of them, as it seems; reading each by itself says which, or that all are good
        frames += [_read_one(contract, raw.body, raw.day, first) for raw in days]
    if not frames:
        return pl.DataFrame(schema=raw_schema(contract))
    # Once for all days: an expression on a small frame costs as much as on a large one.
    whole = pl.concat(frames)
    clean = _clean_prices(contract, whole) if contract.raw.format == "prices_csv" else whole
    flagged = clean.with_columns(flags=pl.lit(None, pl.String()))
    return flagged.select(raw_schema(contract).names()).sort("dt", *contract.key)


def _read_one(contract: Contract, body: bytes, day: date | None, first: date) -> pl.DataFrame:
    try:
        return _READERS[contract.raw.format](body, day, first)
    except UNREADABLE as error:
        where = f"{day}" if day else f"before {first}"
        raise UpstreamMalformed(
            f"{contract.name} {where}: the raw object is not {contract.raw.format}: {error}; fetch the day again"
        ) from error


def _prices_at_once(days: Sequence[RawDay]) -> pl.DataFrame:
    """The rows of all ``days``, whose objects are as Fetch writes them: one first line, and one line a row.

    Reading a hundred lines costs as much as reading thousands. Anything else is for ``_read_prices`` to judge.
    """
    header = ",".join(PRICE_COLUMNS).encode() + b"\n"
    rows = {raw.day: raw.body.count(b"\n") - 1 for raw in days}
    for raw in days:
        if not raw.body.startswith(header) or not raw.body.endswith(b"\n"):
            raise ValueError(f"{raw.day}: its lines are not those of Fetch")
    body = b"".join([header, *(raw.body[len(header) :] for raw in days)])
    if b'"' in body or b"\n\n" in body or b"\r" in body:
        raise ValueError("it has quotation marks or empty lines")
    frame = pl.read_csv(io.BytesIO(body), schema=PRICE_COLUMNS, encoding="utf8")
    if frame.height != sum(rows.values()):
        raise ValueError(f"{sum(rows.values())} lines gave {frame.height} rows")
    return frame.insert_column(0, column_of_days(rows))


def _read_prices(body: bytes, day: date | None, first: date) -> pl.DataFrame:
    schema = PRICE_COLUMNS if day else BEFORE_COLUMNS
    header = body.partition(b"\n")[0].split(b",")
    if sorted(header) != sorted(name.encode() for name in schema):
        raise ValueError(f"its first line is {body[:80]!r}")
    if b'"' in body:  # Fetch never quotes, and readers differ on what is quoted by halves
        raise ValueError("it has quotation marks")
    frame = pl.read_csv(io.BytesIO(body), schema=schema, encoding="utf8", raise_if_empty=True)
    if day:
        return frame.insert_column(0, pl.Series("dt", [day] * frame.height, pl.Date()))
    if frame["dt"].has_nulls() or not (frame["dt"] < first).all():
        raise ValueError(f"it has rows that are not from days before {first}")
    return frame.select(BEFORE_COLUMNS.names())


def _clean_prices(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.rename({"currency": "quoted_currency"}).with_columns(
        pl.col("dividend").fill_null(0.0),
        # Yahoo writes 0 where there was no split; as a ratio that is 1.
        pl.when(pl.col("split_ratio").fill_null(0.0) == 0.0)
        .then(1.0)
        .otherwise(pl.col("split_ratio"))
        .alias("split_ratio"),
        (pl.col("adj_close") / pl.col("close")).alias(ADJUSTMENT),
    )
    if contract.units is not None:
        frame = _in_currency(contract.units, frame)
    return frame


def _in_currency(units: Units, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with prices and dividends as amounts of their currencies; null where a unit is not known."""
    per_unit = {name: unit.per_unit for name, unit in units.quoted.items()}
    currencies = {name: unit.currency for name, unit in units.quoted.items()}
    quoted = pl.col(units.quoted_column)
    paid = pl.coalesce(units.dividend_currency_column, units.quoted_column)
    amount = pl.col(units.dividend_column)
    divisor = quoted.replace_strict(per_unit, default=None, return_dtype=pl.Float64())
    return frame.with_columns(
        *(pl.col(name) / divisor for name in units.columns),
        quoted.replace_strict(currencies, default=None, return_dtype=pl.String()).alias(units.currency_column),
        amount / paid.replace_strict(per_unit, default=1.0, return_dtype=pl.Float64()),
        pl.when(amount != 0.0)
        .then(paid.replace_strict(currencies, default=paid, return_dtype=pl.String()))
        .alias(units.dividend_currency_column),
    )


def _rates_at_once(days: Sequence[RawDay]) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in RATE_COLUMNS}
    for raw in days:
        for name, values in _rates_of(raw.body, raw.day, raw.day).items():
            columns[name] += values
    return pl.DataFrame(columns, schema=RATE_COLUMNS)


def _read_rates(body: bytes, day: date | None, first: date) -> pl.DataFrame:
    return pl.DataFrame(_rates_of(body, day, first), schema=RATE_COLUMNS)


def _rates_of(body: bytes, day: date | None, first: date) -> dict[str, list[Any]]:
    document = json.loads(body, object_pairs_hook=unique_names)
    rates, amount = document["rates"], document.get("amount", 1)
    dated = date.fromisoformat(document["date"])
    if dated != day if day else dated >= first:
        raise ValueError(f"its date is {document['date']!r}")
    if isinstance(amount, bool) or amount != 1:
        raise ValueError(f"its rates are for the amount {amount!r}, not 1")
    if any(isinstance(rate, bool) or not isinstance(rate, int | float) for rate in rates.values()):
        raise ValueError("a rate is not a number")
    return {
        "dt": [dated] * len(rates),
        "base_currency": [document["base"]] * len(rates),
        "target_currency": list(rates),
        "rate": [float(rate) for rate in rates.values()],
    }


_READERS: dict[RawFormat, Callable[[bytes, date | None, date], pl.DataFrame]] = {
    "prices_csv": _read_prices,
    "rates_json": _read_rates,
}
"""How an object is read: its bytes, its day, or None for the object of the rows before a batch, and the batch's first
day."""

_AT_ONCE: dict[RawFormat, Callable[[Sequence[RawDay]], pl.DataFrame]] = {
    "prices_csv": _prices_at_once,
    "rates_json": _rates_at_once,
}
"""How the objects of many days are read, where all of them are as Fetch writes them."""
