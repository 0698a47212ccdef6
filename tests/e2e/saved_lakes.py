"""Lakes to ask the saved queries of: a year that the pipeline loaded, and small ones with what can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from infra.client.athena import run_query
from infra.client.saved_queries import SavedQuery, filled
from infra.client.target import Target
from infra.local.config import ACCOUNT_ID, LocalConfig
from infra.local.deploy import client, make_catalog, make_storage, session, values_of
from marketlake.batch_rows import PARQUET, AcceptedDay, to_parquet
from marketlake.contract import load_contract
from marketlake.layout import clean_key
from marketlake.storage import Bucket
from marketlake.stored import StoredDay
from tests.e2e.pipeline import Pipeline
from tests.e2e.saved_frames import DATASETS, Frames, one_frame, put_aside, read_days
from transform.actions import record_actions
from transform.compact import compact_years
from transform.days import Day

FIRST, LAST = "2021-12-20", "2022-12-31"
"""The year and what its first questions look back on."""

FAULT = {"kind": "scale100", "match": "chart/AZN.L", "dates": ["2022-06-15"]}
"""One price a hundred times too high, so that quarantine and gaps have something to show."""

Days = Mapping[str, pl.DataFrame]
"""A frame for each day, by ``dt``."""


@dataclass(frozen=True)
class Lake:
    """A lake on the emulator, and its rows."""

    target: Target
    frames: Frames

    def ask(self, query: SavedQuery, given: list[str]) -> pl.DataFrame:
        """What the emulator's Athena answers, as ``marketlake query`` asks it."""
        table = run_query(self.target, filled(query, given)).table
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame


def load_year(pipeline: Pipeline) -> tuple[Lake, dict[str, dict[str, pl.DataFrame]]]:
    """The year as the pipeline loads it, and its days by dataset."""
    # Once for all tests on a pipeline: each load with the fault puts its row into quarantine again.
    if not pipeline.etags("clean_bucket", "markers/ftse100_prices/dt=2022-06-15"):
        pipeline.inject(FAULT)
        outcome = pipeline.run({"start": FIRST, "end": LAST})
        pipeline.inject()
        assert outcome.status == "SUCCEEDED", outcome
    folder = pipeline.config.root / "s3" / ACCOUNT_ID / pipeline.name("clean_bucket")
    # Other days may be there, too: a later dividend is in an adjusted close.
    every = {dataset: read_days(folder, dataset, "0000", "9999") for dataset in DATASETS}
    days = {dataset: dict(some(every[dataset], lambda day: FIRST <= day <= LAST)) for dataset in DATASETS}
    keys = sorted(pipeline.etags("raw_bucket", "quarantine/"))
    aside = [
        put_aside(dataset, [pipeline.body("raw_bucket", key) for key in keys if f"/{dataset}/" in key])
        for dataset in DATASETS
    ]
    frames = Frames({dataset: one_frame(dataset, every[dataset]) for dataset in DATASETS}, pl.concat(aside))
    return Lake(target_of(pipeline.config), frames), days


def small_lake(config: LocalConfig, name: str, datasets: Mapping[str, Days]) -> Lake:
    """A lake of its own beside the pipeline's, with these days of each dataset and their years, tables as deployed."""
    own = replace(config, prefix=f"lake-{name}")
    values = values_of(own)
    make_storage(own, values)
    make_catalog(own, values)
    clean = Bucket(f"{values['clean_bucket']}", client(own, "s3"))
    for dataset, days in datasets.items():
        written = {}
        for text, frame in days.items():
            day, rows = date.fromisoformat(text), frame.drop("dt")
            written[day] = StoredDay(rows, clean.put(clean_key(dataset, day), to_parquet(rows), PARQUET))
        contract = load_contract(dataset)
        compact_years(contract, clean, {}, written)
        stored = [
            Day(AcceptedDay(day, ""), one.frame, one.frame, etag=one.etag) for day, one in sorted(written.items())
        ]
        if stored:
            record_actions(contract, clean, stored, date.fromisoformat(LAST))
    nothing = pl.concat([put_aside(dataset, []) for dataset in DATASETS])
    frames = {dataset: one_frame(dataset, datasets.get(dataset, {})) for dataset in DATASETS}
    return Lake(target_of(own), Frames(frames, nothing))


def target_of(config: LocalConfig) -> Target:
    return Target(
        session(config.region), ACCOUNT_ID, config.region, config.prefix, endpoint_url=config.endpoint_url, local=config
    )


def some(days: Days, keep: Callable[[str], bool]) -> Days:
    """Only the days that ``keep`` says."""
    return {day: frame for day, frame in days.items() if keep(day)}


def left(days: Days, ticker: str, last: str) -> Days:
    """``days`` without ``ticker`` after its ``last`` day."""
    return {day: frame.filter(pl.col("ticker") != ticker) if day > last else frame for day, frame in days.items()}


def mixed(days: Days) -> Days:
    """``days`` with BP.L paying in dollars, AZN.L quoted in euro, and an open of SHEL.L in doubt each day."""
    pays = pl.col("ticker") == "BP.L"
    return {
        day: frame.with_columns(
            pl.when(pays, pl.lit(day.endswith("5"))).then(pl.col("close") / 50).otherwise("dividend").alias("dividend"),
            pl.when(pays, pl.lit(day.endswith("5")))
            .then(pl.lit("USD"))
            .otherwise("dividend_currency")
            .alias("dividend_currency"),
            pl.when(pl.col("ticker") == "AZN.L").then(pl.lit("EUR")).otherwise("currency").alias("currency"),
            pl.when(pl.col("ticker") == "SHEL.L").then(pl.lit("ordered")).otherwise("flags").alias("flags"),
        )
        for day, frame in days.items()
    }


def unlisted(days: Days, ticker: str, name: str) -> Days:
    """``days`` with the rows of ``ticker`` once more under a name that no list of constituents has."""
    return {
        day: pl.concat([frame, frame.filter(ticker=ticker).with_columns(ticker=pl.lit(name))])
        for day, frame in days.items()
    }
