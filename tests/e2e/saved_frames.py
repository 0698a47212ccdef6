"""A lake as Polars frames, read by pyarrow from the files that Athena reads."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
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
