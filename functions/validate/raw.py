"""Raw objects as Polars frames in the columns of the clean table, in the units of the contract."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from marketlake.contract import Contract, Units
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

CONTEXT_DAY = date.min
"""Stands for the first day of the bars before a batch, which differs by symbol: a symbol's bars in the object before
the batch are read as of this day and those after it."""

CONTEXT_END = date(2, 1, 1)
"""After all days that stand for those before a batch, and before all days of a batch."""

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


def read_raw(contract: Contract, days: Sequence[RawDay]) -> pl.DataFrame:
    """All rows of ``days`` with ``dt`` (date) first, then the columns of the clean table; sorted by day and key.

    A row whose quoted currency has no unit in the contract has null prices: Validate quarantines it.

    Raises:
        UpstreamMalformed: an object is not in the contract's raw format; the message names the day.
    """
    readers: dict[str, Callable[[RawDay], pl.DataFrame]] = {
        "prices_csv": _read_prices,
        "rates_json": partial(_read_rates, contract),
    }
    read = readers[contract.raw.format]
    frames = []
    for raw in days:
        try:
            frame = read(raw)
            frames.append(frame.insert_column(0, _dates(contract, raw.day, frame)))
        except UNREADABLE as error:
            raise UpstreamMalformed(
                f"{contract.name} {raw.day}: the raw object is not {contract.raw.format}: {error}; fetch the day again"
            ) from error
    if not frames:
        return pl.DataFrame(schema={"dt": pl.Date(), **polars_schema(contract)})
    # Once for all days: an expression on a small frame costs as much as on a large one.
    whole = pl.concat(frames)
    clean = _clean_prices(contract, whole) if contract.raw.format == "prices_csv" else whole
    return clean.sort("dt", *contract.key)


def _dates(contract: Contract, day: date, frame: pl.DataFrame) -> pl.Series:
    if day != CONTEXT_DAY:
        return pl.Series("dt", [day] * frame.height, pl.Date())
    place = pl.int_range(pl.len()).over(contract.key)
    return frame.select((pl.lit(day) + pl.duration(days=place)).alias("dt")).to_series()


def _read_prices(raw: RawDay) -> pl.DataFrame:
    header = raw.body.partition(b"\n")[0].split(b",")
    if sorted(header) != sorted(name.encode() for name in PRICE_COLUMNS):
        raise ValueError(f"its first line is {raw.body[:80]!r}")
    if b'"' in raw.body:  # Fetch never quotes, and readers differ on what is quoted by halves
        raise ValueError("it has quotation marks")
    return pl.read_csv(io.BytesIO(raw.body), schema=PRICE_COLUMNS, encoding="utf8", raise_if_empty=True)


def _clean_prices(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.rename({"currency": "quoted_currency"}).with_columns(
        pl.col("dividend").fill_null(0.0),
        # Yahoo writes 0 where there was no split; as a ratio that is 1.
        pl.when(pl.col("split_ratio").fill_null(0.0) == 0.0)
        .then(1.0)
        .otherwise(pl.col("split_ratio"))
        .alias("split_ratio"),
    )
    if contract.units is not None:
        frame = _in_currency(contract.units, frame)
    frame = frame.with_columns(flags=pl.lit(None, pl.String()))
    return frame.select("dt", *polars_schema(contract).names())


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


def _read_rates(contract: Contract, raw: RawDay) -> pl.DataFrame:
    document = json.loads(raw.body, object_pairs_hook=unique_names)
    rates, amount = document["rates"], document.get("amount", 1)
    if raw.day != CONTEXT_DAY and document["date"] != f"{raw.day}":
        raise ValueError(f"its date is {document['date']!r}")
    if isinstance(amount, bool) or amount != 1:
        raise ValueError(f"its rates are for the amount {amount!r}, not 1")
    if any(isinstance(rate, bool) or not isinstance(rate, int | float) for rate in rates.values()):
        raise ValueError("a rate is not a number")
    return pl.DataFrame(
        {
            "base_currency": [document["base"]] * len(rates),
            "target_currency": list(rates),
            "rate": [float(rate) for rate in rates.values()],
        },
        schema={name: kind for name, kind in polars_schema(contract).items() if name != "flags"},
    ).with_columns(flags=pl.lit(None, pl.String()))
