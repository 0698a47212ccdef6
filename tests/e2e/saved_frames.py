"""A lake as Polars frames, read by pyarrow from the files that Athena reads."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from marketlake.contract import dataset_names, load_contract
from marketlake.schemas import polars_schema

DATASETS = dataset_names()
Asked = Mapping[str, str]


@dataclass(frozen=True)
class Frames:
    """A lake: each dataset with ``dt`` as text, and the quarantined rows (dataset, dt, symbol, reason)."""

    datasets: Mapping[str, pl.DataFrame]
    quarantine: pl.DataFrame

    @property
    def prices(self) -> pl.DataFrame:
        return self.datasets["ftse100_prices"]

    @property
    def rates(self) -> pl.DataFrame:
        return self.datasets["fx_rates"]

    @cached_property
    def adjusted(self) -> pl.DataFrame:
        """The prices with ``dividend_paid`` and ``adj_close``, which the view must have, computed without SQL."""
        names = ("dt", "currency", "dividend", "dividend_currency")
        paid = [self._paid(*row) for row in self.prices.select(names).iter_rows()]
        rows = self.prices.with_columns(dividend_paid=pl.Series(paid, dtype=pl.Float64)).sort("ticker", "dt")
        share = pl.col("dividend_paid") / pl.col("close").shift(1).over("ticker")
        rows = rows.with_columns(step=pl.when(share < 1).then(1 - share).otherwise(1.0))
        later = pl.col("step").cum_prod(reverse=True).shift(-1, fill_value=1.0).over("ticker")
        return rows.with_columns(adj_close=pl.col("close") * later)

    @cached_property
    def _rates(self) -> dict[tuple[str, str], float]:
        rows = self.rates.select("dt", "target_currency", "rate").iter_rows()
        return {(dt, currency): rate for dt, currency, rate in rows}

    def _paid(self, dt: str, own: str, dividend: float | None, other: str | None) -> float | None:
        """The dividend in the currency of the prices, by the last of ten days with both rates per euro."""
        if not dividend or other is None or other == own:
            return dividend
        for days in range(11):
            day = before(dt, days)
            one, two = (self._rates.get((day, code), 1.0 if code == "EUR" else None) for code in (own, other))
            if one and two and any((day, code) in self._rates for code in (own, other)):
                return dividend * one / two
        return None

    def symbols(self, dataset: str) -> pl.DataFrame:
        """Columns dt and symbol of a dataset."""
        return self.datasets[dataset].select("dt", symbol=load_contract(dataset).symbol_column)


def before(day: str, days: int) -> str:
    return f"{date.fromisoformat(day) - timedelta(days)}"


def window(frame: pl.DataFrame, first: str, last: str) -> pl.DataFrame:
    return frame.filter(pl.col("dt") >= first, pl.col("dt") <= last).sort("dt")


def read_days(folder: Path, dataset: str, first: str, last: str) -> dict[str, pl.DataFrame]:
    """The days of a dataset in the folder of a clean bucket, each with its ``dt``."""
    found = {}
    for path in sorted((folder / "clean" / dataset).glob("dt=*/part-0.parquet")):
        day = path.parent.name.removeprefix("dt=")
        if first <= day <= last:
            table = pl.from_arrow(pq.ParquetFile(path).read())
            assert isinstance(table, pl.DataFrame)
            found[day] = table.with_columns(dt=pl.lit(day))
    return found


def one_frame(dataset: str, days: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema={**polars_schema(load_contract(dataset)), "dt": pl.String()})
    return pl.concat([empty, *days.values()])


def put_aside(dataset: str, bodies: list[bytes]) -> pl.DataFrame:
    """The rows in a quarantine's objects."""
    symbol = load_contract(dataset).symbol_column
    frames = [pl.read_csv(io.BytesIO(body), infer_schema=False) for body in bodies]
    rows = [frame.select("dt", "reason", symbol=symbol, dataset=pl.lit(dataset)) for frame in frames]
    names = ("dt", "reason", "symbol", "dataset")
    return pl.concat([pl.DataFrame(schema=dict.fromkeys(names, pl.String())), *rows])
